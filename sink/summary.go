package sink

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"bulkonboard/source"
)

// summaryVersion is that of the schema of Summary. It grows when a field
// changes its meaning or goes; a field that is added leaves it as it is.
const summaryVersion = 1

// SummaryPath is where the summary of the run that writes a results file
// stands: beside it.
func SummaryPath(results string) string { return results + ".summary.json" }

// Summary is what the summary file says of a run: of all its starts together
// where nothing else is said. It names no customer and holds no secret. Times
// are UTC.
type Summary struct {
	Version int    `json:"version"` // summaryVersion
	Run     string `json:"run"`     // id of the run, the same over all its starts, and in its log
	Tool    string `json:"tool"`    // version of the program

	// Complete says that every row of the list has its result and the results
	// file is this run's. A run that stopped is not complete: it has no output
	// yet, and its summary is in its state folder.
	Complete bool   `json:"complete"`
	ExitCode int    `json:"exitCode"`         // of the last start
	Reason   string `json:"reason,omitempty"` // why a run stopped that is not complete

	StartedAt      time.Time `json:"startedAt"`      // first start
	EndedAt        time.Time `json:"endedAt"`        // end of the last start
	RunningSeconds float64   `json:"runningSeconds"` // without the time between two starts
	Resumed        int       `json:"resumed"`        // starts after the first

	Rows     int64            `json:"rows"`     // that have a result
	Status   map[Status]int64 `json:"status"`   // rows by status; they add up to Rows
	Open     int64            `json:"open"`     // of the rows that need attention, those of which an earlier complete run has reported the same
	Attempts int64            `json:"attempts"` // sent for these rows, less those of results kept from an earlier run
	InDoubt  int64            `json:"inDoubt"`  // calls that an interruption caught in flight, and were sent again

	SharedIDs *SharedIDs `json:"sharedIds,omitempty"`

	// Standings is what the ledger knew of the customers when the run began;
	// absent without a ledger.
	Standings *Standings `json:"standings,omitempty"`

	// What follows is measured. Of a start that was killed, what came after
	// its last commit (a second at most, while rows are written) is not in it.
	Throttled     int64   `json:"throttled"`   // answers 429
	HeldSeconds   float64 `json:"heldSeconds"` // in which nothing was sent after a 429
	Outages       int64   `json:"outages"`
	OutageSeconds float64 `json:"outageSeconds"` // in which the service was unavailable
	Latency       Latency `json:"latency"`

	// Learned is the pace that the service was found to take, by this run or by
	// an earlier one; absent when none is known.
	Learned *Learned `json:"learned,omitempty"`

	// EarlierRun is the run whose summary this one replaces, such as that of the
	// night before; absent when there was none.
	EarlierRun *EarlierRun `json:"earlierRun,omitempty"`

	Input   File  `json:"input"`             // of a run that stopped, rows as they were counted before the first call (0: not known), and no SHA-256
	Output  *File `json:"output,omitempty"`  // only of a complete run
	Rejects *File `json:"rejects,omitempty"` // only of a complete run, when asked for

	Errors   []ErrorGroup      `json:"errors"`   // the most frequent first
	Settings map[string]string `json:"settings"` // every setting by its key; of --set, what may be somebody's own is left out
	Command  Command           `json:"command"`
	Timeline Timeline          `json:"timeline"`

	// Digest is "sha256:" and the hash of everything before it, compacted. It
	// tells of a slip or a bad copy; who means to forge can make a new one.
	Digest string `json:"digest"`
}

// Standings are the customers of a list by what a ledger knows of them. Known
// and Refused are answered from the ledger, and the others are called.
type Standings struct {
	New     int64 `json:"new"`
	Known   int64 `json:"known"`
	Changed int64 `json:"changed"` // since they were called
	Expired int64 `json:"expired"` // their session id has
	Again   int64 `json:"again"`   // failed or refused before, and are tried again
	Refused int64 `json:"refused"` // before, and have not changed since
}

// Command is what was started. Together with the settings it is all that the
// same command, or a retry of it, must know, but for values of --set that may be
// somebody's own: who retries gives these again.
type Command struct {
	Name   string `json:"name"`             // run, retry or merge
	Folder string `json:"folder,omitempty"` // in which it was started: relative names of files are from there

	Set       []source.KeptConstant `json:"set,omitempty"`
	Delimiter string                `json:"delimiter,omitempty"` // of the results; "" when they are JSONL

	Only       []string `json:"only,omitempty"`       // of a retry: --only,
	ErrorCodes []string `json:"errorCodes,omitempty"` // --error-code,
	Fixes      string   `json:"fixes,omitempty"`      // and the SHA-256 of the corrections
	FirstRun   string   `json:"firstRun,omitempty"`   // the run that this retry, or the first of several, was made of
	Job        string   `json:"job,omitempty"`        // of a merge: the job and its round
}

// EarlierRun is what a run before this one came to: enough to compare them.
type EarlierRun struct {
	Run            string           `json:"run"`
	EndedAt        time.Time        `json:"endedAt"`
	RunningSeconds float64          `json:"runningSeconds"`
	Rows           int64            `json:"rows"`
	Status         map[Status]int64 `json:"status"`
	Attempts       int64            `json:"attempts"`
	P95            float64          `json:"p95Ms"` // of its response times
}

// AsEarlierRun is a run for the summary of a later one.
func (s *Summary) AsEarlierRun() *EarlierRun {
	return &EarlierRun{
		Run: s.Run, EndedAt: s.EndedAt, RunningSeconds: s.RunningSeconds, Rows: s.Rows, Status: s.Status, Attempts: s.Attempts, P95: s.Latency.P95,
	}
}

// Learned is a pace that a service was found to take.
type Learned struct {
	PerSecond float64   `json:"perSecond"` // attempts
	At        time.Time `json:"at"`
}

// File is one file as it was read or written.
type File struct {
	Name   string `json:"name"` // as it was given
	Size   int64  `json:"size"` // in bytes
	SHA256 string `json:"sha256,omitempty"`
	Rows   int64  `json:"rows,omitempty"`
	Added  int64  `json:"added,omitempty"` // bytes that the list got behind these while the run continued, and that are not part of it
}

// Called is the same file by another name, as after it was copied; nil without a
// file, or without a name.
func (f *File) Called(name string) *File {
	if f == nil || name == "" {
		return nil
	}
	named := *f
	named.Name = name
	return &named
}

// Latency is how long attempts took: those that the service processed or may
// have, so without answers 429 and without those that found no connection.
// Percentiles are at most a sixteenth above the true ones.
type Latency struct {
	Count  int64   `json:"count"`
	P50    float64 `json:"p50Ms"`
	P90    float64 `json:"p90Ms"`
	P95    float64 `json:"p95Ms"`
	P99    float64 `json:"p99Ms"`
	Max    float64 `json:"maxMs"`
	Counts []int64 `json:"counts"` // attempts by UpTo
	UpTo   []int64 `json:"upToMs"` // ends of the ranges: 1 ms, 2 ms, 4 ms …
}

// SharedIDs are rows with the session id of another customer: of another row,
// noticed when they are some ten thousand rows apart at most, or, of a row that
// was called, of any customer of the ledger.
type SharedIDs struct {
	Count int64 `json:"count"`
	Row   int64 `json:"row"` // the first of them
	Of    int64 `json:"of"`  // the row that had its id before; 0: that is a customer of the ledger
}

// ErrorGroup is the rows that need attention for one reason: work for
// somebody.
type ErrorGroup struct {
	Code    string   `json:"code"`
	Field   string   `json:"field,omitempty"` // that is wrong, when the program knows
	Status  Status   `json:"status"`
	Count   int64    `json:"count"`
	Rows    []int64  `json:"rows"`             // the first ones
	Line    int64    `json:"line"`             // of the first row
	Message string   `json:"message"`          // of the first row
	Shapes  []string `json:"shapes,omitempty"` // of the first values that differ in it: see source.Shape
	Retry   string   `json:"retry,omitempty"`  // the command that takes up just these again

	// OpenSince is when the first run began that has reported one of these rows;
	// absent when they are new.
	OpenSince *time.Time `json:"openSince,omitempty"`
}

// Timeline is a run over its running time, from 0 on, in buckets of equal
// length. The time between two starts is left out; Starts has it. All lists but
// Starts have one number a bucket.
type Timeline struct {
	BucketSeconds int64     `json:"bucketSeconds"`
	Rows          []int64   `json:"rows"`          // that got their result
	Calls         []int64   `json:"calls"`         // attempts that came back
	Throttled     []int64   `json:"throttled"`     // of them, with a 429
	HeldSeconds   []float64 `json:"heldSeconds"`   // of the bucket, in a pause
	OutageSeconds []float64 `json:"outageSeconds"` // of the bucket, in an outage
	Starts        []Start   `json:"starts"`        // the first one, and the latest
}

// Start is one stretch of running. Where one ends and the next begins, the run
// was interrupted.
type Start struct {
	AtSeconds float64   `json:"atSeconds"` // of running time
	StartedAt time.Time `json:"startedAt"`
	EndedAt   time.Time `json:"endedAt"` // of one that was killed: its last commit
}

// Encode makes the bytes of the summary file, with its digest.
func (s *Summary) Encode() ([]byte, error) {
	s.Version, s.Digest = summaryVersion, ""
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode the summary: %w", err)
	}
	body, ok := bytes.CutSuffix(b, []byte(digestMember+`"}`))
	if !ok {
		return nil, fmt.Errorf("encode the summary: the digest is not its last member")
	}
	s.Digest = digestOf(body)
	if b, err = json.MarshalIndent(s, "", "  "); err != nil {
		return nil, fmt.Errorf("encode the summary: %w", err)
	}
	return append(numbersOnOneLine(b), '\n'), nil
}

const digestMember = `,"digest":"`

func digestOf(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// numbersOnOneLine keeps the timeline from filling screens. A list of numbers, as
// MarshalIndent writes it, has nothing else up to its end. Text is not taken for
// one: a string of JSON has no line break.
func numbersOnOneLine(b []byte) []byte {
	const begin, numbers, space = "[\n", "+-.0123456789eE,", " \n"
	short := make([]byte, 0, len(b))
	for {
		before, rest, found := bytes.Cut(b, []byte(begin))
		if short = append(short, before...); !found {
			return short
		}
		b = bytes.TrimLeft(rest, numbers+space)
		list := rest[:len(rest)-len(b)]
		if !bytes.HasPrefix(b, []byte("]")) {
			short = append(append(short, begin...), list...)
			continue
		}
		short = append(short, begin[0])
		for _, word := range bytes.Fields(list) {
			short = append(short, word...)
		}
	}
}
