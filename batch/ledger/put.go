package ledger

import (
	"bytes"
	"maps"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// What a run puts into a ledger, as one durable transaction.

// Change is what became of a customer.
type Change struct {
	Key   Key
	Entry Entry
}

// News is what a run records. Without a RunID it is what was known before
// there was a ledger.
type News struct {
	Run     uint64    // its number; 0: it has none yet, and gets one
	RunID   string    // its name everywhere else
	Began   time.Time // when the run did
	Forms   []Form    // of the customers, so that one can be looked for in all of them
	Changes []Change

	// Abandoned says that the run will not be resumed: the problems that it was
	// the first to report, as it was about to be complete, are news again.
	Abandoned bool
}

// fullPages leaves some room for who comes between. It is for many customers
// whose keys are near each other.
const fullPages = 0.9

// Put records what became of customers, durably and all at once. Putting the
// same twice comes to the same as putting it once, and the order does not
// matter: of each customer the newest session id and the newest refusal stay.
// The changes are sorted in place.
func (l *Ledger) Put(n *News) error {
	fill := bolt.DefaultFillPercent
	if n.RunID == "" {
		fill = fullPages
	}
	slices.SortStableFunc(n.Changes, func(a, b Change) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	problems := l.problems
	err := l.update(func(s *sealed) (err error) {
		if n.Run == 0 && n.RunID != "" {
			number, err := l.numberFor(s, Run{n.RunID, n.Began})
			if err != nil {
				return err
			}
			n.Run = number
		}
		for _, form := range n.Forms {
			if err := l.addForm(s, form); err != nil {
				return err
			}
		}
		s.tx.Bucket(customerBucket).FillPercent = fill
		for now, i := time.Now(), 0; i < len(n.Changes); i++ {
			n.Changes[i].Entry.of(n.Run)
			if err := s.change(&n.Changes[i], now); err != nil {
				return err
			}
		}
		if n.Abandoned {
			problems, err = l.unreport(s, n.Run)
		}
		return err
	})
	if err == nil {
		l.problems = problems
	}
	return err
}

// update makes changes durable, or leaves everything as it was. Nothing is
// changed in a file that was not read to its end.
func (l *Ledger) update(f func(*sealed) error) error {
	if !l.whole {
		if err := l.Walk(func(Key, []byte) error { return nil }); err != nil {
			return err
		}
	}
	s := sealed{h: newHasher(l.secret), seal: l.seal}
	runs, forms, nights := maps.Clone(l.runs), l.forms, maps.Clone(l.nights)
	err := l.db.update(func(tx *bolt.Tx) error {
		s.tx = tx
		if err := f(&s); err != nil {
			return err
		}
		return s.end()
	})
	if err != nil {
		l.runs, l.forms, l.nights = runs, forms, nights
		return err
	}
	l.seal = s.seal
	return l.counter.save(l.secret, l.id, l.seal.Changes)
}

func (s *sealed) change(c *Change, now time.Time) error {
	before, err := s.get(customerBucket, c.Key[:])
	if err != nil {
		return err
	}
	after := c.Entry
	if before != nil {
		was, err := ParseEntry(before)
		if err != nil {
			return err
		}
		after = was.with(&c.Entry, now)
	}
	return s.put(customerBucket, c.Key[:], before, after.Append(nil))
}
