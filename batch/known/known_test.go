package known

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/disk"
	"bulkonboard/batch/ledger"
	"bulkonboard/source"
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

func TestTheDigestOfACustomerIsMadeAsExistingLedgersHaveIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "customers.db")
	l, err := ledger.Open(disk.OS{}, path, path+".key", ledger.Owner{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	k, h := &Known{Ledger: l, Tenant: "tenant"}, l.Hasher(ledger.Owner{})
	rec := &source.Record{Customer: source.Customer{
		FormID: "form", Type: "type", Email: "e-mail", MobileNumber: "mobile", EmployeeID: "employee", ClientID: "client", SendEmail: "true",
		FirstName: "first", LastName: "last", FullName: "full", RegistrationNumber: "registration", TradingName: "trading",
	}}
	key, digest := k.hash(h, rec, []byte("customer"))
	assert.Equal(t, h.Customer("tenant", []byte("customer")), key)
	assert.Equal(t, h.Fields("type", "mobile", "employee", "client", "true", "first", "last", "full", "registration", "trading"), digest)
}
