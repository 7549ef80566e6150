package session

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var processed = envelopeOf(200, "Processed successfully", "ab98babe-b555-4b79-88bf-967f454df0c0")

func BenchmarkRequestBody(b *testing.B) {
	prefix := prefixOf("app", "secret", "tenant")
	dst := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		dst = bodyOf(&ann, dst[:0], prefix)
	}
}

func BenchmarkAnswer(b *testing.B) {
	for name, body := range map[string]string{
		"success":  processed,
		"refusal":  envelopeOf(400, "Invalid Customer Details", ""),
		"odd":      `{"statusCode":"200","messages":7,"result":[]}`,
		"no reply": "<html>502 Bad Gateway</html>",
	} {
		b.Run(name, func(b *testing.B) {
			rd, h := readers.New().(*reader), http.Header{}
			b.ReportAllocs()
			for b.Loop() {
				rd.body.Reset()
				rd.body.WriteString(body)
				r := rd.parse(200)
				_ = judge(&r, h, noon)
			}
		})
	}
}

func TestAnAnswerTakesFewAllocations(t *testing.T) {
	rd, h := readers.New().(*reader), http.Header{} // the race detector's pool loses some
	require.LessOrEqual(t, testing.AllocsPerRun(1000, func() {
		rd.body.Reset()
		rd.body.WriteString(processed)
		r := rd.parse(200)
		_ = judge(&r, h, noon)
	}), 2.0)
}

// atOnce answers every request with the same bytes, having read it.
type atOnce string

func (answer atOnce) RoundTrip(r *http.Request) (*http.Response, error) {
	_, err := io.Copy(io.Discard, r.Body)
	_ = r.Body.Close()
	return &http.Response{
		StatusCode: http.StatusOK, Request: r, ContentLength: int64(len(answer)),
		Header: http.Header{"Content-Type": {"application/json"}, "Date": {"Fri, 02 Jan 2026 12:00:00 GMT"}},
		Body:   io.NopCloser(strings.NewReader(string(answer))),
	}, err
}

// BenchmarkCall is a whole attempt, but for the connection.
func BenchmarkCall(b *testing.B) {
	c, err := New(Config{BaseURL: "https://auth.example.com", AppID: "app", AppSecret: "a secret", TenantID: "tenant", Timeout: time.Minute, MaxInFlight: 64, Transport: atOnce(processed)})
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if a := c.Call(b.Context(), &ann); a.Outcome != OK {
			b.Fatal(a)
		}
	}
}
