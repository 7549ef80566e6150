package batch

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/customers"
	"bulkonboard/batch/known"
	"bulkonboard/batch/ledger"
	"bulkonboard/batch/session"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// roundTrip is a transport that is a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestNoFieldOfACustomerIsForgottenWhereFieldsMatter(t *testing.T) {
	told := &toldLedger{Ledger: openLedger(t)}
	fields := reflect.TypeFor[source.Customer]()
	for i := range fields.NumField() {
		field := fields.Field(i)
		t.Run(field.Name, func(t *testing.T) {
			was := source.Customer{Type: "Individual"}
			if field.Name == "FullName" || field.Name == "RegistrationNumber" || field.Name == "TradingName" {
				was.Type = "LegalEntity"
			}
			is := was
			value := map[string]string{"Type": "LegalEntity", "SendEmail": "true"}[field.Name]
			if value == "" {
				value = "some-value-" + strings.ToLower(field.Name)
			}
			reflect.ValueOf(&is).Elem().Field(i).SetString(value)

			assert.NotEqual(t, bodyOf(t, was), bodyOf(t, is), "in the request")
			key, digest := told.of(t, was)
			otherKey, otherDigest := told.of(t, is)
			assert.NotEqual(t, []any{key, digest}, []any{otherKey, otherDigest}, "in what the ledger knows")
			refused := sink.Result{Status: sink.Rejected, Attempts: 1}
			a, ok := customers.ResultOf(&source.Record{Customer: was}, "c", &refused)
			require.True(t, ok)
			assert.Nil(t, a.Refusal(&source.Record{Customer: is}), "in the fields that were refused")
			if public := map[string]bool{"FormID": true, "Type": true, "SendEmail": true}; !public[field.Name] {
				assert.NotContains(t, replyTo(t, is, value+" is wrong").Message, value, "in messages")
			}
		})
	}
}

// toldLedger has what the ledger was told last.
type toldLedger struct {
	known.Ledger
	news ledger.News
}

func (l *toldLedger) Put(n *ledger.News) error {
	l.news = *n
	return nil
}

// of is what a ledger keeps of a customer that has a session id.
func (l *toldLedger) of(t *testing.T, c source.Customer) (ledger.Key, ledger.Digest) {
	records := known.NewRecords(knownBy(l), "run", time.Time{})
	records.Take(&source.Record{Customer: c}, &sink.Result{Status: sink.OK, SessionID: "s"}, nil)
	_, err := records.Put(0)
	require.NoError(t, err)
	return l.news.Changes[0].Key, l.news.Changes[0].Entry.Session.Digest
}

// bodyOf is the body of the request for a customer.
func bodyOf(t *testing.T, c source.Customer) (body string) {
	_ = call(t, c, func(r *http.Request) string {
		b, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		body = string(b)
		return ""
	})
	return body
}

func replyTo(t *testing.T, c source.Customer, message string) session.Reply {
	return call(t, c, func(*http.Request) string { return message })
}

func call(t *testing.T, c source.Customer, service func(*http.Request) string) session.Reply {
	client, err := session.New(session.Config{
		BaseURL: "https://service.example", AppID: "app", AppSecret: session.Secret("a-secret-of-some-length"), TenantID: "tenant", MaxInFlight: 1, Timeout: time.Minute,
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			body := `{"statusCode":400,"messages":["` + service(r) + `"]}`
			return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader([]byte(body))), Request: r}, nil
		}),
	})
	require.NoError(t, err)
	return client.Call(context.Background(), &c)
}
