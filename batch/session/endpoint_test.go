package session

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestARequestIsTheOneOfATransport in all that the service sees of it.
func TestARequestIsTheOneOfATransport(t *testing.T) {
	s := scripted(t, func(string) (string, bool) { return plain("id"), false })
	client, err := New(Config{BaseURL: s.url + "/some%20path", AppID: "app", UserAgent: "agent", Timeout: 5 * time.Second})
	require.NoError(t, err)
	defer client.CloseIdle()
	require.Equal(t, OK, client.Call(t.Context(), &ann).Outcome)
	ours := s.request
	client.transport, client.pool = &http.Transport{}, nil
	require.Equal(t, OK, client.Call(t.Context(), &ann).Outcome)
	assert.Equal(t, s.request, ours)
	client.transport.(*http.Transport).CloseIdleConnections()
}
