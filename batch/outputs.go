package batch

import (
	"fmt"
	"io"

	"bulkonboard/batch/state"
	"bulkonboard/source"
)

// output is a partial output and the rows encoded for it; nil for one that is
// not asked for.
type output struct {
	file *state.Output
	buf  []byte
}

func (o *output) flush() error {
	if o == nil || len(o.buf) == 0 {
		return nil
	}
	_, err := o.file.Write(o.buf)
	o.buf = o.buf[:0]
	return err
}

// openOutputs opens the partial outputs and begins the empty ones.
func (r *run) openOutputs() error {
	file, err := r.State.Output(state.Results)
	if err != nil {
		return err
	}
	r.results = &output{file: file}
	if file.Len() == 0 {
		r.results.buf = r.Encoder.Header(nil)
	}
	if r.Duplicates.Len() > 0 {
		file, err := r.State.Output(state.CustomerResults)
		if err != nil {
			return err
		}
		r.customerResults = &output{file: file}
	}
	if r.Rejects != "" {
		file, err := r.State.Output(state.Rejects)
		if err != nil {
			return err
		}
		r.rejects, r.excerpt = &output{file: file}, r.List.Excerpt(r.totals.Excerpt)
		if file.Len() == 0 {
			r.rejects.buf = r.excerpt.Header(r.rejects.buf)
		}
	}
	if err := r.openProblems(); err != nil {
		return err
	}
	return r.begin()
}

// openProblems takes up the rows that need attention.
func (r *run) openProblems() error {
	kept, err := r.keptProblems()
	if err != nil {
		return err
	}
	if r.problems, err = r.records.NewProblems(kept); r.problems == nil || err != nil {
		return err
	}
	file, err := r.State.Output(state.Problems)
	r.reported = &output{file: file}
	return err
}

func (r *run) keptProblems() ([]byte, error) {
	file, err := r.State.ReadOutput(state.Problems)
	if file == nil || err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	b, err := io.ReadAll(file)
	if err != nil {
		err = &state.IOError{Op: "read", Path: state.Problems, Err: err}
	}
	return b, err
}

// begin commits before the first call of a start, so that even a run killed at
// once is known by its binding, and each start counts. The headers of the
// outputs wait for the first rows.
func (r *run) begin() error { return r.commit(r.from, r.totals) }

// publish puts the finished outputs in place. A sum that does not add up is a
// bug, and nothing that cannot be right is handed on.
func (r *run) publish(at source.Position) error {
	if read := at.Row - r.Begins.Row; !r.totals.Balanced() || r.totals.Rows != read {
		return &CountsError{Read: read, Written: r.totals.Rows}
	}
	number, err := r.problems.Conclude(r.totals.LedgerRun, r.totals.Rows)
	if err != nil {
		return err
	}
	r.totals.LedgerRun = number
	cp, err := r.checkpoint(at, r.totals)
	if err != nil {
		return err
	}
	if err := r.conclude(); err != nil {
		return err
	}
	r.concluded = true
	if err := r.State.Publish(cp, r.targets()); err != nil {
		return err
	}
	r.complete = true
	return nil
}

func (r *run) targets() map[string]state.Target {
	return state.Targets(
		state.Target{Path: r.Results, Replace: r.ReplaceResults},
		state.Target{Path: r.Rejects, Replace: r.ReplaceRejects},
		state.Target{Path: r.SummaryFile.Path, Replace: r.SummaryFile.Replace},
	)
}

// CountsError says that a run's counts do not add up: a bug in this program.
// Nothing is handed on.
type CountsError struct{ Read, Written int64 }

// Error says what is kept.
func (e *CountsError) Error() string {
	return fmt.Sprintf("the counts do not add up: %d rows read, %d written; this is a bug, and the results stay in the state folder", e.Read, e.Written)
}
