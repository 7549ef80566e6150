package known

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"bulkonboard/batch/ledger"
)

func TestWhatTheServiceSaysOfASessionIDsLifeOverridesTheTimeThatIsSet(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	session := func(expires time.Duration) *ledger.Session {
		s := &ledger.Session{Sent: ledger.Sent{At: now.Add(-time.Hour)}, ID: "s"}
		if expires != 0 {
			s.Expires = now.Add(expires)
		}
		return s
	}
	for _, c := range []struct {
		ttl, expires time.Duration
		expired      bool
	}{
		{-1, 0, false}, {2 * time.Hour, 0, false}, {time.Minute, 0, true},
		{-1, -time.Second, true}, {2 * time.Hour, -time.Second, true}, {time.Minute, time.Second, false},
		{0, time.Hour, true},
	} {
		k := &Known{TTL: c.ttl}
		assert.Equal(t, c.expired, k.expired(session(c.expires), now), "%+v", c)
	}
}
