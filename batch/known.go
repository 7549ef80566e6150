package batch

import (
	"time"

	"bulkonboard/batch/ledger"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// Ledger is what is known of customers across lists and nights, as the engine
// uses it. Match takes keys in ascending order, and Put makes all changes
// durable or none; putting them again comes to the same. Import is Put for what
// is older than the ledger, and RunNumber is 0 for a run that put nothing. It is safe for concurrent use. *ledger.Ledger implements it.
type Ledger interface {
	Hasher() *ledger.Hasher
	Find(key ledger.Key) (e ledger.Entry, known bool, err error)
	Match(keys []ledger.Key, found func(i int, value []byte)) error
	Put(n *ledger.News) error
	RunNumber(id string) (uint64, error)
	Import(n *ledger.News) error
}

// Known settles whom a run need not call, because the ledger knows enough of
// them. A preflight that has it asks for the whole list at once; a run without
// a preflight asks for each row.
//
// Rows of one customer are one question: the customer is unchanged when any of
// them has the fields that were sent, and a session id that is good for one of
// them comes before the refusal of another.
type Known struct {
	Ledger Ledger
	Tenant string // whose customers they are
	FormID string // for records that carry none

	// TTL is how long a session id is good; less than zero: for ever.
	TTL time.Duration
	// KeepChanged answers with the session id that is known though fields
	// differ from those sent.
	KeepChanged bool
	// RetryRejected asks again for customers that were refused and have not
	// changed since.
	RetryRejected bool

	hasher  *ledger.Hasher // of who reads
	answers *rowAnswers    // what a preflight has found; nil without one
	said    obtained
}

// standing is what a ledger's entry means for a customer.
type standing int

const (
	isNew     standing = iota
	isKnown            // answered with the session id
	isChanged          // fields differ from those sent
	isExpired          // the session id is too old
	isRefused          // answered with the refusal
	isDue              // failed, or refused and to be tried again
	isKept             // changed, and answered all the same
	standings
)

// counting is, of what is known of a customer, the entry that counts for rows
// with the fields of some digests, and whether it is of these. A session id from
// before a refusal comes first, while it is good.
func (k *Known) counting(e *ledger.Entry, has func(ledger.Digest) bool, now time.Time) (_ ledger.Entry, unchanged bool) {
	unchanged = has(e.Digest)
	past, there := e.Past()
	if there && has(past.Digest) && (!unchanged || !k.expired(&past, now)) {
		return past, true
	}
	return *e, unchanged
}

// standing holds an entry against the fields of today.
func (k *Known) standing(e *ledger.Entry, unchanged bool, now time.Time) standing {
	switch {
	case e.Outcome == ledger.OK && k.expired(e, now):
		return isExpired
	case e.Outcome == ledger.OK && unchanged:
		return isKnown
	case e.Outcome == ledger.Rejected && unchanged && !k.RetryRejected:
		return isRefused
	case e.Outcome != ledger.Failed && !unchanged:
		return isChanged
	}
	return isDue
}

func (k *Known) expired(e *ledger.Entry, now time.Time) bool {
	return k.TTL >= 0 && now.Sub(e.At) >= k.TTL
}

// Answer gives the result of a record whose customer need not be called, or
// nil. It is called by the reader, in the order of the list.
func (k *Known) Answer(rec *source.Record) (*sink.Result, error) {
	if k == nil {
		return nil, nil //nolint:nilnil // no ledger has no answer
	}
	now := time.Now()
	if k.answers == nil {
		return k.ask(rec, now)
	}
	res, differs, err := k.found(rec.Row, rec.Raw, now)
	if differs {
		return nil, changedRow(rec)
	}
	return res, err
}

// found is what a preflight has found for a row, and whether it is another row
// than that which it was found for.
func (k *Known) found(row int64, raw []byte, now time.Time) (res *sink.Result, differs bool, err error) {
	a, err := k.answers.find(row, raw)
	if err != nil || !a.found || a.differs {
		return nil, a.differs, err
	}
	return k.result(&a.entry, a.unchanged, now), false, nil
}

// ahead is Answer for a row that has not been taken apart: nil, too, where that
// is needed to answer it.
func (k *Known) ahead(row int64, raw []byte, now time.Time) *sink.Result {
	if k == nil || k.answers == nil {
		return nil
	}
	res, _, err := k.found(row, raw, now)
	if err != nil {
		return nil // Answer says so
	}
	return res
}

// ask asks the ledger itself.
func (k *Known) ask(rec *source.Record, now time.Time) (*sink.Result, error) {
	key, digest := k.hash(rec, appendCustomer(nil, rec, k.FormID))
	e, found, err := k.Ledger.Find(key)
	if !found || err != nil {
		return nil, err
	}
	e, unchanged := k.counting(&e, func(d ledger.Digest) bool { return d == digest }, now)
	return k.result(&e, unchanged, now), nil
}

// result is what a customer's row is answered with, or nil: the customer is
// called.
func (k *Known) result(e *ledger.Entry, unchanged bool, now time.Time) *sink.Result {
	switch k.standing(e, unchanged, now) {
	case isKnown:
		return k.said.result(e, "", now)
	case isRefused:
		return refusedResult(e, now)
	case isChanged:
		if k.KeepChanged && e.Outcome == ledger.OK {
			return k.said.result(e, fieldsDiffer, now)
		}
	}
	return nil
}

// hash gives the key of a record's customer and the digest of the fields that
// are sent, but for those that are in the key.
func (k *Known) hash(rec *source.Record, customer []byte) (ledger.Key, ledger.Digest) {
	if k.hasher == nil {
		k.hasher = k.Ledger.Hasher()
	}
	return k.hashWith(k.hasher, rec, customer)
}

func (k *Known) hashWith(h *ledger.Hasher, rec *source.Record, customer []byte) (ledger.Key, ledger.Digest) {
	c := &rec.Customer
	return h.Customer(k.Tenant, customer), h.Fields(c.Type, c.MobileNumber, c.EmployeeID, c.ClientID, c.SendEmail,
		c.FirstName, c.LastName, c.FullName, c.RegistrationNumber, c.TradingName)
}
