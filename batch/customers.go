package batch

import (
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"

	"bulkonboard/sink"
	"bulkonboard/source"
)

// customers sees to it that two rows of one customer are never in flight
// together, and that a customer is called once: later rows take the result of
// the first one that succeeded. Until one does, the service is not asked for the
// very fields that it has just refused. It belongs to the dispatcher.
type customers struct {
	underWay map[string][]*slot // customer → later rows that wait, in order
	given    *given
}

// givenAnswer is what the later rows of a customer are answered with.
type givenAnswer struct {
	row       int64 // that succeeded, or was refused
	sessionID string
	print     uint64 // of the customer

	// Of a refusal, which has no session id.
	code, message string
	at            time.Time
	fields        uint64 // a fingerprint of what was sent
}

func (a *givenAnswer) refused() bool { return a.sessionID == "" }

// busy reports whether another row of this customer is under way.
func (c *customers) busy(s *slot) bool {
	_, busy := c.underWay[s.customer]
	return busy
}

// enter reports whether no other row of this customer is under way. If one is,
// the row waits for it.
func (c *customers) enter(s *slot) bool {
	later, busy := c.underWay[s.customer]
	if busy {
		later = append(later, s)
	}
	c.underWay[s.customer] = later
	return !busy
}

// leave ends a row's turn and gives the next row of its customer, if one waits.
func (c *customers) leave(s *slot) *slot {
	later := c.underWay[s.customer]
	if len(later) == 0 {
		delete(c.underWay, s.customer)
		return nil
	}
	c.underWay[s.customer] = later[1:]
	return later[0]
}

// answerOf is what the later rows of a customer will ask for, if any do: a good
// result, or the refusal of a call.
func answerOf(s *slot, res *sink.Result) (a givenAnswer, ok bool) {
	refused := res.Status == sink.Rejected && res.Attempts > 0
	if !s.family.asks(s.rec.Row) || !refused && !res.Status.Good() {
		return a, false
	}
	a = givenAnswer{row: s.rec.Row, sessionID: res.SessionID, print: xxhash.Sum64String(s.customer)}
	if refused {
		a.sessionID, a.code, a.message, a.at, a.fields = "", res.ErrorCode, res.ErrorMessage, res.ProcessedAt, fieldsOf(&s.rec.Customer)
	}
	return a, true
}

// fieldsOf is a fingerprint of all that is sent for a row.
func fieldsOf(c *source.Customer) uint64 {
	d := xxhash.New()
	for _, field := range source.FieldNames() {
		_, _ = d.WriteString(c.Value(field) + "\x00") // never fails
	}
	return d.Sum64()
}

// learn keeps a result when later rows of the customer will ask for it.
func (c *customers) learn(s *slot, res *sink.Result) error {
	if a, ok := answerOf(s, res); ok {
		return c.given.put(s.family.lead, a)
	}
	return nil
}

// resultFor is the result of a row whose customer has succeeded, or was refused
// with the same fields, or nil. A list that was changed behind the back of its
// forecast is noticed here.
func (c *customers) resultFor(s *slot, decided func() time.Time) (*sink.Result, error) {
	if !s.family.shared() {
		return nil, nil
	}
	a, known, err := c.given.of(s.family.lead)
	if err != nil || !known {
		return nil, err
	}
	if a.print != xxhash.Sum64String(s.customer) {
		return nil, s.rec.Changed()
	}
	if a.refused() {
		if s.known || a.fields != fieldsOf(&s.rec.Customer) {
			return nil, nil
		}
		return &sink.Result{
			Status: sink.Rejected, ErrorCode: a.code, ProcessedAt: a.at,
			ErrorMessage: fmt.Sprintf("%s (not sent: the same customer and fields as row %d)", a.message, a.row),
		}, nil
	}
	return &sink.Result{
		Status: sink.Duplicate, SessionID: a.sessionID, ProcessedAt: decided(),
		ErrorMessage: fmt.Sprintf("the same customer as row %d", a.row),
	}, nil
}
