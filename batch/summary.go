package batch

import (
	"bytes"
	"crypto/rand"
	"math"
	"strings"
	"time"

	"bulkonboard/batch/measure"
	"bulkonboard/batch/pace"
	"bulkonboard/batch/state"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// NewID makes the id of a run that begins: the time, for people and for
// sorting, and a few random digits.
func NewID(now time.Time) string {
	return now.UTC().Format("20060102T150405Z-") + strings.ToLower(rand.Text()[:6])
}

// Summary says what a run did and how far it came.
type Summary struct {
	ID string
	*Totals
	Began       bool // the state was taken up and rows were looked at
	Complete    bool
	StartedAt   time.Time
	Duration    time.Duration // of this run, not of the ones it resumes
	FromJournal int           // results that an interrupted run had received and not written
	RowsBefore  int64         // rows that earlier runs had written
	Pace        pace.Snapshot
}

func (r *run) summary() *Summary {
	totals := r.totals
	if totals == nil {
		totals = newTotals()
	}
	totals.Origin = r.Origin
	if r.pace == nil { // no row was to be sent
		r.pace = pace.New(r.Pace)
	}
	return &Summary{
		ID:          r.ID,
		Totals:      totals,
		Began:       r.began,
		Complete:    r.complete || r.published,
		StartedAt:   r.started,
		Duration:    time.Since(r.started),
		FromJournal: r.answered,
		RowsBefore:  r.from.Row,
		Pace:        r.pace.Snapshot(time.Now()),
	}
}

// SummaryFile is the summary that a run leaves beside its results, and what it
// says beyond what the run itself knows. It is written again at the end of every
// start that began. That of a run that is not complete stays in the state
// folder, since what stands beside the results is about them; that of a
// complete run appears right before its results.
type SummaryFile struct {
	Path     string // "" for none
	Replace  bool   // what stands there by then is replaced
	Tool     string
	Settings map[string]string
	Command  sink.Command // but for the delimiter, which the list knows

	// Learned is the pace that an earlier run found, which stands until this run
	// finds one. May be nil.
	Learned *sink.Learned

	// EarlierRun is the run whose results this one replaces. May be nil.
	EarlierRun *sink.EarlierRun

	// Input tells the name, size and hash of the list, as far as it was read,
	// and its rows, if they were counted before the first call.
	Input func() sink.File

	// Read is asked once the list was read to its end, before anything is put in
	// place: whether it was the list that it had to be. May be nil.
	Read func() error

	// ExitCode is what the program ends with, by the number of rows that need
	// attention and are news, and the error of the run.
	ExitCode func(news int64, err error) int

	// Retry is the command that takes up the rows with a status and an error
	// code again.
	Retry func(status sink.Status, code string) string
}

// conclude keeps the summary of a complete run, to be published with its
// results.
func (r *run) conclude() error {
	if r.SummaryFile.Path == "" {
		return nil
	}
	if read := r.SummaryFile.Read; read != nil {
		if err := read(); err != nil {
			return err
		}
	}
	b, err := r.document(nil)
	if err != nil {
		return err
	}
	return r.State.Keep(state.Summary, bytes.NewReader(b))
}

// explain keeps the summary of a run that stopped. Once the outputs are being
// put in place there is nothing to explain: the next start does that.
func (r *run) explain(reason error) {
	if r.SummaryFile.Path == "" || !r.began || r.concluded {
		return
	}
	b, err := r.document(reason)
	if err == nil {
		err = r.State.Keep(state.Summary, bytes.NewReader(b))
	}
	if err != nil {
		r.Log.Warn("the summary could not be written", "event", "summary_failed", "error", err)
	}
}

// document makes the bytes of the summary, with the reason why the run stopped,
// or nil when it is complete.
func (r *run) document(reason error) ([]byte, error) {
	now := time.Now()
	t, m := r.totals, r.meter.Measures(now)
	s := sink.Summary{
		Run: r.ID, Tool: r.SummaryFile.Tool, Settings: r.SummaryFile.Settings, Command: r.SummaryFile.Command,
		Complete: reason == nil, ExitCode: r.SummaryFile.ExitCode(t.News(), reason),
		StartedAt: m.StartedAt.UTC(), EndedAt: now.UTC(), RunningSeconds: seconds(m.Running), Resumed: t.Resumed,
		Rows: t.Rows, Status: t.Status, Open: t.Open, Attempts: t.Attempts, InDoubt: t.InDoubt, SharedIDs: t.SharedIDs, Standings: t.Standings,
		Throttled: m.Throttled, HeldSeconds: seconds(m.Held), Outages: m.Outages, OutageSeconds: seconds(m.Outage),
		Learned: r.SummaryFile.Learned, EarlierRun: r.SummaryFile.EarlierRun,
		Latency: m.Latency.Summary(), Timeline: m.Timeline.Summary(),
		Input: r.SummaryFile.Input(), Errors: []sink.ErrorGroup{},
	}
	if r.List.Format() == source.FormatCSV {
		s.Command.Delimiter = string(r.List.Delimiter())
	}
	if perSecond := math.Float64frombits(r.learned.Load()); perSecond > 0 {
		s.Learned = &sink.Learned{PerSecond: perSecond, At: now.UTC()}
	}
	for _, g := range t.Errors.MostFrequent() {
		group := *g
		if group.Code != measure.OtherErrors {
			group.Retry = r.SummaryFile.Retry(group.Status, group.Code)
		}
		s.Errors = append(s.Errors, group)
	}
	if reason != nil {
		s.Reason, s.Input.SHA256 = reason.Error(), ""
		return s.Encode()
	}
	s.Input.Rows = t.Rows
	s.Output = fileOf(r.Results, r.results)
	s.Output.Rows = t.Rows
	if r.Rejects != "" {
		s.Rejects = fileOf(r.Rejects, r.rejects)
		s.Rejects.Rows = t.Bad()
	}
	return s.Encode()
}

// fileOf is an output as it will stand at its place.
func fileOf(name string, o *output) *sink.File {
	return &sink.File{Name: name, Size: o.file.Len(), SHA256: o.file.SHA256()}
}

// seconds is a time to the millisecond.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1e3) / 1e3 }
