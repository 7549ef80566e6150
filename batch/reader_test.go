package batch

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/answers"
	"bulkonboard/batch/customers"
	"bulkonboard/batch/preflight"
	"bulkonboard/batch/session"
	"bulkonboard/batch/state"
	"bulkonboard/sink"
	"bulkonboard/source"
)

func TestAListThatGrewGoesOnAndOneThatChangedDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJob(t, csvList(100), func(_ context.Context, r *source.Customer, _ int) session.Reply {
			time.Sleep(10 * time.Millisecond)
			return okFor(r)
		})
		ctx, cancel := context.WithTimeoutCause(t.Context(), 55*time.Millisecond, ErrInterrupted)
		defer cancel()
		_, err := j.run(ctx)
		require.ErrorIs(t, err, ErrInterrupted)

		before := j.list
		j.list = strings.Replace(before, "First3,", "Fury3,", 1)
		_, err = j.run(t.Context())
		var changed *source.ChangedError
		require.ErrorAs(t, err, &changed)

		j.list = before
		j.adjust = func(c *Config) { c.Binding = Binding{{Name: "endpoint", Value: "another"}} }
		_, err = j.run(t.Context())
		var other *ChangedError
		require.ErrorAs(t, err, &other)

		j.adjust = func(*Config) {}
		j.list = csvList(120)
		_, err = j.run(t.Context())
		require.NoError(t, err)
		j.requireEachItsOwn(120)
	})
}

func TestARowThatChangedSinceItsAnswerCameIsNotGivenIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJob(t, csvList(20), func(ctx context.Context, r *source.Customer, _ int) session.Reply {
			if r.Email == "c1@example.com" {
				<-ctx.Done() // nothing is written, and all others are in the journal
				return session.Reply{Outcome: session.Cancelled}
			}
			return okFor(r)
		})
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, ErrInterrupted)
		defer cancel()
		_, err := j.run(ctx)
		require.ErrorIs(t, err, ErrInterrupted)
		j.list = strings.Replace(j.list, "c9@example.com", "other@example.com", 1)
		j.service = newFakeService(func(_ context.Context, r *source.Customer, _ int) session.Reply { return okFor(r) })
		_, err = j.run(t.Context())
		var changed *source.ChangedError
		require.ErrorAs(t, err, &changed)
		assert.Contains(t, err.Error(), "row 9 is not the row that was there before")
	})
}

// outcomesOnly is a journal that is kept elsewhere: the outcomes by row.
type outcomesOnly map[int64][]byte

func (o outcomesOnly) Append(entries []state.Entry) error {
	for _, e := range entries {
		if e.Kind == state.Result {
			o[e.Row] = append([]byte(nil), e.Payload...)
		}
	}
	return nil
}

func (outcomesOnly) Sync() error { return nil }

func (o outcomesOnly) Answer(rec *source.Record) (answers.Answer, error) {
	payload, known := o[rec.Row]
	if !known {
		return answers.Answer{}, nil
	}
	outcome, err := ParseJournalResult(payload)
	return answers.Answer{Result: &outcome.Result, Print: outcome.Print, Past: true}, err
}

func okAlways(_ context.Context, r *source.Customer, _ int) session.Reply { return okFor(r) }

func TestAnswersFromElsewhereMakeTheSameResultsWithoutACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		elsewhere := outcomesOnly{}
		first := newJob(t, csvList(300), okAlways)
		first.adjust = func(c *Config) { c.Journal = elsewhere }
		_, err := first.run(t.Context())
		require.NoError(t, err)
		require.Len(t, elsewhere, 300)

		again := newJob(t, csvList(300), okAlways)
		again.adjust = func(c *Config) { c.Answers = answers.Chain{elsewhere} }
		summary, err := again.run(t.Context())
		require.NoError(t, err)
		again.requireEachItsOwn(300)
		assert.Empty(t, again.service.calls)
		assert.EqualValues(t, 300, summary.Attempts, "those that were made")
	})
}

func TestAnAnswerFromElsewhereIsNotGivenToAnotherRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		elsewhere := outcomesOnly{}
		first := newJob(t, csvList(3), okAlways)
		first.adjust = func(c *Config) { c.Journal = elsewhere }
		_, err := first.run(t.Context())
		require.NoError(t, err)

		elsewhere[2], elsewhere[3] = elsewhere[3], elsewhere[2]
		again := newJob(t, csvList(3), okAlways)
		again.adjust = func(c *Config) { c.Answers = answers.Chain{elsewhere} }
		_, err = again.run(t.Context())
		var changed *source.ChangedError
		require.ErrorAs(t, err, &changed)
	})
}

func TestARowThatIsKeptAnswersTheRowsAboveItThatFailed(t *testing.T) {
	var b strings.Builder
	b.WriteString("customerType,customerEmail,firstName,lastName\n")
	for _, email := range []string{"a", "b", "c", "a", "A", "b", "c"} {
		b.WriteString("Individual," + email + "@example.com,First,Last\n")
	}
	kept := map[int64]sink.Result{ // rows 1, 2, 3 and 6 failed before
		4: {Status: sink.OK, SessionID: "session-of-a@example.com"},
		5: {Status: sink.Duplicate, SessionID: "session-of-a@example.com"},
		7: {Status: sink.Rejected},
	}
	keep := func(rec *source.Record) (sink.Result, bool) {
		res, ok := kept[rec.Row]
		return res, ok
	}
	open := func() *source.List {
		list, err := source.Open(strings.NewReader(b.String()), source.Options{Name: "list"})
		require.NoError(t, err)
		return list
	}
	f, _, err := (&preflight.Preflight{List: open(), FormID: "form", Keep: keep, Scratch: &memory{}}).Run(t.Context())
	require.NoError(t, err)
	above, err := customers.ReadKept(t.Context(), open(), keep, f.Duplicates, "form")
	require.NoError(t, err)
	assert.EqualValues(t, 1, above.Leads())

	j := newJob(t, b.String(), func(_ context.Context, r *source.Customer, _ int) session.Reply { return okFor(r) })
	j.adjust = func(c *Config) { c.Duplicates, c.Answers = f.Duplicates, answers.Chain{answers.Kept(keep), above} }
	_, err = j.run(t.Context())
	require.NoError(t, err)
	rows := j.rows()
	assert.Equal(t, "duplicate", rows[0][4])
	assert.Equal(t, "session-of-a@example.com", rows[0][5])
	assert.Equal(t, "the same customer as row 4", rows[0][7])
	assert.Equal(t, []string{"ok", "ok", "ok", "duplicate", "duplicate", "rejected"}, statuses(rows[1:]))
	assert.Equal(t, map[string]int{string(source.AppendCustomerKey(nil, "form", "b@example.com")): 1, string(source.AppendCustomerKey(nil, "form", "c@example.com")): 1}, j.service.calls)
}
