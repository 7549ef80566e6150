package ledger

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/disk"
)

func TestThePaceOfTheLastServiceOutlivesTheProcess(t *testing.T) {
	path := t.TempDir() + "/customers.db"
	open := func() *Ledger {
		l, err := Open(disk.OS{}, path, path+".key", Owner{})
		require.NoError(t, err)
		return l
	}
	l, now := open(), time.UnixMilli(1_700_000_000_000)
	perSecond, _ := l.Pace("a")
	assert.Zero(t, perSecond)
	require.NoError(t, l.PutPace("b", 10, now))
	require.NoError(t, l.PutPace("a", 47.5, now))
	require.NoError(t, l.Close())

	l = open()
	defer l.Close()
	perSecond, at := l.Pace("a")
	assert.InDelta(t, 47.5, perSecond, 0)
	assert.True(t, now.Equal(at))
	perSecond, _ = l.Pace("b")
	assert.Zero(t, perSecond, "another service's pace is none")
}

func FuzzAPaceIsReadAsItWasWrittenOrNotAtAll(f *testing.F) {
	f.Add(encodePace("a", 50, time.Now()))
	f.Add([]byte("pace"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if perSecond, at := parsePace(b, "a"); perSecond != 0 {
			assert.Equal(t, b, encodePace("a", perSecond, at))
		}
	})
}
