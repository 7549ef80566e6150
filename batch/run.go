package batch

import (
	"context"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"bulkonboard/batch/answers"
	"bulkonboard/batch/customers"
	"bulkonboard/batch/known"
	"bulkonboard/batch/measure"
	"bulkonboard/batch/pace"
	"bulkonboard/batch/session"
	"bulkonboard/batch/state"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// Config is everything a run needs. All fields are required unless they say
// otherwise. The run owns none of them: who opened, closes.
type Config struct {
	// ID tells this run from every other, over all its starts. NewID makes
	// one; a run that is resumed keeps the ID that state.Dir.Began
	// gives.
	ID string

	List    *source.List
	Encoder Encoder
	Caller  Caller
	Pace    pace.Config // how fast, but for what the run itself knows
	State   *state.Dir

	// Results and Rejects are the paths at which the finished outputs appear.
	// Rejects is empty when none are asked for. What stands there by then is
	// replaced only where that is said.
	Results, Rejects               string
	ReplaceResults, ReplaceRejects bool

	SummaryFile SummaryFile // without a path: none

	// Answers have results for rows that are not to be sent. They are asked after
	// the journal and before a row's problems. May be nil.
	Answers answers.Chain

	// Begins is where the records of the list begin in the whole, when the
	// list is a part of one.
	Begins source.Position

	// Journal takes what is sent and answered, in the place of that in State.
	// What it has, Answers must give to the run that resumes. May be nil.
	Journal Journal

	// Duplicates are the rows of one customer, as a preflight found them; nil:
	// not searched for.
	Duplicates *customers.Duplicates

	// Known takes in what becomes of customers, for the next night. Nil: there
	// is not a ledger.
	Known *known.Known

	// Standings is what the ledger knows of the customers, as a preflight found;
	// nil without a ledger.
	Standings *sink.Standings

	// Decided is when it was decided what becomes of rows that need no call.
	// Zero: as they are met. With it, a run without calls makes the same
	// results as often as it is made.
	Decided time.Time

	// Measures are those of the parts of a job that made the calls, for a run
	// that only puts together what they got. Nil: the run measures itself.
	Measures *measure.Measures

	// Ends is where the list ended when a preflight read it; zero: not known.
	Ends source.Position

	// Scratch takes what the later rows of customers will be answered with. It
	// is for this use alone, and needed only when there are Duplicates.
	Scratch state.ScratchFile

	// Size is how many bytes of the list's file the run reads, for the run that
	// resumes it.
	Size int64

	// Origin is shown by those who look at the state: the list, and the
	// command that resumes the run.
	Origin Origin

	Binding Binding // of the run that resumes this one, or that this one resumes

	FormID      string        // for records that carry none
	MaxInFlight int           // attempts under way at once, at most
	MaxAttempts int           // attempts that count against a row, at most
	MaxBackoff  time.Duration // between two attempts for a row, at most
	Grace       time.Duration // for the calls in flight, once the run is told to stop
	// MaxFailures is how many rows may be rejected or failed before the run stops.
	// Rows of the starts that this one resumes do not count, or it would stop
	// again at once. Zero: no limit.
	MaxFailures measure.Limit

	MaxCalls int64 // rows for which a first attempt is sent, before the run stops with a CallsError; 0: no limit

	// AskAccess asks the service whether it is well, and takes the credentials and the
	// tenant, in a way that names no customer: the last rows of a list may fail because
	// it is not, or does not any more. One goroutine calls it at a time; it must return
	// soon after its context is done. May be nil: then such rows are at fault.
	AskAccess func(context.Context) session.Reply

	// OthersAnswered reports whether the service has lately done well by other
	// parts of the job: then calls that it fails here fail by their rows. It is
	// called often, by one goroutine. May be nil.
	OthersAnswered func() bool

	// AcceptRefusals keeps a run going whose first rows are all refused in the
	// same words.
	AcceptRefusals bool

	// Abort ends the grace early when it is closed. May be nil.
	Abort <-chan struct{}

	// Monitor shows how far the run is. May be nil.
	Monitor *measure.Monitor

	Log *slog.Logger
}

// Run takes the list through the API, or continues where an interrupted run
// stopped. It returns when every record has its result, or when ctx is done,
// the calls in flight have come back and what they brought is on disk; in that
// case the error is the cause of ctx.
//
// The summary is never nil and says how far the run came. Every goroutine that
// Run starts has ended when it returns.
func Run(ctx context.Context, c Config) (*Summary, error) {
	r := &run{Config: c, journal: c.State, started: time.Now(), from: c.Begins}
	if c.Journal != nil {
		r.journal = c.Journal
	}
	r.Pace.MaxInFlight = c.MaxInFlight
	r.records = known.NewRecords(c.Known, c.ID, r.started)
	err := r.whole(ctx)
	if err != nil {
		r.explain(err)
	}
	return r.summary(), err
}

// Origin says where a run comes from, for people.
type Origin struct {
	List    string `json:"list"`
	Command string `json:"command"`
}

// run is one run under way.
type run struct {
	Config
	journal   Journal // that in State, unless there is another
	started   time.Time
	published bool // an earlier run had finished but for its last renames
	began     bool
	concluded bool // nothing is left but to put the outputs in place
	complete  bool

	from          source.Position
	leftover      leftover // of the rows behind the checkpoint
	answered      int      // results that the journal had
	answeredOther bool     // one of them is not a refusal
	answeredOK    bool     // one of them is a success
	proven        bool     // an earlier start was answered as it should
	totals        *Totals
	meter         *measure.Meter

	results         *output
	rejects         *output
	excerpt         *source.Excerpt // of the list, in the rejects
	learned         atomic.Uint64   // the pace found, as the bits of a float64
	pace            *pace.Controller
	customerResults *output        // of customers with several rows
	records         *known.Records // nil without a ledger

	problems *known.Problems // compared with those of the night before; nil: they are not
	reported *output         // of these
}

// whole is the run from taking up what is there to publishing.
func (r *run) whole(ctx context.Context) error {
	if r.Monitor == nil {
		r.Monitor = new(measure.Monitor)
	}
	defer r.Monitor.End()
	if err := r.recover(); err != nil || r.published {
		return err
	}
	r.began = true
	if r.totals.Rows == 0 && r.answered == 0 { // later the ledger knows the customers that this run has called, too
		r.totals.Standings = r.Standings
	}
	r.meter = measure.NewMeter(r.totals.Measures, time.Now())
	if r.Measures != nil {
		r.meter = measure.GivenMeter(r.totals.Measures, *r.Measures)
	}
	r.Monitor.Begin(&r.totals.Tally, r.from)
	return r.pipeline(ctx)
}

// decided is the time that results have which are decided now.
func (c *Config) decided() time.Time {
	if c.Decided.IsZero() {
		return time.Now()
	}
	return c.Decided
}

// watch takes in how the pace stands, for the next commit and for those who
// look on. It is called by the dispatcher.
func (r *run) watch(now time.Time, s pace.Snapshot, inFlight int, draining bool) {
	r.meter.Paced(now, s)
	if s.Learned > 0 {
		r.learned.Store(math.Float64bits(s.Learned))
	}
	r.Monitor.Paced(now, s, inFlight, draining)
}
