package known

import (
	"slices"
	"time"

	"bulkonboard/batch/customers"
	"bulkonboard/batch/ledger"
	"bulkonboard/source"
)

// Join compares the rows of a list with a ledger.
type Join struct {
	known  *Known
	hasher *ledger.Hasher
	runID  string
	own    uint64 // number in the ledger of the run that will send the list; 0: it put nothing down yet
	now    time.Time
	search *customers.Search

	answers *Answers
	counts  JoinCounts
	by      [standings]int64
}

// JoinCounts are customers of a list, by what a ledger knows of them.
type JoinCounts struct {
	Found                                 int64 // all that the ledger has
	Known, Refused, Changed, Expired, Due int64 // of those that would be called otherwise

	Mails int64 // of Known and Refused, those whose row asks for a mail
}

// NewJoin begins to compare. The run that will send the list may have put
// something down in the ledger before it was interrupted; runID is empty when
// there is none.
func (k *Known) NewJoin(file *customers.SpillFile, runID string) *Join {
	return &Join{
		known: k, hasher: k.Ledger.Hasher(k.Owner), runID: runID, now: time.Now(),
		answers: &Answers{known: k, spill: file.Spill(), part: -1},
	}
}

// Sight gives what a search needs of a record, by the keys of the ledger.
func (j *Join) Sight(v *customers.Sighting, rec *source.Record, customer []byte) {
	v.Print = rec.Fingerprint()
	key, digest := j.known.hash(j.hasher, rec, customer)
	v.Key, v.Digest = key, digest
}

// Run compares all rows of a list, which the search has seen.
func (j *Join) Run(search *customers.Search, rows int64) (*Answers, JoinCounts, error) {
	j.search, j.own = search, j.known.Ledger.RunNumber(j.runID)
	j.answers.width = uint32(rows/customers.SpillParts + 1)
	if err := j.known.Ledger.Walk(j.meet); err != nil {
		return nil, JoinCounts{}, err
	}
	c := j.counts
	c.Known, c.Refused, c.Changed, c.Expired, c.Due = j.by[isKnown], j.by[isRefused], j.by[isChanged], j.by[isExpired], j.by[isDue]
	return j.answers, c, nil
}

// meet compares a customer of the ledger with the rows. Customers come in the
// order of their keys.
func (j *Join) meet(key ledger.Key, value []byte) error {
	rows, err := j.search.Rows(key)
	if err != nil || len(rows) == 0 {
		return err
	}
	return j.match(rows, value)
}

// match takes in what the ledger knows of a customer, for all its rows.
func (j *Join) match(rows []customers.Sighting, value []byte) error {
	e, err := ledger.ParseCalls(value)
	if err != nil {
		return err
	}
	j.counts.Found++
	is := j.known.standing(&e, func(d ledger.Digest) bool {
		return slices.ContainsFunc(rows, func(row customers.Sighting) bool { return row.Digest == d })
	}, j.now)
	if is == isRefused && j.own != 0 && e.Refusal.Run == j.own {
		// This run has called one row of the customer before it was
		// interrupted, and the others have their turn as if it had not been.
		is = isDue
	}
	if lead := &rows[0]; lead.Traits&customers.IsKept == 0 { // with or without a ledger it makes no call
		j.by[is]++
		if !is.called() && lead.Traits&customers.AsksMail != 0 {
			j.counts.Mails++
		}
	}
	if is.called() {
		return nil
	}
	for i := range rows {
		if err := j.answers.add(&rows[i], is, value); err != nil {
			return err
		}
	}
	return nil
}
