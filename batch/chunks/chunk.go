package chunks

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"bulkonboard/batch"
	"bulkonboard/batch/answers"
	"bulkonboard/batch/customers"
	"bulkonboard/batch/disk"
	"bulkonboard/batch/measure"
	"bulkonboard/batch/pace"
	"bulkonboard/batch/state"
	"bulkonboard/batch/store"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// Worker runs parts of a job. All fields are required unless they say
// otherwise.
type Worker struct {
	Store    store.Store
	Manifest *Manifest
	Round    int // from 1
	Caller   batch.Caller
	Owner    string // who this is, for people
	Scratch  string // a folder of its own, which it leaves empty

	FlushEvery time.Duration // between two segments
	Grace      time.Duration // for the calls in flight, once it is told to stop
	Linger     time.Duration // for putting into the store what these brought

	// OthersAnswered reports whether the service has lately done well by other
	// parts of the job; see batch.Config. May be nil.
	OthersAnswered func() bool

	// AcceptRefusals keeps a part going whose first rows are all refused in the
	// same words, since others were not.
	AcceptRefusals bool

	Abort   <-chan struct{}  // ends the grace early when it is closed; may be nil
	Monitor *measure.Monitor // may be nil
	Log     *slog.Logger
}

// RunChunk runs one chunk, or resumes where the previous worker stopped. One
// that has ended is left alone. It returns when every row of the chunk has its
// outcome in the store, or with the cause of ctx after the calls in flight have
// come back and what they brought is in the store. A *LostError says that
// somebody else resumes the chunk.
func (w *Worker) RunChunk(ctx context.Context, index int) error {
	if index < 0 || index >= len(w.Manifest.Chunks) {
		return &NoChunkError{Index: index, Chunks: len(w.Manifest.Chunks)}
	}
	c := &w.Manifest.Chunks[index]
	a := &assignment{
		Worker: w, part: w.Manifest.part(w.Store, w.Round, chunkName(index)),
		begins: c.Begins, rows: c.Rows, share: w.Manifest.share(), inFlight: w.Manifest.inFlight(),
		sceptical: index == 0 && w.Round == 1 && w.Manifest.Job.MaxFailures == measure.Limit{},
	}
	return a.run(ctx, func() error { return a.takeChunk(ctx, index) })
}

// assignment is one part under way.
type assignment struct {
	*Worker
	part     *part
	begins   source.Position
	rows     int64
	share    float64
	inFlight int

	// sceptical stops when the first rows are all refused in the same words.
	sceptical bool

	own        outcomes              // of this round, by the worker that had the part before
	next       int                   // segment
	all        *customers.Duplicates // that the part needs to know of
	duplicates *customers.Duplicates // of the part
	standing   outcomes              // of all rounds, and of the ledger
	elsewhere  func(row int64) bool
	leads      outcomes // of the rest: rows of the chunks that lead its own
	list       *os.File // the records
}

// run takes the part up, unless it has ended, and runs it.
func (a *assignment) run(ctx context.Context, take func() error) error {
	defer a.close()
	ended, err := a.takeUp(ctx)
	if err == nil && !ended {
		err = a.runOn(ctx, take)
	}
	return because(ctx, err)
}

func (a *assignment) runOn(ctx context.Context, take func() error) error {
	if err := take(); err != nil {
		return err
	}
	if a.list == nil { // nothing is left to call for
		return a.part.finish(ctx, head{Owner: a.Owner})
	}
	return a.engine(ctx)
}

// takeUp claims the part, and reads what the worker before it has left. From
// the claim on they put no more. They may have had all, and end the part: then
// segments go while they are read.
func (a *assignment) takeUp(ctx context.Context) (ended bool, err error) {
	if ended, err = a.part.isDone(ctx); ended || err != nil {
		return ended, err
	}
	before, ended, err := a.part.claim(ctx, a.Owner)
	if ended || err != nil {
		return ended, err
	}
	a.next = before + 1
	if a.own, err = a.part.segments(ctx, before); err != nil {
		if ended, _ := a.part.isDone(ctx); ended {
			return true, nil
		}
		return false, err
	}
	a.all, err = a.Manifest.duplicatesOf(ctx, a.Store, a.part.name)
	return false, err
}

// takeChunk finds out what is to be done about the rows of a chunk.
func (a *assignment) takeChunk(ctx context.Context, index int) error {
	c := &a.Manifest.Chunks[index]
	within, beyond := a.all.Part(c.Begins.Row+1, c.last())
	a.duplicates = a.Manifest.families(within)
	a.elsewhere = func(row int64) bool { return beyond[row] }
	known, err := a.Manifest.known(ctx, a.Store, index)
	if err != nil {
		return err
	}
	if err := a.stand(ctx, chunkName(index), known); err != nil {
		return err
	}
	if err := a.fetch(ctx, c.Begins.Offset, c.Bytes); err != nil {
		return err
	}
	return a.verify(index, 0)
}

// stand finds the outcomes that stand.
func (a *assignment) stand(ctx context.Context, name string, known outcomes) error {
	h, err := openHistory(ctx, a.Store, a.Manifest, a.Round, a.all)
	if err != nil {
		return err
	}
	a.standing, err = h.of(ctx, name, known, a.own)
	return err
}

// known reads what the ledger knew of the rows of a chunk.
func (m *Manifest) known(ctx context.Context, s store.Store, index int) (outcomes, error) {
	known := outcomes{}
	if m.Chunks[index].Known == 0 {
		return known, nil
	}
	b, err := m.readObject(ctx, s, m.knownName(index))
	if err != nil {
		return nil, err
	}
	return known, takeAll(m.knownName(index), b, known)
}

// fetch brings some bytes of the list here.
func (a *assignment) fetch(ctx context.Context, offset, length int64) error {
	r, err := a.Store.Get(ctx, a.Manifest.listName(), offset, length)
	if err != nil {
		return missing(a.Manifest.listName(), err)
	}
	defer func() { _ = r.Close() }() // it was only read
	if a.list, err = a.scratch("list"); err != nil {
		return err
	}
	if _, err = io.Copy(a.list, r); err != nil {
		return fmt.Errorf("fetch %s: %w", a.part.name, err)
	}
	return nil
}

// verify checks that the bytes of a chunk, which begin somewhere in those that
// were fetched, are those that were planned, before anybody is called.
func (a *assignment) verify(index int, from int64) error {
	c := &a.Manifest.Chunks[index]
	sum, _, err := sha256Of(io.NewSectionReader(a.list, from, c.Bytes))
	if err != nil {
		return err
	}
	if sum != c.SHA256 {
		return &ChangedError{chunkName(index), "its bytes differ"}
	}
	return nil
}

// scratch makes a file that is gone with the process, if not before.
func (a *assignment) scratch(name string) (*os.File, error) {
	return state.MakeScratch(filepath.Join(a.Scratch, name))
}

// Answer implements answers.Source: it gives what is known of a row.
func (a *assignment) Answer(rec *source.Record) (answers.Answer, error) {
	if out, ok, err := a.leads.get(rec.Row); ok || err != nil {
		return earlier(&out), err
	}
	if a.elsewhere(rec.Row) {
		// What becomes of it is not this part's to say, and what this part
		// writes of it is thrown away.
		return answers.Answer{Result: &sink.Result{Status: sink.Duplicate}, Print: rec.Fingerprint(), Past: true}, nil
	}
	out, ok, err := a.standing.get(rec.Row)
	if !ok || err != nil {
		return answers.Answer{}, err
	}
	return earlier(&out), nil
}

// earlier is the answer to a row that has its outcome from an earlier run or from
// another part.
func earlier(out *batch.JournalResult) answers.Answer {
	return answers.Answer{Result: &out.Result, Print: out.Print, Past: true}
}

// engine makes the run whose journal is the trail.
func (a *assignment) engine(ctx context.Context) error {
	puts, cancel := a.lingering(ctx)
	defer cancel()
	t := newTrail(a.part, a.Owner, a.next, a.FlushEvery)
	flushing, stop := context.WithCancel(puts)
	defer stop()
	flushed := make(chan struct{})
	go func() {
		defer close(flushed)
		t.run(flushing, puts)
	}()
	summary, err := a.batch(ctx, t)
	stop()
	<-flushed
	if lost := t.flush(puts); lost != nil {
		return lost
	}
	if err != nil {
		return err
	}
	if read := summary.Rows; read != a.rows {
		return &ChangedError{a.part.name, fmt.Sprintf("it has %d rows, not %d", read, a.rows)}
	}
	return a.part.finish(puts, head{Owner: a.Owner, Rows: summary.Rows, Measures: &summary.Measures})
}

// lingering outlasts ctx by as long as the calls in flight may take, and what
// they bring on its way to the store.
func (a *assignment) lingering(ctx context.Context) (context.Context, context.CancelFunc) {
	puts, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(a.Grace+a.Linger, cancel) })
	return puts, func() { stop(); cancel() }
}

// batch runs the engine over the part.
func (a *assignment) batch(ctx context.Context, t *trail) (*batch.Summary, error) {
	if _, err := a.list.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	m := a.Manifest
	list, err := source.Open(io.MultiReader(bytes.NewReader(m.Header), a.list), m.partOptions(a.begins))
	if err != nil {
		return nil, err
	}
	dir, err := state.Open(volatile{}, filepath.Join(a.Scratch, "state"), state.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }() // it is thrown away
	scratch, err := a.scratch("scratch")
	if err != nil {
		return nil, err
	}
	defer func() { _ = scratch.Close() }() // likewise
	calls := &m.Job.Calls
	return batch.Run(ctx, batch.Config{
		ID: m.Run, List: list, Encoder: nothing{}, Caller: a.Caller,
		Pace:  pace.Config{Ceiling: a.share, Shared: true, MaxOutage: calls.MaxOutage},
		State: dir, Results: filepath.Join(a.Scratch, "results"), Journal: t, Answers: answers.Chain{a}, Begins: list.Begins(),
		Duplicates: a.duplicates, Scratch: scratch, FormID: m.Job.Service.FormID,
		MaxInFlight: a.inFlight, MaxAttempts: calls.MaxAttempts, MaxBackoff: calls.MaxBackoff, MaxFailures: m.Job.MaxFailures, Grace: a.Grace,
		OthersAnswered: a.OthersAnswered,
		Abort:          a.Abort, AcceptRefusals: !a.sceptical || a.AcceptRefusals || len(a.own) > 0, Monitor: a.Monitor, Log: a.Log.With("part", a.part.name),
	})
}

// close removes what a part leaves on this machine.
func (a *assignment) close() {
	if a.list != nil {
		_ = a.list.Close()
	}
	entries, _ := os.ReadDir(a.Scratch)
	for _, e := range entries {
		_ = os.RemoveAll(filepath.Join(a.Scratch, e.Name())) // what stays takes up room, and no more
	}
}

// nothing writes no results: a part is only of outcomes.
type nothing struct{}

// Header implements batch.Encoder.
func (nothing) Header(dst []byte) []byte { return dst }

// Append implements batch.Encoder.
func (nothing) Append(dst []byte, _ *source.Record, _ *sink.Result) []byte { return dst }

// volatile is a disk whose files need not outlive the machine.
type volatile struct{ disk.OS }

// OpenFile implements disk.FS.
func (v volatile) OpenFile(name string, flag int, perm os.FileMode) (disk.File, error) {
	f, err := v.OS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return unsynced{f}, nil
}

// SyncDir implements disk.FS.
func (volatile) SyncDir(string) error { return nil }

type unsynced struct{ disk.File }

// Sync implements disk.File.
func (unsynced) Sync() error { return nil }
