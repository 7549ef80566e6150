package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"bulkonboard/batch/sandbox"
	"bulkonboard/cmd/internal/cli"
)

// disguises are ways in which services and gateways repeat what they were sent.
var disguises = []func(secret string) string{
	func(s string) string { return each(s, `\u%04X`) },
	func(s string) string { return strings.ReplaceAll(s, "/", `\/`) },
	html.EscapeString,
	func(s string) string { return strings.ToLower(url.QueryEscape(s)) },
	func(s string) string { return base64.StdEncoding.EncodeToString([]byte(`{"appSecret":"` + s + `"}`)) },
	func(s string) string { return hex.EncodeToString([]byte(s)) },
	strings.ToUpper,
	func(s string) string { return s[:len(s)/2] },
	func(s string) string { return s[:5] + " " + s[5:10] + "\t" + s[10:] },
}

func each(s, form string) string {
	var b strings.Builder
	for _, r := range s {
		fmt.Fprintf(&b, form, r)
	}
	return b.String()
}

// echo answers with the secret that it was sent, in a disguise and at a place of
// an answer that the row's number says.
func echo(w http.ResponseWriter, r *http.Request) {
	var body struct{ AppSecret, CustomerEmail string }
	_ = json.NewDecoder(r.Body).Decode(&body)
	var row int
	_, _ = fmt.Sscanf(body.CustomerEmail, "c%d@", &row)
	text := disguises[row%len(disguises)](body.AppSecret)
	quoted, _ := json.Marshal(text)
	switch row / len(disguises) % 5 {
	case 0:
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"statusCode":400,"messages":["Invalid Customer Details",%s],"result":null}`, quoted)
	case 1:
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprintf(w, `{"title":"refused","detail":%s}`, quoted)
	case 2:
		fmt.Fprintf(w, `{"statusCode":200,"messages":[],"result":{"sessionId":%s}}`, quoted)
	case 3:
		w.Header().Set("Retry-After", strings.Map(func(r rune) rune {
			if r < ' ' {
				return ' '
			}
			return r
		}, text))
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, `{"statusCode":500,"messages":[%s],"result":null}`, quoted)
	default:
		fmt.Fprintf(w, `{"statusCode":200,"messages":[%s],"result":{"sessionId":"session-%d"}}`, quoted, row)
	}
}

// TestNoDisguiseOfTheSecretComesOutOfARun into a file, the log, the summary, the
// report or the terminal, whatever the secret is made of.
func TestNoDisguiseOfTheSecretComesOutOfARun(t *testing.T) {
	for kind, secret := range map[string]string{"base64": "q7Zk+3Lr/9vTw0XyB2mN5cHd8eFg1aJs=", "any characters": `k9&x<Qz>7"v'Lm/2<w>R"t'0p`} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel() // it mostly waits
			hidesSecret(t, secret)
		})
	}
}

func hidesSecret(t *testing.T, secret string) {
	p := newProgram(t, 5*len(disguises), sandbox.Options{})
	server := httptest.NewServer(http.HandlerFunc(echo))
	t.Cleanup(server.Close)
	p.env = append(p.env, "BULKONBOARD_APP_SECRET="+secret, "BULKONBOARD_BASE_URL="+server.URL)
	said := ""
	for _, args := range [][]string{
		{"run", "-i", p.file("list.csv"), "-o", p.file("out.csv"), "--rejects", p.file("rejects.csv"), "--log-file", p.file("log"), "--log-level", "debug",
			"--metrics-file", p.file("x.prom"), "--ledger", p.file("db"), "--max-attempts", "2", "--max-backoff", "1ms", "--max-failures", "100%", "--rate", "0"},
		{"status", p.file("out.csv")}, {"verify", p.file("out.csv")}, {"report", p.file("out.csv"), "-o", p.file("report.html"), "--with-rows"},
		{"run", "-i", p.file("list.csv"), "-o", p.file("again.csv"), "--log-format", "json", "--log-level", "debug", "--max-attempts", "1", "--max-failures", "100%", "--rate", "0"},
	} {
		var stdout strings.Builder
		c, stderr := p.commandTo(&stdout, args...)
		code := p.end(c)
		said += stdout.String() + stderr.String()
		if args[0] == "run" {
			require.Equal(t, cli.ExitBadRows, code, stderr.String())
		}
	}
	files := p.everyFile()
	files["the terminal"] = said
	require.Greater(t, len(files), 8)
	for name, text := range files {
		text = strings.ToLower(text)
		for i, disguise := range append(disguises, func(s string) string { return s }) {
			for shown := strings.ToLower(disguise(secret)); len(shown) >= 10; shown = shown[1:] {
				require.NotContains(t, text, shown[:10], "%s, disguise %d", name, i)
			}
		}
	}
}
