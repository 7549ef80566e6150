package batch

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/answers"
	"bulkonboard/batch/session"
	"bulkonboard/batch/state"
	"bulkonboard/source"
)

// outcomesOnly is a journal that is kept elsewhere: the outcomes by row.
type outcomesOnly map[int64][]byte

func (o outcomesOnly) Append(entries []state.Entry) error {
	for _, e := range entries {
		if e.Kind == state.Outcome {
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
	outcome, err := ParseOutcome(payload)
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
