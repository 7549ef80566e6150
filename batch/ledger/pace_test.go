package ledger

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestThePaceOfTheLastServiceOutlivesTheProcess(t *testing.T) {
	path := t.TempDir() + "/customers.db"
	open := func() *Ledger {
		l, err := Open(path, path+".key")
		require.NoError(t, err)
		return l
	}
	l, now := open(), time.UnixMilli(1_700_000_000_000)
	perSecond, _, err := l.Pace("a")
	require.NoError(t, err)
	assert.Zero(t, perSecond)
	require.NoError(t, l.PutPace("b", 10, now))
	require.NoError(t, l.PutPace("a", 47.5, now))
	require.NoError(t, l.Close())

	l = open()
	defer l.Close()
	perSecond, at, err := l.Pace("a")
	require.NoError(t, err)
	assert.InDelta(t, 47.5, perSecond, 0)
	assert.True(t, now.Equal(at))
	perSecond, _, err = l.Pace("b")
	require.NoError(t, err)
	assert.Zero(t, perSecond, "another service's pace is none")
}

func TestADamagedPaceIsNone(t *testing.T) {
	whole := encodePace("a", 50, time.Now())
	for bit := range 8 * len(whole) {
		b := append([]byte(nil), whole...)
		b[bit/8] ^= 1 << (bit % 8)
		perSecond, _ := parsePace(b, "a")
		assert.Zero(t, perSecond, bit)
	}
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
