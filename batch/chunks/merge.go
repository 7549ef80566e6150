package chunks

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"slices"

	"golang.org/x/sync/errgroup"

	"bulkonboard/batch"
	"bulkonboard/batch/answers"
	"bulkonboard/batch/customers"
	"bulkonboard/batch/known"
	"bulkonboard/batch/measure"
	"bulkonboard/batch/session"
	"bulkonboard/batch/state"
	"bulkonboard/batch/store"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// Merger puts together what the parts of a job came to. All fields are required
// unless they say otherwise.
type Merger struct {
	Store    store.Store
	Manifest *Manifest
	Round    int // what stands after this one

	State   *state.Dir // merging continues where it was interrupted
	Results string
	Rejects string // empty when none are asked for

	ReplaceResults, ReplaceRejects bool // as in batch.Config

	SummaryFile batch.SummaryFile // but for its input, which the manifest knows
	Scratch     state.ScratchFile
	Origin      batch.Origin

	Known   *known.Known     // the ledger that is to be told; may be nil
	Monitor *measure.Monitor // may be nil
	Log     *slog.Logger
}

// Merge makes the results, rejects and summary of the whole list, as a single
// machine would have. All parts must have ended, or the error is a
// *NotDoneError.
func (g *Merger) Merge(ctx context.Context) (*batch.Summary, error) {
	summary, err := g.merge(ctx)
	return summary, because(ctx, err)
}

func (g *Merger) merge(ctx context.Context) (*batch.Summary, error) {
	m := g.Manifest
	w := &merge{Merger: g, chunk: -1}
	var err error
	if w.duplicates, err = m.duplicates(ctx, g.Store); err != nil {
		return nil, err
	}
	if w.history, err = openHistory(ctx, g.Store, m, g.Round, w.duplicates); err != nil {
		return nil, err
	}
	if err := m.ended(ctx, g.Store, g.Round, m.parts()); err != nil {
		return nil, err
	}
	if err := w.readRest(ctx); err != nil {
		return nil, err
	}
	measures, err := m.measures(ctx, g.Store, g.Round)
	if err != nil {
		return nil, err
	}
	r, err := m.object(ctx, g.Store, m.listName())
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // it was only read
	list, err := source.Open(bufio.NewReaderSize(r, 1<<20), m.listOptions())
	if err != nil {
		return nil, r.because(err)
	}
	summary, err := w.run(ctx, list, measures)
	return summary, r.because(err)
}

// merge is one merging under way.
type merge struct {
	*Merger
	history    *history
	duplicates *customers.Duplicates
	rest       outcomes

	chunk    int // whose outcomes follow
	standing outcomes
	known    outcomes
}

// run makes the run that is answered from the store.
func (w *merge) run(ctx context.Context, list *source.List, measures *measure.Measures) (*batch.Summary, error) {
	encoder, err := batch.EncoderFor(list, w.Manifest.Job.FormulaSafe)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if w.Monitor != nil {
		w.Monitor.Expect(w.Manifest.Rows(), w.Manifest.Read.Bytes)
	}
	summary, err := batch.Run(ctx, batch.Config{
		ID: w.Manifest.Run, List: list, Encoder: encoder, Caller: noCalls{stop},
		State: w.State, Results: w.Results, Rejects: w.Rejects, ReplaceResults: w.ReplaceResults, ReplaceRejects: w.ReplaceRejects, SummaryFile: w.summaryFile(),
		Answers:    answers.Chain{answers.Func(func(rec *source.Record) (answers.Answer, error) { return w.answer(ctx, rec) })},
		Duplicates: w.Manifest.families(w.duplicates), Scratch: w.Scratch, Known: w.Known, Measures: measures, Decided: w.Manifest.PlannedAt, Ends: w.Manifest.Ends,
		Standings: w.Manifest.Forecast.Standings(),
		Origin:    w.Origin, Size: w.Manifest.Source.Size, Binding: w.binding(), FormID: w.Manifest.Job.Service.FormID,
		MaxInFlight: 1, MaxAttempts: 1, AcceptRefusals: true, Monitor: w.Monitor, Log: w.Log,
	})
	if cause := context.Cause(ctx); err != nil && errors.As(cause, new(*MissingError)) {
		err = cause
	}
	return summary, err
}

func (w *merge) summaryFile() batch.SummaryFile {
	f, list := w.SummaryFile, &w.Manifest.Source
	f.Command.Name = "merge"
	f.Input = func() sink.File { return sink.File{Name: list.Name, Size: list.Size, SHA256: list.SHA256} }
	return f
}

// MergeCommand is what the state of a merge says of its command.
const MergeCommand = "merge"

// binding is what merging that continues must agree on.
func (w *merge) binding() batch.Binding {
	return batch.Binding{
		{Name: batch.CommandBond, Value: MergeCommand}, {Name: "job", Value: w.Manifest.Run}, {Name: "round", Value: roundName(w.Round)}, {Name: "rejects", Value: w.Rejects},
	}
}

// answer gives what became of a row.
func (w *merge) answer(ctx context.Context, rec *source.Record) (answers.Answer, error) {
	if err := w.reach(ctx, rec.Row); err != nil {
		return answers.Answer{}, err
	}
	for _, o := range []outcomes{w.standing, w.rest} {
		out, ok, err := o.get(rec.Row)
		if err != nil {
			return answers.Answer{}, err
		}
		if ok {
			a := earlier(&out)
			a.Known = w.knew(rec.Row, o)
			return a, nil
		}
	}
	rec.Decode()
	if _, later := w.duplicates.First(rec.Row); later && !w.Manifest.Job.EachRow || len(rec.Problems) > 0 {
		return answers.Answer{}, nil // the run answers it itself
	}
	return answers.Answer{}, &MissingError{rec.Row}
}

// knew reports whether what stands of a row is still what the ledger knew.
func (w *merge) knew(row int64, standing outcomes) bool {
	return len(w.known[row]) > 0 && &w.known[row][0] == &standing[row][0]
}

// reach reads the outcomes of the chunk that a row is in.
func (w *merge) reach(ctx context.Context, row int64) (err error) {
	i := w.Manifest.chunkOf(row)
	if i == w.chunk {
		return nil
	}
	w.chunk = i
	w.known, w.standing, err = w.history.chunk(ctx, i)
	return err
}

func (w *merge) readRest(ctx context.Context) (err error) {
	if w.Manifest.Rest {
		w.rest, err = w.history.rest(ctx, w.Round)
	}
	return err
}

// measures adds up what the parts of all rounds measured, in their order.
func (m *Manifest) measures(ctx context.Context, s store.Store, rounds int) (*measure.Measures, error) {
	var parts []*part
	for round := range rounds {
		for _, name := range m.parts() {
			parts = append(parts, m.part(s, round+1, name))
		}
	}
	all := &measure.Measures{}
	for some := range slices.Chunk(parts, atOnce) {
		heads, err := headsOf(ctx, some)
		if err != nil {
			return nil, err
		}
		for i := range heads {
			if heads[i].Measures != nil {
				all.Add(heads[i].Measures)
			}
		}
	}
	if all.StartedAt.IsZero() { // no customer was called
		all.Add(&measure.Measures{StartedAt: m.PlannedAt})
	}
	return all, nil
}

// headsOf reads what some parts say of themselves, all at a time.
func headsOf(ctx context.Context, parts []*part) ([]head, error) {
	heads := make([]head, len(parts))
	reads, reading := errgroup.WithContext(ctx)
	for i, p := range parts {
		reads.Go(func() (err error) {
			heads[i], err = p.head(reading)
			return err
		})
	}
	return heads, reads.Wait()
}

// noCalls stands where no call is to be made: a row without an answer ends
// the run.
type noCalls struct{ stop context.CancelCauseFunc }

// Call implements batch.Caller.
func (n noCalls) Call(context.Context, *source.Customer) session.Reply {
	n.stop(&MissingError{})
	return session.Reply{Outcome: session.Cancelled}
}
