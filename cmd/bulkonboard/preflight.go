package main

import (
	"context"

	"bulkonboard/batch"
	"bulkonboard/batch/customers"
	"bulkonboard/batch/preflight"
	"bulkonboard/cmd/internal/cli"
)

// preflight reads the whole list before the first call. Before a run begins, or
// begins again with another list because it came to nothing, it refuses a list that
// is too short or has too many invalid rows. It takes over what a run of another list has left, and says
// what the run will do.
func (j *job) preflight(ctx context.Context) (*preflight.Forecast, error) {
	f, err := j.readAhead(ctx)
	if err != nil {
		return nil, err
	}
	if superseded := j.superseded(f); superseded || !j.began || j.untouched && batch.AnotherList(j.left, f.Ends) {
		if err := j.checkForecast(f); err != nil {
			return nil, err
		}
		if superseded { // asked again, the ledger has what the interrupted run did
			if err := j.takeOver(); err != nil {
				return nil, err
			}
			if f, err = j.readAhead(ctx); err != nil {
				return nil, err
			}
		}
	}
	j.monitor.Expect(f.Rows, f.Bytes)
	if err := j.readKept(ctx, f); err != nil {
		return nil, err
	}
	if !j.began {
		shown := *f
		shown.Calls, shown.Repeated = f.Calls-j.kept.Leads(), f.Repeated+j.kept.Leads()
		cli.LogForecast(j.voice, &shown)
		cli.PrintForecast(j.voice.People, &shown, j.settings.list.Name(), j.expectedPace())
		if n := j.settings.limits.maxCalls; 0 < n && n < shown.Calls {
			j.voice.Say("this start begins %d of these calls (--max-calls), and the run then stops; the same command resumes it", n)
		}
	}
	return f, nil
}

// checkForecast refuses a list that is not what it should be. What a retry reads
// are results, and as many as there were.
func (j *job) checkForecast(f *preflight.Forecast) error {
	if j.settings.retry == nil {
		if err := j.settings.limits.rows.Check(f.Rows, preflight.LastRunOf(j.known)); err != nil {
			return err
		}
	}
	return preflight.CheckInvalid(j.settings.limits.invalid, f)
}

// readKept finds, for a retry, the rows that are kept and answer rows above them.
func (j *job) readKept(ctx context.Context, f *preflight.Forecast) error {
	if j.treatment.keep == nil || f.Duplicates.Len() == 0 || j.settings.duplicates == "send" {
		return nil
	}
	list, err := j.settings.list.OpenFirst(j.path, j.size)
	if err != nil {
		return err
	}
	defer list.Close()
	j.kept, err = customers.ReadKept(ctx, list.List, j.treatment.keep, f.Duplicates, j.settings.service.Target.FormID)
	return err
}

func (j *job) readAhead(ctx context.Context) (f *preflight.Forecast, err error) {
	list, err := j.settings.list.OpenFirst(j.path, j.size)
	if err != nil {
		return nil, err
	}
	defer list.Close()
	scratch, err := scratchIn(j.dir)
	if err != nil {
		return nil, err
	}
	if j.known == nil { // otherwise the run reads it, and it is gone with the process
		defer func() { _ = scratch.Close() }() // it is no longer needed
	}
	p := preflight.Preflight{
		List: list.List, FormID: j.settings.service.Target.FormID, Keep: j.treatment.keep, KnownInvalid: j.treatment.knownInvalid,
		Scratch: scratch, Monitor: &j.monitor, Share: list.Done, Known: j.known, RunID: j.voice.ID,
	}
	f, j.inLedger, err = p.Run(ctx)
	return f, err
}
