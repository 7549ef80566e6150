package pace

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/blame"
)

// tries is after how many failures a row has used up eight attempts, while
// others succeed.
func (c *client) tries(t *testing.T, class Class) int {
	t.Helper()
	bad, n := &blame.Row{}, 0
	for ; !bad.Used(8); n++ {
		require.Less(t, n, 100)
		c.attempt(t, Signal{Class: class}, bad)
		c.attempts(t, 1, Signal{})
	}
	return n
}

func TestARowThatFailsWhileOthersSucceedUsesUpItsAttempts(t *testing.T) {
	for _, class := range []Class{Fault, Down, Throttled} {
		c := newClient(Config{MaxInFlight: 8})
		c.attempts(t, 1, Signal{})
		assert.Equal(t, 8, c.tries(t, class), "class %d", class)
		assert.False(t, c.Blocked())
	}
}

func TestFailuresCountLessWhereTheServiceFailsOthersToo(t *testing.T) {
	c := newClient(Config{MaxInFlight: 8})
	for i := range 500 {
		b := &blame.Row{}
		if i%2 == 0 {
			c.attempt(t, Signal{Class: Fault}, b)
		}
		c.attempt(t, Signal{}, b)
		c.now = c.now.Add(time.Millisecond)
	}
	assert.Greater(t, c.tries(t, Fault), 16)
}

func TestRowsThatAlwaysFailDoNotExcuseEachOther(t *testing.T) {
	c := newClient(Config{MaxInFlight: 8})
	for range 100 {
		bad := &blame.Row{}
		for !bad.Used(8) {
			c.attempt(t, Signal{Class: Fault}, bad)
			c.attempts(t, 1, Signal{})
		}
	}
	assert.LessOrEqual(t, c.tries(t, Fault), 9)
}

func TestNoRowIsChargedForAnOutage(t *testing.T) {
	for _, class := range []Class{Fault, Down, Unreachable, Throttled} {
		c := newClient(Config{MaxInFlight: 100})
		c.attempts(t, 1, Signal{})
		late := c.Sent(c.now)
		rows := c.down(t, class)
		for range 20 {
			rows = append(rows, c.attempts(t, 1, Signal{Class: class})...)
		}
		b := &blame.Row{}
		c.Answered(c.now, late, Signal{Class: Fault}, b)
		rows = append(rows, b)
		rows = append(rows, c.attempts(t, 1, Signal{Class: class})...)
		for _, b := range rows {
			assert.Zero(t, b.Charged(), "class %d", class)
			assert.False(t, b.Used(1), "class %d", class)
		}
	}
}
