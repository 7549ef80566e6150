package batch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/customers"
	"bulkonboard/batch/session"
	"bulkonboard/batch/state"
	"bulkonboard/source"
)

// repeated makes a list in which row i is customer i, and rows from n+1 on are
// the first ones again.
func repeated(n, again int) (string, *customers.Duplicates) {
	list := csvList(n)
	search := customers.NewSearch(customers.NewSpillFile(&memory{}))
	see := func(row, customer int) {
		_ = search.See(&customers.Sighting{Row: uint32(row), Key: search.Key([]byte(fmt.Sprint(customer)))})
	}
	for i := 1; i <= n; i++ {
		see(i, i)
	}
	for i := 1; i <= again; i++ {
		list += fmt.Sprintf("Individual,C%d@example.com,First%d,Last\n", i, i)
		see(n+i, i)
	}
	found, _ := search.End() // in memory nothing fails
	return list, found.Duplicates
}

func TestACustomerWithSeveralRowsIsCalledOnceAcrossInterruptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list, duplicates := repeated(200, 100)
		j := newJob(t, list, func(_ context.Context, r *source.Customer, _ int) session.Reply {
			time.Sleep(10 * time.Millisecond)
			a := okFor(r)
			a.SessionID = strings.ToLower(a.SessionID)
			return a
		})
		j.adjust = func(c *Config) { c.Duplicates = duplicates }
		for {
			ctx, cancel := context.WithTimeoutCause(t.Context(), 75*time.Millisecond, ErrInterrupted)
			_, err := j.run(ctx)
			cancel()
			if err == nil {
				break
			}
			require.ErrorIs(t, err, ErrInterrupted)
		}
		rows := j.rows()
		require.Len(t, rows, 300)
		for i := range 100 {
			later := rows[200+i]
			assert.Equal(t, "duplicate", later[colStatus])
			assert.Equal(t, rows[i][colSession], later[colSession])
			assert.Equal(t, fmt.Sprintf("the same customer as row %d", i+1), later[colMessage])
		}
		for customer, n := range j.service.calls {
			assert.Equal(t, 1, n, customer)
		}
	})
}

func TestAScratchFileThatFailsStopsTheRunAndCostsNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list, duplicates := repeated(200, 100)
		j := newJob(t, list, func(_ context.Context, r *source.Customer, _ int) session.Reply {
			a := okFor(r)
			a.SessionID = strings.ToLower(a.SessionID)
			return a
		})
		for _, room := range []int{0, 4 << 10, 1 << 20} {
			j.adjust = func(c *Config) { c.Duplicates, c.Scratch = duplicates, &fullDisk{left: room} }
			_, err := j.run(t.Context())
			var wrong *state.IOError
			require.ErrorAs(t, err, &wrong)
		}
		j.adjust = func(c *Config) { c.Duplicates = duplicates }
		_, err := j.run(t.Context())
		require.NoError(t, err)
		for i, row := range j.rows()[200:] {
			assert.Equal(t, []string{"duplicate", fmt.Sprintf("the same customer as row %d", i+1)}, []string{row[colStatus], row[colMessage]})
		}
		for customer, n := range j.service.calls {
			assert.Equal(t, 1, n, customer)
		}
	})
}

func TestTheNextRowOfACustomerGoesWhenTheFirstDidNotEndWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list, duplicates := repeated(3, 1)
		j := newJob(t, list, func(_ context.Context, r *source.Customer, _ int) session.Reply {
			if r.Email == "c1@example.com" {
				return session.Reply{Outcome: session.Rejected, Recognised: true, Status: 400, Code: "http_400"}
			}
			return okFor(r)
		})
		j.adjust = func(c *Config) { c.Duplicates = duplicates }
		_, err := j.run(t.Context())
		require.NoError(t, err)
		rows := j.rows()
		assert.Equal(t, "rejected", rows[0][colStatus])
		assert.Equal(t, "ok", rows[3][colStatus])
	})
}

func TestACustomerThatWasRefusedIsNotAskedAgainWithTheSameFields(t *testing.T) {
	refuse := func(_ context.Context, r *source.Customer, _ int) session.Reply {
		if r.FirstName != "Good" {
			return session.Reply{Outcome: session.Rejected, Recognised: true, Status: 400, Code: "no", Message: "No " + r.FirstName}
		}
		return okFor(r)
	}
	for name, c := range map[string]struct {
		rows     []string
		statuses []string
		calls    int
	}{
		"the same rows":         {[]string{"a@x.io Bad", "a@x.io Bad", "a@x.io Bad"}, []string{"rejected", "rejected", "rejected"}, 1},
		"other fields":          {[]string{"a@x.io Bad", "a@x.io Bed", "a@x.io Bed"}, []string{"rejected", "rejected", "rejected"}, 2},
		"good, in the end":      {[]string{"a@x.io Bad", "a@x.io Bad", "a@x.io Good", "a@x.io Bad"}, []string{"rejected", "rejected", "ok", "duplicate"}, 2},
		"of another customer":   {[]string{"a@x.io Bad", "b@x.io Bad"}, []string{"rejected", "rejected"}, 2},
		"the address otherwise": {[]string{"a@x.io Bad", "A@x.io Bad"}, []string{"rejected", "rejected"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				list := people(c.rows...)
				j := newJob(t, list, refuse)
				f := forecastOf(t, nil, list)
				j.adjust = func(c *Config) { c.Duplicates, c.AcceptRefusals = f.Duplicates, true }
				_, err := j.run(t.Context())
				require.NoError(t, err)
				rows := j.rows()
				assert.Equal(t, c.statuses, statuses(rows))
				calls := 0
				for _, n := range j.service.calls {
					calls += n
				}
				assert.Equal(t, c.calls, calls)
				for _, row := range rows {
					if row[colStatus] == "rejected" && row[colAttempts] == "0" {
						assert.Regexp(t, `^No B.d \(not sent: the same customer and fields as row \d\)$`, row[colMessage])
					}
				}
			})
		})
	}
}

func TestRowsOfOneRefusedCustomerAreNoReasonToSuspectTheConfiguration(t *testing.T) {
	for name, c := range map[string]struct {
		others int
		stops  bool
	}{"one customer": {0, false}, "nine customers": {8, false}, "ten customers": {9, true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rows := slices.Repeat([]string{"a@x.io Bad"}, 3000)
				for i := range c.others {
					rows = append(rows, fmt.Sprintf("b%d@x.io Bad", i))
				}
				list := people(rows...)
				f := forecastOf(t, nil, list)
				j := newJob(t, list, refusing("Bad"))
				j.adjust = func(c *Config) { c.Duplicates, c.MaxInFlight = f.Duplicates, 4 }
				sum, err := j.run(t.Context())
				assert.Len(t, j.service.calls, c.others+1)
				assert.Equal(t, 1, j.service.calls["form\na@x.io"])
				if !c.stops {
					require.NoError(t, err)
					assert.Len(t, j.rows(), 3000+c.others)
					return
				}
				var refusals *RefusalsError
				require.ErrorAs(t, err, &refusals)
				assert.Zero(t, sum.Rows)
				j.service = newFakeService(refusing())
				_, err = j.run(t.Context())
				require.NoError(t, err, "they were taken back")
				assert.Equal(t, "ok", j.rows()[0][colStatus])
			})
		})
	}
}

func TestFirstRowsThatAreAllRefusedInTheSameWordsStayUnprocessed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wrong := true
		j := newJob(t, csvList(40), func(_ context.Context, r *source.Customer, _ int) session.Reply {
			if wrong {
				return session.Reply{Outcome: session.Rejected, Recognised: true, Status: 400, Code: "http_400", Message: "no such form"}
			}
			return okFor(r)
		})
		sum, err := j.run(t.Context())
		var refusals *RefusalsError
		require.ErrorAs(t, err, &refusals)
		assert.Zero(t, sum.Rows)
		wrong = false
		j.service = newFakeService(func(_ context.Context, r *source.Customer, _ int) session.Reply { return okFor(r) })
		_, err = j.run(t.Context())
		require.NoError(t, err)
		j.requireEachItsOwn(40)
	})
}

func TestAShortListOfRefusedRowsIsBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJob(t, csvList(9), func(context.Context, *source.Customer, int) session.Reply {
			return session.Reply{Outcome: session.Rejected, Recognised: true, Status: 400, Code: "http_400"}
		})
		_, err := j.run(t.Context())
		require.NoError(t, err)
		assert.Len(t, j.rows(), 9)
	})
}
