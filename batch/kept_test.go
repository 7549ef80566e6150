package batch

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/answers"
	"bulkonboard/batch/customers"
	"bulkonboard/batch/preflight"
	"bulkonboard/batch/session"
	"bulkonboard/sink"
	"bulkonboard/source"
)

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
	assert.Equal(t, []string{"ok", "ok", "ok", "duplicate", "duplicate", "rejected"}, statusesOf(rows[1:]))
	assert.Equal(t, map[string]int{string(source.AppendCustomerKey(nil, "form", "b@example.com")): 1, string(source.AppendCustomerKey(nil, "form", "c@example.com")): 1}, j.service.calls)
}

func statusesOf(rows [][]string) (statuses []string) {
	for _, row := range rows {
		statuses = append(statuses, row[4])
	}
	return statuses
}
