package sandbox

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func askToken(s *Service, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, appPath, strings.NewReader(body)))
	return w
}

func TestATokenIsForThoseWhoMayCallAndCountsAsNoCustomer(t *testing.T) {
	s := New(Options{AppID: "a", AppSecret: "s", TenantID: "t"})
	for _, c := range []struct {
		body   string
		status int
		has    string
	}{
		{`{"appId":"a","appSecret":"s","tenantId":"t"}`, 200, `"token":"ey`},
		{`{"appId":"a","appSecret":"x","tenantId":"t"}`, 401, "Invalid credentials"},
		{`{"appId":"a","appSecret":"s","tenantId":"x"}`, 403, "Unauthorized tenant"},
		{`{"appId":"","appSecret":"","tenantId":""}`, 400, "Invalid AppId or AppSecret"},
		{`null`, 400, "Invalid Request"},
	} {
		w := askToken(s, c.body)
		assert.Equal(t, c.status, w.Code, c.body)
		assert.Contains(t, w.Body.String(), c.has)
		assert.NotContains(t, w.Body.String(), "sessionId")
	}
	assert.Equal(t, Stats{Tokens: 5}, s.Stats())
}

func TestTheEndpointForTokensCanBeLeftOutOrFail(t *testing.T) {
	const body = `{"appId":"a","appSecret":"s","tenantId":"t"}`
	assert.Equal(t, 404, askToken(New(Options{Token: NoToken}), body).Code)
	assert.Equal(t, 200, askToken(New(Options{ErrorShare: 1}), body).Code, "faults are for customers")
	failing := New(Options{Token: FaultyToken, ErrorShare: 1})
	assert.Equal(t, 500, askToken(failing, body).Code)
	assert.Zero(t, failing.Stats().Calls)
	down := New(Options{Token: FaultyToken, Outages: []Outage{{From: 0, To: time.Minute, Kind: Unavailable}}})
	assert.Equal(t, 503, askToken(down, body).Code)
	_, err := ParseTokenMode("sometimes")
	require.ErrorContains(t, err, "it takes none")
}

func TestTheClockOfTheServiceCanBeWrong(t *testing.T) {
	w := askToken(New(Options{ClockOff: -time.Hour}), "null")
	date, err := http.ParseTime(w.Header().Get("Date"))
	require.NoError(t, err)
	assert.WithinDuration(t, time.Now().Add(-time.Hour), date, 10*time.Second)
}
