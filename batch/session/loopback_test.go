package session

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPlainHTTPIsDialedOnThisMachineOnly(t *testing.T) {
	for _, here := range []string{"127.0.0.1:80", "127.8.9.10:80", "[::1]:80", "[::ffff:127.0.0.1]:80"} {
		assert.NoError(t, onlyThisMachine("tcp", here, nil), here)
	}
	for _, beyond := range []string{"0.0.0.0:80", "[::]:80", "10.0.0.1:80", "192.168.1.1:80", "[::ffff:10.0.0.1]:80", "[fe80::1%eth0]:80", "localhost:80", ""} {
		assert.True(t, isElsewhere(onlyThisMachine("tcp", beyond, nil)), beyond)
	}
}

// TestANameThatLeadsElsewhereIsToldNothing whatever has looked it up: here the
// name stands for the address that every interface of this machine listens at.
func TestANameThatLeadsElsewhereIsToldNothing(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was told something") }))
	defer server.Close()
	client := clientOf(t, server.URL)
	client.pool.dialer.service = strings.Replace(client.pool.dialer.service, "127.0.0.1", "0.0.0.0", 1)
	answer := client.Call(t.Context(), &ann)
	assert.Equal(t, NotTheAPI, answer.Outcome)
	assert.Equal(t, "not_this_machine", answer.Code)
	require.True(t, answer.WrongSetUp())
	assert.Contains(t, answer.Message, "leads to 0.0.0.0:")
}
