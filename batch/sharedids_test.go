package batch

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/answers"
	"bulkonboard/batch/session"
	"bulkonboard/sink"
	"bulkonboard/source"
)

func TestASessionIDOfTwoCustomersIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		j := newJob(t, csvList(100), func(_ context.Context, r *source.Customer, _ int) session.Reply {
			a := okFor(r)
			if r.Email == "c30@example.com" || r.Email == "c31@example.com" {
				a.SessionID = "session-of-c29@example.com"
			}
			return a
		})
		j.adjust = func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) }
		sum, err := j.run(t.Context())
		require.NoError(t, err)
		require.NotNil(t, sum.SharedIDs)
		assert.Equal(t, sink.SharedIDs{Count: 2, Row: 30, Of: 29}, *sum.SharedIDs)
		assert.Contains(t, log.String(), "row=30 other_row=29")
	})
}

func TestASessionIDOfOneCustomerMayComeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list, _ := repeated(50, 20)
		j := newJob(t, list, func(_ context.Context, r *source.Customer, _ int) session.Reply {
			a := okFor(r)
			a.SessionID = "session-of-" + r.Email[1:] // the other rows have a capital C
			return a
		})
		sum, err := j.run(t.Context())
		require.NoError(t, err)
		assert.Nil(t, sum.SharedIDs)
	})
}

// answering gives some customers the session id of another.
func answering(as map[string]string) callerFunc {
	return func(_ context.Context, r *source.Customer, _ int) session.Reply {
		a := okFor(r)
		if id := as[r.Email]; id != "" {
			a.SessionID = id
		}
		return a
	}
}

func TestASessionIDOfACustomerOfTheLedgerIsNoticed(t *testing.T) {
	idOf := func(email string) string { return okFor(&source.Customer{Email: email}).SessionID }
	for name, c := range map[string]struct {
		rows []string // of the second night
		as   map[string]string
		want *sink.SharedIDs
	}{
		"of a row that is known":            {[]string{"a@x.io Ann", "new@x.io New"}, map[string]string{"new@x.io": idOf("a@x.io")}, &sink.SharedIDs{Count: 1, Row: 2, Of: 1}},
		"of a row that is known, and later": {[]string{"new@x.io New", "a@x.io Ann"}, map[string]string{"new@x.io": idOf("a@x.io")}, &sink.SharedIDs{Count: 1, Row: 2, Of: 1}},
		"of one that is not in the list":    {[]string{"b@x.io Ben", "new@x.io New"}, map[string]string{"new@x.io": idOf("a@x.io")}, &sink.SharedIDs{Count: 1, Row: 2}},
		"its own, from another night":       {[]string{"a@x.io Changed", "new@x.io New"}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			k := knownBy(openLedger(t))
			night(t, k, people("a@x.io Ann", "b@x.io Ben"), answering(nil))
			list := people(c.rows...)
			f := forecastOf(t, k, list)
			j := newJob(t, list, answering(c.as))
			j.adjust = func(c *Config) { c.Known, c.Answers = k, f.answers }
			sum, err := j.run(t.Context())
			require.NoError(t, err)
			assert.Equal(t, c.want, sum.SharedIDs)
		})
	}
}

func TestASessionIDOfARowThatIsKeptIsNoticed(t *testing.T) {
	j := newJob(t, people("a@x.io Ann", "b@x.io Ben", "new@x.io New"), answering(map[string]string{"new@x.io": "kept-1"}))
	j.adjust = func(c *Config) {
		c.Answers = answers.Chain{answers.Kept(func(rec *source.Record) (sink.Result, bool) {
			return sink.Result{Status: sink.OK, SessionID: fmt.Sprint("kept-", rec.Row)}, rec.Row < 3
		})}
	}
	sum, err := j.run(t.Context())
	require.NoError(t, err)
	assert.Equal(t, &sink.SharedIDs{Count: 1, Row: 3, Of: 1}, sum.SharedIDs)
}

func TestASessionIDIsRememberedOverTenThousandRows(t *testing.T) {
	s := newSharedIDs("form", nil)
	see := func(row int64, id string) (int64, bool) {
		return s.look(&slot{rec: recordOf(row), customer: fmt.Sprint("c", row)}, &sink.Result{Status: sink.OK, SessionID: id})
	}
	for row := range int64(10_000) {
		_, shared := see(row+1, fmt.Sprint("s-", row+1))
		require.False(t, shared)
	}
	missed := 0
	for row := range int64(10_000) {
		if _, shared := see(20_000+row, fmt.Sprint("s-", row+1)); !shared {
			missed++
		}
	}
	assert.Less(t, missed, 100)
}
func recordOf(row int64) *source.Record { return &source.Record{Row: row} }
