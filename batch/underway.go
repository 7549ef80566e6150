package batch

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"time"

	"bulkonboard/batch/customers"
	"bulkonboard/batch/state"
	"bulkonboard/sink"
)

// underWay sees to it that two rows of one customer are never in flight
// together, and that a customer is called once: later rows take the result of
// the first one that succeeded. Until one does, the service is not asked for the
// very fields that it has just refused. It belongs to the dispatcher.
type underWay struct {
	later map[string][]*slot // customer → later rows that wait, in order
	given *customers.Given
}

// busy reports whether another row of this customer is under way.
func (c *underWay) busy(s *slot) bool {
	_, busy := c.later[s.customer]
	return busy
}

// enter reports whether no other row of this customer is under way. If one is,
// the row waits for it.
func (c *underWay) enter(s *slot) bool {
	later, busy := c.later[s.customer]
	if busy {
		later = append(later, s)
	}
	c.later[s.customer] = later
	return !busy
}

// leave ends a row's turn and gives the next row of its customer, if one waits.
func (c *underWay) leave(s *slot) *slot {
	later := c.later[s.customer]
	if len(later) == 0 {
		delete(c.later, s.customer)
		return nil
	}
	c.later[s.customer] = later[1:]
	return later[0]
}

// remember keeps a result when later rows of the customer will ask for it.
func (c *underWay) remember(s *slot, res *sink.Result) error {
	if a, ok := customerResultOf(s, res); ok {
		return c.given.Put(s.family.Lead, a)
	}
	return nil
}

// customerResultOf is what the later rows of a customer will ask for, if any do.
func customerResultOf(s *slot, res *sink.Result) (a customers.Result, ok bool) {
	if !s.family.Asks(s.rec.Row) {
		return a, false
	}
	return customers.ResultOf(s.rec, s.customer, res)
}

// resultFor is the result of a row whose customer has succeeded, or was refused
// with the same fields, or nil.
func (c *underWay) resultFor(s *slot, decided func() time.Time) (*sink.Result, error) {
	if !s.family.Shared() {
		return nil, nil
	}
	a, known, err := c.given.Of(s.family.Lead)
	if err != nil || !known {
		return nil, err
	}
	if res, err := a.Success(s.rec, s.customer, decided); res != nil || err != nil || s.answer.Known {
		return res, err
	}
	return a.Refusal(s.rec), nil
}

// takeCustomerResults reads what later rows of customers will ask for.
func (r *run) takeCustomerResults(to *customers.Given) error {
	file, err := r.State.ReadOutput(state.CustomerResults)
	if file == nil || err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	in := bufio.NewReaderSize(file, 64<<10)
	for {
		lead, a, err := customers.ReadResult(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", state.CustomerResults, err)
		}
		if last, leads := r.Duplicates.Last(lead); !leads || last <= r.from.Row {
			continue
		}
		if err := to.Put(lead, a); err != nil {
			return err
		}
	}
}

// keepCustomerResult keeps a result that later rows of its customer will ask for.
func (w *writer) keepCustomerResult(s *slot, res *sink.Result) {
	if a, ok := customerResultOf(s, res); ok && res.Status != sink.Duplicate {
		w.customerResults.buf = customers.AppendResult(w.customerResults.buf, s.family.Lead, a)
	}
}
