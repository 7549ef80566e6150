package chunks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"golang.org/x/sync/errgroup"

	"bulkonboard/batch"
	"bulkonboard/batch/state"
	"bulkonboard/batch/store"
)

// maxSegment is the length in bytes beyond which an object is not a segment.
const maxSegment = 4 << 30

// outcomes are what a round has made of rows, by their numbers. They are kept
// as payloads: most are only passed on.
type outcomes map[int64][]byte

// take takes one entry. An outcome that was taken back is followed by the end of
// an attempt. Of two outcomes the first stands: the writer of the second had not
// seen it.
func (o outcomes) take(kind state.Kind, row int64, payload []byte) error {
	switch _, there := o[row]; {
	case kind == state.Ended:
		delete(o, row)
	case kind == state.Result && !there:
		o[row] = payload
	}
	return nil
}

// get gives the outcome of a row, if there is one.
func (o outcomes) get(row int64) (out batch.JournalResult, ok bool, err error) {
	payload, ok := o[row]
	if !ok {
		return out, false, nil
	}
	if out, err = batch.ParseJournalResult(payload); err != nil {
		return out, false, fmt.Errorf("row %d: %w", row, err)
	}
	return out, true, nil
}

// part is one chunk of a round, or its rest, in the store.
type part struct {
	store  store.Store
	folder string
	name   string // for people
}

func (m *Manifest) part(s store.Store, round int, name string) *part {
	return &part{store: s, folder: partFolder(round, name), name: name}
}

func (p *part) doneName() string { return p.folder + "/done" }

func (p *part) segmentsPrefix() string { return p.folder + "/segment-" }

func (p *part) segmentName(n int) string { return fmt.Sprintf("%s%08d", p.segmentsPrefix(), n) }

// done reads what a part that has ended came to. It reports false for one that
// has not.
func (p *part) done(ctx context.Context) (o outcomes, ok bool, err error) {
	if done, err := p.isDone(ctx); !done || err != nil {
		return nil, false, err
	}
	o = outcomes{}
	err = p.read(ctx, p.doneName(), o)
	return o, err == nil, err
}

// isDone reports whether a part has ended, without reading what it came to.
func (p *part) isDone(ctx context.Context) (bool, error) {
	r, err := p.store.Get(ctx, p.doneName(), 0, 1)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, r.Close()
}

// head reads only what a part that has ended says of itself. That it is whole
// is found out when it is read whole.
func (p *part) head(ctx context.Context) (h head, err error) {
	r, err := p.store.Get(ctx, p.doneName(), 0, maxHead)
	if err != nil {
		return h, err
	}
	b, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err != nil {
		return h, err
	}
	if h, _, err = parseHead(b); err != nil {
		err = &DamagedError{Name: p.doneName(), Reason: err.Error()}
	}
	return h, err
}

// atOnce is how many segments are read or removed at a time. A part has some
// for each second, and a bucket takes its time for each: one after the other
// they would keep the part's share of the rate idle.
const atOnce = 16

// segments reads the first n segments.
func (p *part) segments(ctx context.Context, n int) (outcomes, error) {
	contents := make([][]byte, n)
	reads, reading := errgroup.WithContext(ctx)
	reads.SetLimit(atOnce)
	for i := range n {
		reads.Go(func() (err error) {
			contents[i], err = store.ReadAll(reading, p.store, p.segmentName(i), maxSegment)
			return missing(p.segmentName(i), err)
		})
	}
	if err := reads.Wait(); err != nil {
		return nil, err
	}
	o := outcomes{}
	for i, b := range contents {
		if err := takeAll(p.segmentName(i), b, o); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func (p *part) read(ctx context.Context, name string, to outcomes) error {
	b, err := store.ReadAll(ctx, p.store, name, maxSegment)
	if err != nil {
		return missing(name, err)
	}
	return takeAll(name, b, to)
}

func takeAll(name string, segment []byte, to outcomes) error {
	if err := parseSegment(segment, to.take); err != nil {
		return &DamagedError{Name: name, Reason: err.Error()}
	}
	return nil
}

// putSegment puts a segment under a number that is not taken, or returns
// store.ErrExists.
func (p *part) putSegment(ctx context.Context, n int, owner string, entries []byte) error {
	b, err := newSegment(head{Owner: owner})
	if err != nil {
		return err
	}
	return p.store.Put(ctx, p.segmentName(n), sealed(append(b, entries...)))
}

// notEnded checks that the part has not ended before a segment was put: then
// its number had been given up, and its writer has been replaced.
func (p *part) notEnded(ctx context.Context, n int) error {
	done, err := p.isDone(ctx)
	if err != nil || !done {
		return err
	}
	_ = p.store.Delete(ctx, p.segmentName(n)) // what stays is harmless
	return &LostError{Part: p.name}
}

// claim takes the next number of a part, so that the worker that had it before
// stops, and tells how many were taken before. It reports false when the part
// has ended.
func (p *part) claim(ctx context.Context, owner string) (before int, ended bool, err error) {
	for {
		if before, err = p.taken(ctx); err != nil {
			return 0, false, err
		}
		err = p.putSegment(ctx, before, owner, nil)
		if errors.Is(err, store.ErrExists) { // another worker was faster
			continue
		}
		if err == nil {
			err = p.notEnded(ctx, before)
		}
		if errors.As(err, new(*LostError)) {
			return 0, true, nil
		}
		return before, false, err
	}
}

// taken counts the numbers up to the last that is taken.
func (p *part) taken(ctx context.Context) (n int, err error) {
	for object, err := range p.store.List(ctx, p.segmentsPrefix()) {
		if err != nil {
			return 0, err
		}
		if _, err := fmt.Sscanf(object.Name, p.segmentsPrefix()+"%d", &n); err != nil {
			return 0, &DamagedError{Name: object.Name, Reason: "nothing of that name belongs there"}
		}
		n++
	}
	return n, nil
}

// finish puts together what a part came to, and gives its numbers up. Somebody
// else may have done the same.
func (p *part) finish(ctx context.Context, h head) error {
	err := p.finishOnce(ctx, h)
	if err == nil {
		return nil
	}
	if done, _ := p.isDone(ctx); done { // and took the segments away meanwhile
		return nil
	}
	return err
}

func (p *part) finishOnce(ctx context.Context, h head) error {
	n, err := p.taken(ctx)
	if err != nil {
		return err
	}
	o, err := p.segments(ctx, n)
	if err != nil {
		return err
	}
	b, err := newSegment(h)
	if err != nil {
		return err
	}
	for row, payload := range o {
		b = appendEntry(b, state.Result, row, payload)
	}
	if err := p.store.Put(ctx, p.doneName(), sealed(b)); err != nil && !errors.Is(err, store.ErrExists) {
		return err
	}
	var removals errgroup.Group
	removals.SetLimit(atOnce)
	for i := range n {
		removals.Go(func() error {
			_ = p.store.Delete(ctx, p.segmentName(i)) // what stays is harmless
			return nil
		})
	}
	return removals.Wait()
}
