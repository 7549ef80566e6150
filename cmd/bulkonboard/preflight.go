package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"strconv"
	"time"

	"bulkonboard/batch"
	"bulkonboard/batch/state"
	"bulkonboard/source"
)

// preflight reads the whole list before the first call, or takes what an
// earlier start of the run found. Before a run begins, it refuses a list with
// too many invalid rows and says what the run will do.
func (j *job) preflight(ctx context.Context) (*batch.Forecast, error) {
	binding := j.listBinding()
	f, before, known := j.keptForecast(binding)
	// What the ledger knows may have changed since, so it is always asked.
	if !known || j.known != nil {
		var err error
		if f, err = j.readAhead(ctx); err != nil {
			return nil, err
		}
	}
	if f.Rows < before.Row {
		return nil, &source.ChangedError{Name: j.Name(), At: before, Reason: fmt.Sprintf("it has only %d rows now", f.Rows)}
	}
	j.monitor.Expect(f.Rows, f.Bytes)
	if err := j.readKept(ctx, f); err != nil {
		return nil, err
	}
	if !j.began {
		if err := j.invalidLimit.Check(f); err != nil {
			return nil, err
		}
		shown := *f
		shown.Calls, shown.Repeated = f.Calls-j.kept.Leads(), f.Repeated+j.kept.Leads()
		logForecast(j.Voice, &shown)
		printForecast(j.People, &shown, j.Name(), j.expectedPace())
	}
	if known {
		return f, nil
	}
	b, err := f.Encode(binding)
	if err != nil {
		return nil, err
	}
	return f, j.dir.Keep(state.Preflight, bytes.NewReader(b))
}

// readKept finds, for a retry, the rows that are kept and answer rows above them.
func (j *job) readKept(ctx context.Context, f *batch.Forecast) error {
	if j.keep == nil || f.Duplicates.Len() == 0 || j.duplicates == "send" {
		return nil
	}
	list, err := j.OpenFirst(j.path, j.size)
	if err != nil {
		return err
	}
	defer list.Close()
	j.kept, err = batch.ReadKept(ctx, list.List, j.keep, f.Duplicates, j.FormID)
	return err
}

// listBinding is what a forecast was made of: the file, and what of the
// settings says how it is read.
func (j *job) listBinding() map[string]string {
	b := maps.Clone(j.binding(j.list.List))
	for _, ofService := range []string{"endpoint", "tenant id", "rejects"} {
		delete(b, ofService)
	}
	b["bytes"] = strconv.FormatInt(j.list.Size, 10)
	b["modified"] = j.list.Info.ModTime().UTC().Format(time.RFC3339Nano)
	return b
}

// keptForecast is the forecast of an earlier start, and where the list ended
// then, if anything was done since. One that cannot be read is as good as none:
// the list is there.
func (j *job) keptForecast(binding map[string]string) (f *batch.Forecast, ended source.Position, known bool) {
	b, err := j.dir.Kept(state.Preflight)
	if err != nil {
		return nil, ended, false
	}
	left, err := state.Inspect(state.OS{}, j.stateDir())
	if err == nil && left.Checkpoint != nil && left.Checkpoint.Row+int64(left.Answers) > 0 {
		ended = batch.ForecastEnd(b)
	}
	f, known = batch.ParseForecast(b, binding)
	return f, ended, known
}

func (j *job) readAhead(ctx context.Context) (*batch.Forecast, error) {
	list, err := j.OpenFirst(j.path, j.size)
	if err != nil {
		return nil, err
	}
	defer list.Close()
	scratch, err := j.scratch()
	if err != nil {
		return nil, err
	}
	defer func() { _ = scratch.Close() }() // nobody wants it any more
	p := batch.Preflight{
		List: list.List, FormID: j.FormID, Keep: j.keep, KnownInvalid: j.knownInvalid,
		Scratch: scratch, Monitor: &j.monitor, Share: list.Done, Known: j.known, RunID: j.ID,
	}
	if j.known != nil {
		for i := range p.KnownScratch {
			// The run reads them: they are gone with the process.
			if p.KnownScratch[i], err = j.scratch(); err != nil {
				return nil, err
			}
		}
	}
	return p.Run(ctx)
}
