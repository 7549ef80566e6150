package batch

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"bulkonboard/batch/pace"
	"bulkonboard/batch/session"
)

func TestEachOutcomeOfACallMeansSomethingForPaceRowAndRun(t *testing.T) {
	assert.Len(t, meanings, len(session.Outcomes()))
	for outcome, m := range meanings {
		name := session.Outcome(outcome).String()
		assert.NotEmpty(t, m.status, name)
		assert.Equal(t, m.status.Good(), session.Outcome(outcome) == session.OK, name)
		assert.Equal(t, session.Outcome(outcome).Processed(), m.class == pace.Accepted, name)
		assert.Equal(t, m.next == finish, m.class == pace.Accepted, "%s: a call that was processed is not made again", name)
		assert.NotEqual(t, stopRun, m.next, "%s: once the service has replied as it should, one row does not end the run", name)
	}
}
