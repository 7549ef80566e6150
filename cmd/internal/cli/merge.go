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
	"bulkonboard/batch/disk"
	"bulkonboard/batch/known"
	"bulkonboard/batch/ledger"
	"bulkonboard/batch/state"
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
// and the next retry would call these customers again. Nor may it be where a retry, or
// a run, was interrupted. Program is the one that makes retries, as it is called.
func CheckRetried(results, job, program string) error {
	if results == "" {
		return nil
	}
	if s := summaryBeside(results); s != nil && s.Command.FirstRun == job {
		return Problems{fmt.Sprintf("--output: %s has what a retry has made of the results of this job, and the job does not know it: to replace it would lose session ids, and have customers called again. Send what is left from there, with %s retry %s, or name another --output",
			OneLine(results), program, Quoted(results))}
	}
	return checkInterrupted(results)
}

// checkInterrupted refuses to put anything where a run or a retry was interrupted: the
// state there has calls of which the job does not know, and to start over would have
// these customers called again.
func checkInterrupted(results string) error {
	folder := StateDirOf(results)
	left, err := state.Inspect(disk.OS{}, folder)
	if err != nil || left.Held || left.Checkpoint == nil || left.Checkpoint.Complete {
		return nil //nolint:nilerr // who opens the state is told
	}
	what := CommandOf(left.Checkpoint)
	if what == chunks.MergeCommand {
		return nil
	}
	totals, err := TotalsOf(left.Checkpoint, folder)
	if err != nil {
		return err
	}
	return Problems{fmt.Sprintf("--output: a %s that writes %s was interrupted, and the job does not know its calls: to start over would have customers called again. Resume it: %s; or name another --output",
		what, OneLine(results), totals.Origin.Command)}
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
