package chunks

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"bulkonboard/batch"
	"bulkonboard/batch/answers"
	"bulkonboard/batch/customers"
	"bulkonboard/batch/known"
	"bulkonboard/batch/measure"
	"bulkonboard/batch/preflight"
	"bulkonboard/batch/state"
	"bulkonboard/batch/store"
	"bulkonboard/source"
)

// Planner plans a job. All fields are required unless they say otherwise.
type Planner struct {
	Store   store.Store
	Job     Job
	List    io.Reader // the list as it stands on its place
	Scratch string    // a folder of its own, with room for the list and for 100 bytes a row

	Invalid measure.Limit
	Rows    preflight.RowLimit
	Known   *known.Known // may be nil: there is no ledger

	Monitor *measure.Monitor // may be nil
	Share   func() float64   // how much of List has been read, from 0 to 1; may be nil
}

// Plan reads the list once and puts the job into the store: the list itself,
// plain; which rows are of one customer; what the ledger knows; and last the
// manifest, without which there is no job. A job that is planned already is
// given as it is, when it is the same one, and takes over its bounds where they
// have changed; otherwise the error is an *OtherJobError.
func (p *Planner) Plan(ctx context.Context) (*Manifest, error) {
	m, err := p.plan(ctx)
	return m, because(ctx, err)
}

func (p *Planner) plan(ctx context.Context) (*Manifest, error) {
	if m, err := Open(ctx, p.Store); !errors.As(err, new(*NoJobError)) {
		if err == nil {
			err = p.again(ctx, m)
		}
		return m, err
	}
	w := &plan{
		Planner: p, sum: sha256.New(),
		m: &Manifest{
			Version: manifestVersion, Run: batch.NewID(time.Now()), Job: p.Job,
			Folder: "plan-" + strings.ToLower(rand.Text()[:10]), Objects: map[string]Object{},
		},
	}
	defer w.close()
	if err := w.make(ctx); err != nil {
		return nil, err
	}
	return w.publish(ctx)
}

// again checks that a job in the store is the job that is to be planned, to the
// last byte of its list: tomorrow's has the same name.
func (p *Planner) again(ctx context.Context, m *Manifest) error {
	sum, size, err := sha256Of(until{ctx, p.List})
	if err != nil {
		return &source.ReadError{Name: p.Job.List.Name, Err: err}
	}
	return p.same(ctx, m, Source{Name: p.Job.List.Name, Size: size, SHA256: sum})
}

// same checks that two jobs are one, and takes over bounds that have changed.
func (p *Planner) same(ctx context.Context, m *Manifest, list Source) error {
	if m.Source != list || !bytes.Equal(m.Job.Lasting(), p.Job.Lasting()) {
		return &OtherJobError{m.Run}
	}
	if m.Job.Bounds == p.Job.Bounds {
		return nil
	}
	m.Job.Bounds = p.Job.Bounds
	return p.Job.put(ctx, p.Store)
}

// until reads as long as ctx lasts.
type until struct {
	ctx context.Context
	io.Reader
}

// Read implements io.Reader.
func (u until) Read(b []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	return u.Reader.Read(b)
}

// plan is a job that is being planned.
type plan struct {
	*Planner
	m     *Manifest
	spool *os.File // the list, plain
	size  int64    // of the list as it stands
	sum   hash.Hash
	marks marks
	list  *source.List
	files []*os.File

	answers answers.Chain // of the ledger
}

// make reads the list.
func (p *plan) make(ctx context.Context) (err error) {
	if p.spool, err = p.file("list"); err != nil {
		return err
	}
	o := p.Job.List.options()
	if wrong := o.Check(); len(wrong) > 0 {
		return &source.ListError{Name: o.Name, Reason: strings.Join(wrong, "; ")}
	}
	o.Copy = p.spool
	o.Scratch = func() (source.Scratch, error) { return p.file("workbook") }
	if p.list, err = source.Open(io.TeeReader(p.List, writerFunc(p.take)), o); err != nil {
		return err
	}
	if _, err := batch.EncoderFor(p.list, p.Job.FormulaSafe); err != nil {
		return err
	}
	pre := preflight.Preflight{
		List: p.list, FormID: p.Job.Service.FormID, Known: p.Known, Monitor: p.Monitor, Share: p.Share,
		Each: func(rec *source.Record) error { p.marks.see(rec); return nil },
	}
	if pre.Scratch, err = p.file("keys"); err != nil {
		return err
	}
	if p.m.Forecast, p.answers, err = pre.Run(ctx); err != nil {
		return err
	}
	if err := p.Rows.Check(p.m.Forecast.Rows, preflight.LastRunOf(p.Known)); err != nil {
		return err
	}
	if err := preflight.CheckInvalid(p.Invalid, p.m.Forecast); err != nil {
		return err
	}
	return p.describe()
}

type writerFunc func([]byte) (int, error)

// Write implements io.Writer.
func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// take counts and hashes what is read of the list.
func (p *plan) take(b []byte) (int, error) {
	p.size += int64(len(b))
	return p.sum.Write(b)
}

// file makes a scratch file.
func (p *plan) file(name string) (*os.File, error) {
	f, err := state.MakeScratch(filepath.Join(p.Scratch, name))
	if err == nil {
		p.files = append(p.files, f)
	}
	return f, err
}

func (p *plan) close() {
	for _, f := range p.files {
		_ = f.Close() // it is no longer needed
	}
}

// describe fills in the manifest, and cuts the list.
func (p *plan) describe() error {
	length, err := p.spool.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	m, l := p.m, p.list
	m.Source = Source{Name: p.Job.List.Name, Size: p.size, SHA256: hex.EncodeToString(p.sum.Sum(nil))}
	m.Header, m.Ends = l.HeaderRaw(), m.Forecast.Ends
	m.Read = Read{Format: l.Format().String(), Encoding: l.Encoding(), LineEnd: l.LineEnd(), Sheet: l.Sheet() != "", Bytes: length}
	if l.Format() == source.FormatCSV {
		m.Read.Delimiter = string(l.Delimiter())
	}
	ends := p.marks.share(p.Job.chunksFor(p.marks.calls))
	if p.Job.ChunkRows > 0 {
		ends = p.marks.cut(p.Job.ChunkRows)
	}
	m.Parallel = max(1, min(m.Job.Parallel, len(ends)))
	begins := l.Begins()
	for _, end := range ends {
		c := Chunk{Begins: begins, Rows: end.Row - begins.Row, Bytes: end.Offset - begins.Offset}
		if end.Row == p.marks.rows { // with the blank lines that the list may end with
			c.Bytes = length - begins.Offset
		}
		if c.SHA256, err = p.hash(begins.Offset, c.Bytes); err != nil {
			return err
		}
		m.Chunks, begins = append(m.Chunks, c), end
	}
	m.Rest = p.spanning().Len() > 0
	return nil
}

func (p *plan) hash(offset, length int64) (string, error) {
	sum, n, err := sha256Of(io.NewSectionReader(p.spool, offset, length))
	if err == nil && n != length {
		err = io.ErrUnexpectedEOF
	}
	return sum, err
}

// sha256Of hashes what there is to read, and counts its bytes.
func sha256Of(r io.Reader) (sum string, size int64, err error) {
	hash := sha256.New()
	size, err = io.Copy(hash, r)
	return hex.EncodeToString(hash.Sum(nil)), size, err
}

// spanning gives the customers that have rows in several chunks.
func (p *plan) spanning() *customers.Duplicates {
	d := p.m.Forecast.Duplicates
	return d.Led(func(lead int64) bool { return p.m.spans(d, lead) })
}

// publish puts everything into the store, the manifest last.
func (p *plan) publish(ctx context.Context) (*Manifest, error) {
	if err := p.putKnown(ctx); err != nil {
		return nil, err
	}
	f, err := p.m.Forecast.Encode()
	if err != nil {
		return nil, err
	}
	if err := p.put(ctx, p.m.forecastName(), f); err != nil {
		return nil, err
	}
	if err := p.putFamilies(ctx); err != nil {
		return nil, err
	}
	whole, err := p.hash(0, p.m.Read.Bytes)
	if err != nil {
		return nil, err
	}
	p.m.Objects[p.m.listName()] = Object{Size: p.m.Read.Bytes, SHA256: whole}
	list := io.NewSectionReader(p.spool, 0, p.m.Read.Bytes)
	if err := p.Store.PutFrom(ctx, p.m.listName(), list, p.m.Read.Bytes); err != nil {
		return nil, err
	}
	p.m.PlannedAt = time.Now().UTC()
	text, err := sealText(p.m)
	if err != nil {
		return nil, fmt.Errorf("encode the manifest: %w", err)
	}
	err = p.Store.Put(ctx, manifestName, text)
	if !errors.Is(err, store.ErrExists) {
		return p.m, err
	}
	// Somebody planned it meanwhile, and his plan it is.
	m, err := Open(ctx, p.Store)
	if err == nil {
		err = p.same(ctx, m, p.m.Source)
	}
	return m, err
}

// put puts one object beside the manifest.
func (p *plan) put(ctx context.Context, name string, b []byte) error {
	p.m.Objects[name] = objectOf(b)
	return p.Store.PutFrom(ctx, name, bytes.NewReader(b), int64(len(b)))
}

// putFamilies puts what each part needs to know of the rows of customers that
// have several: of the whole list that may be more than all else a part reads.
func (p *plan) putFamilies(ctx context.Context) error {
	put := func(part string, d *customers.Duplicates) error {
		if d.Members() == 0 {
			return nil
		}
		return p.put(ctx, p.m.familiesName(part), d.AppendTo(nil))
	}
	for i := range p.m.Chunks {
		c := &p.m.Chunks[i]
		if err := put(chunkName(i), p.m.Forecast.Duplicates.Of(c.Begins.Row+1, c.last())); err != nil {
			return err
		}
	}
	return put(restName, p.spanning())
}

// putKnown reads the list once more, and puts what the ledger knows of its rows
// beside it, for the chunks to leave out and for merging.
func (p *plan) putKnown(ctx context.Context) error {
	if p.Known == nil || len(p.m.Chunks) == 0 {
		return nil
	}
	list, err := source.Open(io.NewSectionReader(p.spool, 0, p.m.Read.Bytes), p.m.listOptions())
	if err != nil {
		return err
	}
	known := knownChunk{plan: p}
	for rec, err := range list.Records() {
		if err == nil {
			err = known.see(ctx, rec)
		}
		if err != nil {
			return err
		}
	}
	return known.put(ctx)
}
