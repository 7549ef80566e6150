package session

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestATokenTellsWhetherTheServiceTakesTheCredentialsAndNamesNoCustomer(t *testing.T) {
	for name, test := range map[string]struct {
		secret, tenant string
		none           bool
		want           Outcome
	}{
		"right":            {secret: canary, tenant: "tenant", want: OK},
		"revoked":          {secret: "another", tenant: "tenant", want: CredentialsRefused},
		"another tenant":   {secret: canary, tenant: "another", want: TenantRefused},
		"no such endpoint": {secret: canary, tenant: "tenant", none: true, want: NotTheAPI},
	} {
		t.Run(name, func(t *testing.T) {
			v := &vendor{none: test.none}
			server := httptest.NewServer(v)
			defer server.Close()
			client, err := New(Config{BaseURL: server.URL, AppID: "app", AppSecret: Secret(test.secret), TenantID: test.tenant, MaxInFlight: 1, Timeout: time.Minute})
			require.NoError(t, err)
			defer client.CloseIdle()
			reply := client.AskToken(t.Context())
			assert.Equal(t, test.want, reply.Outcome)
			assert.Empty(t, reply.SessionID)
			assert.Zero(t, v.customers.Load())
		})
	}
}
