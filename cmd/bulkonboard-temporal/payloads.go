package main

import "time"

// What goes through Temporal, and stays there for as long as it keeps
// histories: names, indexes, counts and times. People who may look into Temporal
// learns nothing of a customer. Of the service he learns what is in the name of
// the quota, which is a part of workflows' ids: its host and the application
// id, unless --quota says otherwise. All else is in the store.

// The names that a workflow and those who run its parts agree on. They are in
// the histories of jobs under way: never change one.
const (
	onboardName  = "onboard"
	holdName     = "hold"
	planName     = "plan"
	runChunkName = "run-chunk"
	runRestName  = "run-rest"
	mergeName    = "merge"

	scheduledName = "night"
	prepareName   = "prepare"

	progressName = "progress"
)

// roundState is where a round of a job stands: what a workflow is given, hands on
// to the next when its history gets long, and answers to a query.
type roundState struct {
	Job       string        `json:"job"`
	Round     int           `json:"round"`
	Heartbeat time.Duration `json:"heartbeat"` // after which a worker is taken for dead
	Ledger    bool          `json:"ledger"`    // planning and merging want a worker that has one

	Phase  string `json:"phase"`
	Layout layout `json:"layout"` // once it is planned
	Next   int    `json:"next"`   // chunk
	Done   int    `json:"done"`   // chunks
	Rows   int64  `json:"rows"`   // of these
	Total  total  `json:"total"`  // once it is merged
}

// The phases of a round.
const (
	planning = "planning"
	calling  = "calling"
	resting  = "calling for the rest"
	merging  = "merging"
	merged   = "done"
)

// layout is what a workflow needs to know of a plan.
type layout struct {
	Chunks   int     `json:"chunks"`
	Parallel int     `json:"parallel"`
	Rest     bool    `json:"rest"`
	Rows     int64   `json:"rows"`
	Rate     float64 `json:"rate"` // of all chunks together; 0 for no ceiling
}

// part names a chunk of a round; where only the round counts, it is the first.
type part struct {
	Job   string `json:"job"`
	Round int    `json:"round"`
	Chunk int    `json:"chunk"`
}

// counted is how many rows a part has done.
type counted struct {
	Rows int64 `json:"rows"`
}

// total is what a round came to.
type total struct {
	Rows int64 `json:"rows"`
	Bad  int64 `json:"bad"` // failed
}

// heartbeatDetails are what a worker says of the part that it is at: to people,
// to the workers at other parts, and to the next one that has this part.
type heartbeatDetails struct {
	State string `json:"state"`
	Rows  int64  `json:"rows"`

	Answered  int64  `json:"answered,omitempty"`  // calls of this try that the service has processed
	Succeeded int64  `json:"succeeded,omitempty"` // of these, those that brought a session id
	Trouble   string `json:"trouble,omitempty"`   // kind of what all calls have met lately

	// Of the last try that was handed on for its trouble: its calls were answered,
	// and failed; no other worker was known to be answered.
	Failing bool `json:"failing,omitempty"`
	Alone   bool `json:"alone,omitempty"`
}

// due is one time that a schedule comes round.
type due struct {
	Schedule string    `json:"schedule"`
	At       time.Time `json:"at"` // as scheduled, however late it begins
}

// prepared is a job that a schedule has made.
type prepared struct {
	State roundState `json:"course"`
	Quota string     `json:"quota"`

	Late     bool          `json:"late"`     // the list is not there yet
	Patience time.Duration `json:"patience"` // how long it is waited for
}
