package known

import (
	"strings"
	"time"

	"bulkonboard/batch/ledger"
	"bulkonboard/source"
)

// Ledger is what is known of customers across lists and nights, as the engine
// uses it. Walk gives all of them in the order of their keys, and Put makes all
// changes durable or none; putting them again comes to the same. RunNumber is 0
// for a run that put nothing. *ledger.Ledger implements it.
type Ledger interface {
	Hasher(owner ledger.Owner) *ledger.Hasher
	Walk(f func(key ledger.Key, value []byte) error) error
	Put(n *ledger.News) error
	Conclude(c *ledger.Conclusion) error
	RunNumber(id string) uint64
	Runs() map[uint64]ledger.Run
	Problems(f ledger.Form) []ledger.Problem
	Night(f ledger.Form) (ledger.Night, bool)
	Len() int64
	Forms() []ledger.Form
}

// Known settles whom a run need not call, because the ledger knows enough of
// them. A preflight asks for the whole list at once.
//
// Rows of one customer are one question: the customer is unchanged when any of
// them has the fields that were sent, and a session id that is good for one of
// them comes before the refusal of another.
type Known struct {
	Ledger Ledger
	Owner  ledger.Owner // whose customers they are, and
	Tenant string
	FormID string // for records that carry none

	// TTL is how long a session id is good of which the service has not said when
	// it expires; less than zero: for ever. With zero, every customer is asked for
	// again.
	TTL time.Duration
	// RetryRejected asks again for customers that were refused and have not
	// changed since.
	RetryRejected bool
	// Concludes says that runs are nights: of one that is complete the ledger keeps
	// the number of rows and the rows that need attention, so that the next one
	// tells what is new.
	Concludes bool
}

// LastNight is the last complete run of the form. It reports false when the
// ledger knows of none.
func (k *Known) LastNight() (ledger.Night, bool) {
	return k.Ledger.Night(k.form(k.Ledger.Hasher(k.Owner)))
}

// form is the form that the run is for.
func (k *Known) form(h *ledger.Hasher) ledger.Form {
	return ledger.Form{Scope: h.Scope(), Tenant: k.Tenant, ID: strings.TrimSpace(k.FormID)}
}

// standing is what a ledger's entry means for a customer.
type standing byte

const (
	isKnown   standing = iota // answered with the session id
	isRefused                 // answered with the refusal
	isChanged                 // fields differ from those sent
	isExpired                 // the session id is too old
	isDue                     // failed, or refused and to be tried again
	standings
)

func (s standing) called() bool { return s != isKnown && s != isRefused }

// standing compares an entry with the fields of today's rows, whose digests it
// is asked for.
func (k *Known) standing(e *ledger.Entry, has func(ledger.Digest) bool, now time.Time) standing {
	refused := e.Status() == ledger.Rejected // since there was a session id, if there ever was
	switch s := &e.Session; {
	case s.ID != "" && has(s.Digest) && !k.expired(s, now) && (!refused || e.Refusal.Digest != s.Digest):
		return isKnown
	case refused && has(e.Refusal.Digest) && !k.RetryRejected:
		return isRefused
	case e.Status() == ledger.OK && k.expired(s, now):
		return isExpired
	case e.Status() == ledger.Failed || refused && has(e.Refusal.Digest):
		return isDue
	}
	return isChanged
}

// expired reports a session id that is not to be handed on. What the service has
// said of it is preferred.
func (k *Known) expired(s *ledger.Session, now time.Time) bool {
	if !s.Expires.IsZero() && k.TTL != 0 {
		return !now.Before(s.Expires)
	}
	return k.TTL >= 0 && now.Sub(s.At) >= k.TTL
}

// hash gives the key of a record's customer and the digest of the fields that
// are sent, but for those that are in the key.
func (k *Known) hash(h *ledger.Hasher, rec *source.Record, customer []byte) (ledger.Key, ledger.Digest) {
	digested := make([]string, 0, 16)
	for f, value := range rec.Customer.Fields() {
		if !f.Identity {
			digested = append(digested, value)
		}
	}
	return h.Customer(k.Tenant, customer), h.Fields(digested...)
}
