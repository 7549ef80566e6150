package batch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/answers"
	"bulkonboard/batch/customers"
	"bulkonboard/batch/disk"
	"bulkonboard/batch/known"
	"bulkonboard/batch/ledger"
	"bulkonboard/batch/measure"
	"bulkonboard/batch/preflight"
	"bulkonboard/batch/session"
	"bulkonboard/source"
)

func openLedger(t *testing.T) *ledger.Ledger {
	path := filepath.Join(t.TempDir(), "customers.db")
	l, err := ledger.Open(disk.OS{}, path, path+".key", ledger.Owner{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func knownBy(l known.Ledger) *known.Known {
	return &known.Known{Ledger: l, Tenant: "tenant", FormID: "form", TTL: -1}
}

// nights are those that tests of this package have had.
var nights atomic.Int64

// night takes a list through a preflight and a run, and gives each row's
// status and message.
func night(t *testing.T, k *known.Known, list string, answer callerFunc) (f forecast, rows [][]string, calls map[string]int) {
	synctest.Test(t, func(t *testing.T) {
		// Every bubble begins in the same night, and one is to be after the other.
		time.Sleep(time.Duration(nights.Add(1)) * time.Second)
		if k.TTL > 0 {
			time.Sleep(24 * time.Hour)
		}
		j := newJob(t, list, answer)
		f = forecastOf(t, k, list)
		j.adjust = func(c *Config) {
			c.Known, c.Answers, c.Duplicates, c.AcceptRefusals = k, f.answers, f.Duplicates, true
		}
		_, err := j.run(t.Context())
		require.NoError(t, err)
		rows, calls = j.rows(), j.service.calls
	})
	called := 0
	for _, row := range rows {
		if row[colStatus] != "invalid" && row[colAttempts] != "0" {
			called++
		}
	}
	if f.Repeated == 0 {
		require.EqualValues(t, f.Calls, called, "the forecast")
	}
	require.Equal(t, f.Calls, f.New+f.Changed+f.Expired+f.Due)
	require.Equal(t, f.Rows, f.Calls+f.Known+f.Refused+f.Repeated+f.Kept+f.Invalid)
	return f, rows, calls
}

func forecastOf(t *testing.T, k *known.Known, text string) forecast {
	return forecastFor(t, "", k, text)
}

// forecast is what a preflight found.
type forecast struct {
	*preflight.Forecast
	answers answers.Chain // of the ledger
}

func forecastFor(t *testing.T, runID string, k *known.Known, text string) forecast {
	formID := "form"
	if k != nil {
		formID = k.FormID
	}
	list, err := source.Open(strings.NewReader(text), source.Options{Name: "list"})
	require.NoError(t, err)
	p := preflight.Preflight{List: list, FormID: formID, Scratch: &memory{}, Known: k, RunID: runID}
	f, answers, err := p.Run(t.Context())
	require.NoError(t, err)
	return forecast{f, answers}
}

// people makes a list of rows, each an e-mail address and a first name.
func people(rows ...string) string {
	var b strings.Builder
	b.WriteString("customerType,customerEmail,firstName,lastName\n")
	for _, row := range rows {
		email, first, _ := strings.Cut(row, " ")
		fmt.Fprintf(&b, "Individual,%s,%s,Last\n", email, first)
	}
	return b.String()
}

// refusing answers ok, but refuses the customers with a first name.
func refusing(names ...string) callerFunc {
	return func(_ context.Context, r *source.Customer, _ int) session.Reply {
		for _, name := range names {
			if r.FirstName == name {
				return session.Reply{Outcome: session.Rejected, Recognised: true, Status: 400, Code: "no", Message: "No"}
			}
		}
		a := okFor(r)
		a.SessionID = strings.ToLower(a.SessionID)
		return a
	}
}

func TestTheRowsOfOneCustomerAreOneQuestionToTheLedger(t *testing.T) {
	for _, c := range []struct {
		name          string
		rows          []string
		refuses       string
		first, second []string
	}{
		{"one row", []string{"a@x.io A"}, "", []string{"ok"}, []string{"known"}},
		{"the same twice", []string{"a@x.io A", "A@x.io A"}, "", []string{"ok", "duplicate"}, []string{"known", "duplicate"}},
		{"with two names", []string{"a@x.io A", "a@x.io B"}, "", []string{"ok", "duplicate"}, []string{"known", "duplicate"}},
		{"the first is refused", []string{"a@x.io A", "a@x.io B"}, "A", []string{"rejected", "ok"}, []string{"known", "duplicate"}},
		{"refused in both", []string{"a@x.io A", "a@x.io A"}, "A", []string{"rejected", "rejected"}, []string{"rejected", "rejected"}},
		{"an invalid row leads no other", []string{"a@x.io ", "a@x.io B"}, "", []string{"invalid", "ok"}, []string{"invalid", "known"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := knownBy(openLedger(t))
			_, rows, _ := night(t, k, people(c.rows...), refusing(c.refuses))
			assert.Equal(t, c.first, statuses(rows))
			for range 2 {
				_, rows, calls := night(t, k, people(c.rows...), refusing(c.refuses))
				assert.Equal(t, c.second, statuses(rows))
				assert.Empty(t, calls)
			}
		})
	}
}

func TestASessionIDOutlivesTheRefusalOfOtherFields(t *testing.T) {
	k := knownBy(openLedger(t))
	for n, c := range []struct{ name, want, called string }{
		{"Ann", "ok", "a"}, {"Rob", "rejected", "a"}, {"Rob", "rejected", ""}, {"Ann", "known", ""}, {"Rob", "rejected", ""}, {"Ann", "known", ""}, {"Eve", "ok", "a"}, {"Ann", "ok", "a"},
	} {
		_, rows, calls := night(t, k, people("a@x.io "+c.name), refusing("Rob"))
		assert.Equal(t, []string{c.want}, statuses(rows), "night %d", n+1)
		assert.Len(t, calls, len(c.called), "night %d", n+1)
	}
}

func TestASessionIDThatIsGoodComesBeforeTheRefusalOfAnotherRow(t *testing.T) {
	for _, c := range []struct {
		name string
		ttl  time.Duration
		want []string
	}{
		{"for ever", -1, []string{"known", "duplicate"}},
		{"not expired", 25 * time.Hour, []string{"known", "duplicate"}},
		{"expired", 24 * time.Hour, []string{"rejected", "rejected"}},
	} {
		for _, names := range [][]string{{"Ann", "Rob"}, {"Rob", "Ann"}} {
			t.Run(c.name+", first "+names[0], func(t *testing.T) {
				k := knownBy(openLedger(t))
				night(t, k, people("a@x.io Ann"), refusing("Rob"))
				night(t, k, people("a@x.io Rob"), refusing("Rob"))
				k.TTL = c.ttl
				_, rows, calls := night(t, k, people("a@x.io "+names[0], "a@x.io "+names[1]), refusing("Rob"))
				assert.Equal(t, c.want, statuses(rows))
				assert.Empty(t, calls)
			})
		}
	}
}

func TestWhoIsCalledDependsOnWhatIsKnown(t *testing.T) {
	list := people("ok@x.io Olga", "refused@x.io Rob", "failed@x.io Fay")
	answer := func(ctx context.Context, r *source.Customer, attempt int) session.Reply {
		if r.FirstName == "Fay" {
			return session.Reply{Outcome: session.Failed, Recognised: true, Status: 500, Code: "http_500"}
		}
		return refusing("Rob")(ctx, r, attempt)
	}
	changed := people("ok@x.io Olaf", "refused@x.io Bob", "failed@x.io Fay")
	for _, c := range []struct {
		name   string
		list   string
		adjust func(*known.Known)
		want   []string
		counts preflight.Forecast
	}{
		{"nothing has changed", list, func(*known.Known) {}, []string{"known", "rejected", "failed"}, preflight.Forecast{Known: 1, Refused: 1, Due: 1}},
		{"refused are sent again", list, func(k *known.Known) { k.RetryRejected = true }, []string{"known", "rejected", "failed"}, preflight.Forecast{Known: 1, Due: 2}},
		{"changed", changed, func(*known.Known) {}, []string{"ok", "ok", "failed"}, preflight.Forecast{Changed: 2, Due: 1}},
		{"always asked again", list, func(k *known.Known) { k.TTL = 0 }, []string{"ok", "rejected", "failed"}, preflight.Forecast{Expired: 1, Refused: 1, Due: 1}},
		{"expired", list, func(k *known.Known) { k.TTL = 24 * time.Hour }, []string{"ok", "rejected", "failed"}, preflight.Forecast{Expired: 1, Refused: 1, Due: 1}},
		{"not expired", list, func(k *known.Known) { k.TTL = 25 * time.Hour }, []string{"known", "rejected", "failed"}, preflight.Forecast{Known: 1, Refused: 1, Due: 1}},
		{"another tenant", list, func(k *known.Known) { k.Tenant = "other" }, []string{"ok", "rejected", "failed"}, preflight.Forecast{New: 3}},
		{"another form", list, func(k *known.Known) { k.FormID = "other" }, []string{"ok", "rejected", "failed"}, preflight.Forecast{New: 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := knownBy(openLedger(t))
			night(t, k, list, answer)
			c.adjust(k)
			f, rows, _ := night(t, k, c.list, answer)
			assert.Equal(t, c.want, statuses(rows))
			got := preflight.Forecast{New: f.New, Known: f.Known, Changed: f.Changed, Expired: f.Expired, Refused: f.Refused, Due: f.Due}
			assert.Equal(t, c.counts, got)
		})
	}
}

func TestALargeListFindsEachRowsOwnAnswer(t *testing.T) {
	l := openLedger(t)
	var list strings.Builder
	list.WriteString("customerType,customerEmail,firstName,lastName\n")
	const n = 5000
	var changes []ledger.Change
	k := knownBy(l)
	join := k.NewJoin(customers.NewSpillFile(&memory{}), "")
	for i := range n {
		fmt.Fprintf(&list, "Individual,c%d@x.io,F,L\n", i)
		if i%5 != 0 {
			rec := &source.Record{Customer: source.Customer{Type: "Individual", Email: fmt.Sprintf("c%d@x.io", i), FirstName: "F", LastName: "L"}}
			var v customers.Sighting
			join.Sight(&v, rec, rec.AppendIdentity(nil, k.FormID))
			changes = append(changes, ledger.Change{Key: v.Key, Entry: ledger.Entry{Session: ledger.Session{Sent: ledger.Sent{Digest: v.Digest, At: time.UnixMilli(0)}, ID: fmt.Sprintf("s-%d", i)}}})
		}
	}
	require.NoError(t, l.Put(&ledger.News{Changes: changes}))
	f := forecastOf(t, k, list.String())
	assert.EqualValues(t, n/5, f.Calls)
	records, err := source.Open(strings.NewReader(list.String()), source.Options{Name: "list"})
	require.NoError(t, err)
	for rec, err := range records.Records() {
		require.NoError(t, err)
		a, err := f.answers.Answer(rec)
		require.NoError(t, err)
		res := a.Result
		if rec.Row%5 == 1 {
			require.Nil(t, res)
			continue
		}
		require.Equal(t, rec.Fingerprint(), a.Print)
		require.Equal(t, fmt.Sprintf("s-%d", rec.Row-1), res.SessionID)
		require.Equal(t, "obtained 1970-01-01T00:00:00Z", res.ErrorMessage)
		require.Equal(t, time.UnixMilli(0).UTC(), res.ProcessedAt)
	}
}

func TestAListThatIsChangedBehindItsForecastGetsNoAnswerOfAnother(t *testing.T) {
	k := knownBy(openLedger(t))
	night(t, k, people("a@x.io A", "b@x.io B"), refusing())
	f := forecastOf(t, k, people("a@x.io A", "b@x.io B"))
	j := newJob(t, people("a@x.io A", "c@x.io C"), refusing())
	j.adjust = func(c *Config) { c.Known, c.Answers = k, f.answers }
	_, err := j.run(t.Context())
	var changed *source.ChangedError
	require.ErrorAs(t, err, &changed)
	assert.Empty(t, j.service.calls)
}

// faulty is a ledger whose n-th change fails, before or after it was done.
type faulty struct {
	*ledger.Ledger
	n    int
	done bool
}

var errFault = errors.New("no room")

func (f *faulty) Put(n *ledger.News) error { return f.change(func() error { return f.Ledger.Put(n) }) }

func (f *faulty) Conclude(c *ledger.Conclusion) error {
	return f.change(func() error { return f.Ledger.Conclude(c) })
}

func (f *faulty) change(do func() error) error {
	f.n--
	if f.n == 0 && !f.done {
		return errFault
	}
	err := do()
	if f.n == 0 {
		return errFault
	}
	return err
}

func TestALedgerThatFailsEndsTheRunAndLosesNothing(t *testing.T) {
	const n = 40
	slow := func(ctx context.Context, r *source.Customer, attempt int) session.Reply {
		time.Sleep(time.Second)
		return refusing("First7")(ctx, r, attempt)
	}
	for _, done := range []bool{false, true} {
		for fail, failed := 1, true; failed; fail++ {
			l := openLedger(t)
			synctest.Test(t, func(t *testing.T) {
				j := newJob(t, csvList(n), slow)
				night := func(l known.Ledger) func(*Config) {
					return func(c *Config) { c.Known = knownBy(l); c.Known.Concludes, c.AcceptRefusals = true, true }
				}
				j.adjust = night(&faulty{l, fail, done})
				summary, err := j.run(t.Context())
				if failed = err != nil; failed {
					require.ErrorIs(t, err, errFault)
					j.adjust = night(l)
					summary, err = j.run(t.Context())
					require.NoError(t, err)
				}
				assert.EqualValues(t, 1, summary.News(), "it was not reported yet")
				assert.Len(t, l.Problems(ledger.Form{Tenant: "tenant", ID: "form"}), 1)
				assert.Len(t, j.rows(), n)
				for customer, calls := range j.service.calls {
					assert.Equal(t, 1, calls, customer)
				}
			})
			f := forecastOf(t, knownBy(l), csvList(n))
			assert.EqualValues(t, n-1, f.Known)
			assert.EqualValues(t, 1, f.Refused)
			if !failed {
				assert.Greater(t, fail, 3, "several commits")
			}
		}
	}
}

func TestARefusalOfTheRunItselfIsNoReasonNotToSendTheNextRowOfTheCustomer(t *testing.T) {
	list := people("a@x.io Bad", "b@x.io Ben", "a@x.io Good")
	for name, c := range map[string]struct {
		resumed string
		want    []string
	}{
		"resumed":       {"run-1", []string{"rejected", "ok", "ok"}},
		"another night": {"run-2", []string{"rejected", "ok", "rejected"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, hangs := knownBy(openLedger(t)), true
				j := newJob(t, list, func(ctx context.Context, r *source.Customer, attempt int) session.Reply {
					if hangs && r.FirstName != "Bad" {
						<-ctx.Done()
						return session.Reply{Outcome: session.Cancelled}
					}
					return refusing("Bad")(ctx, r, attempt)
				})
				start := func(ctx context.Context, run string) error {
					f := forecastFor(t, run, k, list)
					j.adjust = func(c *Config) {
						c.ID, c.Known, c.Answers, c.Duplicates, c.AcceptRefusals = "run-1", k, f.answers, f.Duplicates, true
					}
					_, err := j.run(ctx)
					return err
				}
				ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Second, ErrInterrupted)
				defer cancel()
				require.ErrorIs(t, start(ctx, "run-1"), ErrInterrupted)
				hangs = false
				require.NoError(t, start(t.Context(), c.resumed))
				assert.Equal(t, c.want, statuses(j.rows()))
			})
		})
	}
}

func TestAnotherListIsNotSentWhatAStoppedRunHadAnswersFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, list := knownBy(openLedger(t)), people("a@x.io Ann", "b@x.io Ben", "c@x.io Cid")
		stopped := newJob(t, list, func(ctx context.Context, r *source.Customer, attempt int) session.Reply {
			if r.FirstName == "Ann" {
				<-ctx.Done()
				return session.Reply{Outcome: session.Cancelled}
			}
			return refusing()(ctx, r, attempt)
		})
		stopped.adjust = func(c *Config) { c.Known, c.Answers = k, forecastOf(t, k, list).answers }
		ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Second, ErrInterrupted)
		defer cancel()
		sum, err := stopped.run(ctx)
		require.ErrorIs(t, err, ErrInterrupted)
		require.Zero(t, sum.Rows, "all wait for the first")

		other := newJob(t, list, refusing())
		other.adjust = stopped.adjust
		_, err = other.run(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []string{"ok", "known", "known"}, statuses(other.rows()))
		stopped.service = newFakeService(refusing())
		_, err = stopped.run(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []string{"known", "ok", "ok"}, statuses(stopped.rows()))
		assert.Empty(t, stopped.service.calls)
		assert.EqualValues(t, 3, forecastOf(t, k, list).Known, "and no other customer was recorded for them")
		assert.Zero(t, forecastOf(t, k, list).Gone)
	})
}

func TestALedgerThatFailsAsTheRunStopsIsNotPassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		j := newJob(t, people("a@x.io Ann", "b@x.io Ben"), func(ctx context.Context, r *source.Customer, attempt int) session.Reply {
			if r.FirstName == "Ann" {
				<-ctx.Done()
				return session.Reply{Outcome: session.Cancelled}
			}
			return refusing()(ctx, r, attempt)
		})
		j.adjust = func(c *Config) {
			c.Known, c.Log = knownBy(&faulty{openLedger(t), 1, false}), slog.New(slog.NewTextHandler(&log, nil))
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Second, ErrInterrupted)
		defer cancel()
		_, err := j.run(ctx)
		require.ErrorIs(t, err, ErrInterrupted)
		assert.Contains(t, log.String(), errFault.Error())
	})
}

func TestRefusalsOfEarlierNightsDoNotUseUpTheFailuresThatAreAllowed(t *testing.T) {
	k := knownBy(openLedger(t))
	list := people("a@x.io Bad", "b@x.io Bad", "c@x.io Bad", "d@x.io Good")
	night(t, k, list, refusing("Bad"))
	f := forecastOf(t, k, list)
	j := newJob(t, list, refusing("Bad"))
	j.adjust = func(c *Config) {
		c.Known, c.Answers, c.MaxFailures = k, f.answers, measure.Limit{Count: 2}
	}
	sum, err := j.run(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 3, sum.Bad())
	assert.Empty(t, j.service.calls)
}

func TestACustomerWhoseSessionIDExpiresBeforeTheRunIsCalledAsTheRowHasIt(t *testing.T) {
	k := knownBy(openLedger(t))
	list := people("a@x.io Ann", "b@x.io Bo", "a@x.io Ann")
	night(t, k, list, refusing())
	f := forecastOf(t, k, list)
	k.TTL = 0
	var called []string
	j := newJob(t, list, func(ctx context.Context, r *source.Customer, attempt int) session.Reply {
		called = append(called, r.Email+" "+r.FirstName)
		return refusing()(ctx, r, attempt)
	})
	j.adjust = func(c *Config) { c.Known, c.Answers, c.MaxInFlight = k, f.answers, 1 }
	_, err := j.run(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"a@x.io Ann", "b@x.io Bo", "a@x.io Ann"}, called)
}

func TestEveryRowThatIsKnownSaysWhenItsSessionIDWasObtained(t *testing.T) {
	k := knownBy(openLedger(t))
	list := people("a@x.io \"Ann\"", "b@x.io Bo", "c@x.io \"Cy\"", "d@x.io Di")
	_, before, _ := night(t, k, list, refusing())
	_, rows, calls := night(t, k, list, refusing())
	assert.Empty(t, calls)
	for i, row := range rows {
		assert.Equal(t, before[i][colProcessedAt], row[colProcessedAt])
	}
}
