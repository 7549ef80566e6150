package cli

// How both programs put a job's results together.

import (
	"fmt"
	"io"
	"maps"
	"os"
	"time"

	"bulkonboard/batch"
	"bulkonboard/batch/chunks"
	"bulkonboard/batch/known"
	"bulkonboard/batch/ledger"
	"bulkonboard/sink"
)

// MergeOutputs say where a program puts what a job comes to, and what it says
// there of itself.
type MergeOutputs struct {
	Results, Rejects, Summary string // files; Rejects is empty when none are asked for

	Replace        bool // results and rejects that stand there give way
	ReplaceSummary bool

	Settings map[string]string // of the merge itself: they override those of the plan
	Command  sink.Command      // that was started; --set is of the plan
	Typed    string            // the same, as it can be typed again
	Retry    func(status sink.Status, code string) string
}

// NewMerger sets up a merge. The caller adds the store, the state, a scratch file
// and the log and, where there are, a ledger and a monitor.
func NewMerger(m *chunks.Manifest, round int, o *MergeOutputs) *chunks.Merger {
	settings := maps.Clone(m.Job.Settings)
	maps.Copy(settings, o.Settings)
	command := o.Command
	command.Set = m.Constants()
	return &chunks.Merger{
		Manifest: m, Round: round,
		Results: o.Results, Rejects: o.Rejects, ReplaceResults: o.Replace, ReplaceRejects: o.Replace,
		SummaryFile: batch.SummaryFile{
			Path: o.Summary, Replace: o.ReplaceSummary, Tool: Version(), Settings: settings, Command: command, ExitCode: ExitCodeOf, Retry: o.Retry,
		},
		Origin: batch.Origin{List: m.Source.Name, Command: o.Typed},
	}
}

// CheckRetried refuses to put what a job came to in the place of what a retry has
// made of it: the job knows nothing of the session ids and corrections that are there,
// and the next retry would call these customers again. Program is the one that has
// made it, as it is called.
func CheckRetried(results, job, program string) error {
	if s := summaryBeside(results); s == nil || s.Command.FirstRun != job {
		return nil
	}
	return Problems{fmt.Sprintf("--output: %s has what a retry has made of the results of this job, and the job does not know it: to replace it would lose session ids, and have customers called again. Send what is left from there, with %s retry %s, or name another --output",
		OneLine(results), program, Quoted(results))}
}

// summaryBeside reads the summary of results that stand somewhere; nil where there
// is none. One that was edited is one.
func summaryBeside(results string) *sink.Summary {
	if _, err := os.Stat(results); err != nil {
		return nil
	}
	file, err := os.Open(sink.SummaryPath(results))
	if err != nil {
		return nil
	}
	defer func() { _ = file.Close() }() // it was only read
	b, err := io.ReadAll(io.LimitReader(file, sink.MaxSummary+1))
	if err != nil {
		return nil
	}
	s, _ := sink.DecodeSummary(b)
	return s
}

// OwnerOf is whose customers those of a job are.
func OwnerOf(s *chunks.ServiceSettings) ledger.Owner {
	return ledger.Owner{Service: s.BaseURL, Application: s.AppID}
}

// KnownOf is what a ledger knows of the customers of a job; nil without a ledger.
// A session id is good for ttl; for less than zero, for ever.
func KnownOf(opened *OpenedLedger, s *chunks.ServiceSettings, ttl time.Duration) *known.Known {
	if opened == nil {
		return nil
	}
	return &known.Known{Ledger: opened.Ledger, Owner: OwnerOf(s), Tenant: s.TenantID, FormID: s.FormID, TTL: ttl, Concludes: true}
}
