package chunks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bulkonboard/batch/customers"
	"bulkonboard/batch/store"
	"bulkonboard/sink"
)

// Round is one time that the parts of a job are run. The first one runs all of
// them; a later one calls again for rows that need attention.
type Round struct {
	StartedAt      time.Time `json:"startedAt"`
	sink.Selection           // which rows to call for again
}

func roundName(n int) string { return fmt.Sprintf("round-%d/round.json", n) }

// Rounds lists the rounds of a job, the first of which has no description.
func Rounds(ctx context.Context, s store.Store) ([]Round, error) {
	later, err := numbered[Round](ctx, s, roundName, 2)
	return append([]Round{{}}, later...), err
}

// StartRound begins another round, for selected rows, and gives its number. All parts of the round
// before must have ended, or the error is a *NotDoneError.
func StartRound(ctx context.Context, s store.Store, m *Manifest, rows sink.Selection) (n int, err error) {
	defer func() { err = because(ctx, err) }()
	text, err := sealText(Round{StartedAt: time.Now().UTC(), Selection: rows})
	if err != nil {
		return 0, err
	}
	for {
		rounds, err := Rounds(ctx, s)
		if err != nil {
			return 0, err
		}
		if err := m.ended(ctx, s, len(rounds), m.parts()); err != nil {
			return 0, err
		}
		n = len(rounds) + 1
		if err = s.Put(ctx, roundName(n), text); !errors.Is(err, store.ErrExists) {
			return n, err
		}
	}
}

// ended checks that parts of a round have ended. What is there is listed, since a
// bucket takes its time for each question.
func (m *Manifest) ended(ctx context.Context, s store.Store, round int, parts []string) error {
	done, _, err := standings(ctx, s, round)
	if err != nil {
		return err
	}
	var missing []string
	for _, name := range parts {
		if !done[name] {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return &NotDoneError{missing}
	}
	return nil
}

// parts names all parts of a round.
func (m *Manifest) parts() []string {
	names := make([]string, 0, len(m.Chunks)+1)
	for i := range m.Chunks {
		names = append(names, chunkName(i))
	}
	if m.Rest {
		names = append(names, restName)
	}
	return names
}

// history is what the rounds have made of the parts, up to one of them.
type history struct {
	manifest *Manifest
	store    store.Store
	rounds   []Round               // up to that one
	families *customers.Duplicates // nil when rows of one customer have nothing to do with each other

	spanning *customers.Duplicates // those of the rest, once they were read
	rests    map[int]outcomes      // what stood of the rest after a round, once it was read
}

func openHistory(ctx context.Context, s store.Store, m *Manifest, round int, d *customers.Duplicates) (*history, error) {
	rounds, err := Rounds(ctx, s)
	if err != nil {
		return nil, err
	}
	if round < 1 || round > len(rounds) {
		return nil, &NoRoundError{Round: round, Rounds: len(rounds)}
	}
	return &history{manifest: m, store: s, rounds: rounds[:round], families: m.families(d), rests: map[int]outcomes{}}, nil
}

// of gives the outcomes that stand of a part: those of its last round, which
// are given, over those of the rounds before it, over what the ledger knew; less
// what a round calls for again.
func (h *history) of(ctx context.Context, name string, known, last outcomes) (outcomes, error) {
	standing := outcomes{}.over(known)
	for n := 1; ; n++ {
		if err := h.again(ctx, n, name, standing); err != nil {
			return nil, err
		}
		if n == len(h.rounds) {
			return standing.over(last), nil
		}
		o, done, err := h.manifest.part(h.store, n, name).done(ctx)
		if err != nil {
			return nil, err
		}
		if !done {
			return nil, &NotDoneError{[]string{fmt.Sprintf("%s of round %d", name, n)}}
		}
		standing.over(o)
	}
}

// chunk gives the outcomes that stand of a chunk that has ended, and those of
// the ledger that are below them.
func (h *history) chunk(ctx context.Context, index int) (known, standing outcomes, err error) {
	if known, err = h.manifest.known(ctx, h.store, index); err != nil {
		return nil, nil, err
	}
	last, _, err := h.manifest.part(h.store, len(h.rounds), chunkName(index)).done(ctx)
	if err != nil {
		return nil, nil, err
	}
	standing, err = h.of(ctx, chunkName(index), known, last)
	return known, standing, err
}

// over lays newer outcomes over these.
func (o outcomes) over(newer outcomes) outcomes {
	for row, payload := range newer {
		o[row] = payload
	}
	return o
}

// again takes out what a round calls for again: rows that it selects, unless
// another row of their customer succeeded.
func (h *history) again(ctx context.Context, round int, name string, standing outcomes) error {
	if round == 1 {
		return nil
	}
	well, err := h.well(ctx, round, name, standing)
	if err != nil {
		return err
	}
	for row := range standing {
		out, _, err := standing.get(row)
		if err != nil {
			return err
		}
		if h.rounds[round-1].Selects(&out.Result) && !well[leadOf(h.families, row)] {
			delete(standing, row)
		}
	}
	return nil
}

// well gives the customers that succeeded before a round in any row of a part,
// or of the rest, by the row that leads.
func (h *history) well(ctx context.Context, round int, name string, standing outcomes) (map[int64]bool, error) {
	well := map[int64]bool{}
	if err := addWell(well, standing, h.families); err != nil || !h.manifest.Rest || name == restName {
		return well, err
	}
	rest, err := h.rest(ctx, round-1)
	if err != nil {
		return nil, err
	}
	return well, addWell(well, rest, h.spanning)
}

// rest gives what stood of the rest after a round, but for what the ledger knew:
// that is of all rows of a customer alike.
func (h *history) rest(ctx context.Context, round int) (outcomes, error) {
	if o, read := h.rests[round]; read {
		return o, nil
	}
	if err := h.readSpanning(ctx); err != nil {
		return nil, err
	}
	before := *h
	before.rounds, before.families = h.rounds[:round], h.spanning
	last, _, err := h.manifest.part(h.store, round, restName).done(ctx)
	if err != nil {
		return nil, err
	}
	h.rests[round], err = before.of(ctx, restName, nil, last)
	return h.rests[round], err
}

// readSpanning reads the families of the rest, which a chunk does not have.
func (h *history) readSpanning(ctx context.Context) error {
	if h.spanning != nil {
		return nil
	}
	d, err := h.manifest.duplicatesOf(ctx, h.store, restName)
	h.spanning = h.manifest.families(d)
	return err
}

func addWell(well map[int64]bool, o outcomes, d *customers.Duplicates) error {
	for row := range o {
		out, _, err := o.get(row)
		if err != nil {
			return err
		}
		if out.Result.Status.Good() {
			well[leadOf(d, row)] = true
		}
	}
	return nil
}

// leadOf is the row that leads the family of a row; a row that shares its
// customer with no other leads itself.
func leadOf(d *customers.Duplicates, row int64) int64 {
	if lead, later := d.First(row); later {
		return lead
	}
	return row
}
