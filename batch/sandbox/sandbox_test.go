package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ann = `{"appId":"a","appSecret":"s","tenantId":"t","formId":"f","customerType":"Individual","customerEmail":"ann@example.com","individual":{"firstName":"Ann","lastName":"Lee"}}`

// change rewrites one part of a request.
func change(from, to string) string { return strings.Replace(ann, from, to, 1) }

func post(t *testing.T, s *Service, body string) (*httptest.ResponseRecorder, envelope) {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
	var e envelope
	if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &e))
		assert.Equal(t, w.Code, e.StatusCode, "HTTP status and envelope agree")
	}
	return w, e
}

func TestTheContractWordForWord(t *testing.T) {
	company := change(`"Individual","customerEmail":"ann@example.com","individual":{"firstName":"Ann","lastName":"Lee"}`,
		`"LegalEntity","customerEmail":"b@example.com","company":{"fullName":"B Ltd","registrationNumber":"1","tradingName":"B"}`)
	cases := []struct {
		name, body string
		status     int
		message    string
	}{
		{"an individual", ann, 200, "Processed successfully"},
		{"a company", company, 200, "Processed successfully"},
		{"null", "null", 400, "Invalid Request"},
		{"no JSON", "{", 400, "Invalid Request"},
		{"no app id", change(`"appId":"a"`, `"appId":""`), 400, "Invalid AppId or AppSecret"},
		{"no secret", change(`"appSecret":"s",`, ""), 400, "Invalid AppId or AppSecret"},
		{"another secret", change(`"s"`, `"x"`), 401, "Invalid credentials"},
		{"another tenant", change(`"t"`, `"x"`), 403, "Unauthorized tenant"},
		{"no e-mail", change(`"ann@example.com"`, `""`), 400, "Invalid request parameters"},
		{"unknown type", change(`"Individual"`, `"individual"`), 400, "Invalid customer type."},
		{"no details", change(`,"individual":{"firstName":"Ann","lastName":"Lee"}`, ""), 400, "Invalid Customer Details"},
		{"both details", change(`,"individual"`, `,"company":{},"individual"`), 400, "Invalid Customer Details"},
		{"no last name", change(`"Lee"`, `""`), 400, "Invalid Customer Details"},
		{"the other details", change(`"Individual"`, `"LegalEntity"`), 400, "Invalid Customer Type"},
		{"a refused customer", change("example.com", "refused.example"), 400, "Invalid Customer Details"},
		{"a poisonous customer", change("example.com", "poison.example"), 500, "Server error"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w, e := post(t, New(Options{AppID: "a", AppSecret: "s", TenantID: "t"}), c.body)
			assert.Equal(t, c.status, w.Code)
			assert.Equal(t, []string{c.message}, e.Messages)
			assert.Equal(t, c.status == 200, e.Result != nil)
		})
	}
}

func TestASessionIDFollowsFromEmailAndForm(t *testing.T) {
	assert.Equal(t, SessionID("f", "ann@example.com"), SessionID("f", " ANN@example.com "))
	assert.NotEqual(t, SessionID("f", "ann@example.com"), SessionID("g", "ann@example.com"))
	assert.NotEqual(t, SessionID("f", "kim@example.com"), SessionID("f", "\u212aim@example.com"), "the Kelvin sign is not a k")
	assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, SessionID("f", "x"))
	_, e := post(t, New(Options{}), ann)
	assert.Equal(t, SessionID("f", "ann@example.com"), e.Result.SessionID)
}

func TestQuotasAllowWhatTheySay(t *testing.T) {
	cases := []struct {
		quota    string
		at       []time.Duration
		allowed  string // + or - for each
		lastWait time.Duration
	}{
		{"2/s", []time.Duration{0, 0, 0, 500 * time.Millisecond, 500 * time.Millisecond}, "++-+-", 500 * time.Millisecond},
		{"2/s,bucket,burst=3", []time.Duration{0, 0, 0, 0}, "+++-", 500 * time.Millisecond},
		{"2/1s,window", []time.Duration{0, 900 * time.Millisecond, 999 * time.Millisecond, time.Second, time.Second, 1200 * time.Millisecond}, "++-++-", 800 * time.Millisecond},
		{"2/1s,sliding", []time.Duration{0, 500 * time.Millisecond, 900 * time.Millisecond, time.Second, 1100 * time.Millisecond}, "++-+-", 400 * time.Millisecond},
		{"1/1s,sliding,rejects-count", []time.Duration{0, 900 * time.Millisecond, 1800 * time.Millisecond}, "+--", 100 * time.Millisecond},
	}
	for _, c := range cases {
		t.Run(c.quota, func(t *testing.T) {
			q, err := ParseQuota(c.quota)
			require.NoError(t, err)
			m := meter{quota: q}
			start := time.Unix(1e9, 0)
			var got strings.Builder
			var wait time.Duration
			for _, at := range c.at {
				var ok bool
				if wait, ok = m.take(start.Add(at)); ok {
					got.WriteByte('+')
				} else {
					got.WriteByte('-')
				}
			}
			assert.Equal(t, c.allowed, got.String())
			assert.Equal(t, c.lastWait, wait.Round(time.Millisecond))
		})
	}
}

func TestA429SaysWhenToComeBack(t *testing.T) {
	for form, want := range map[string]string{"seconds": `^1$`, "date": `GMT$`} {
		q, err := ParseQuota("1/s,retry-after=" + form)
		require.NoError(t, err)
		s := New(Options{Quota: q})
		post(t, s, ann)
		w, e := post(t, s, ann)
		assert.Equal(t, 429, w.Code)
		assert.Equal(t, []string{"Too many requests"}, e.Messages)
		assert.Regexp(t, want, w.Header().Get("Retry-After"))
	}
}

func TestTheStatisticsAddUp(t *testing.T) {
	s := New(Options{ErrorShare: 0.2, Seed: 3})
	for range 50 {
		post(t, s, ann)
		post(t, s, change("ann@", "bob@"))
		post(t, s, "null")
	}
	st := s.Stats()
	assert.EqualValues(t, 150, st.Calls)
	assert.Equal(t, st.Calls, st.OK+st.Rejected+st.Errors+st.Throttled+st.Resets+st.Truncated+st.Outage)
	assert.EqualValues(t, 2, st.Customers)
	assert.Equal(t, st.Processed-st.Customers, st.RepeatedCalls)
	assert.InDelta(t, 30, st.Errors, 15)
	assert.Zero(t, st.InFlight)
}

func TestFaultsHaveTheSharesThatWereAskedFor(t *testing.T) {
	o := Options{ErrorShare: 0.1, ResetShare: 0.2, TruncateShare: 0.3}
	r := rand.New(rand.NewPCG(1, 1))
	var n [5]int
	for range 10000 {
		n[o.draw(r)]++
	}
	for fault, want := range [5]int{4000, 1000, 1000, 1000, 3000} {
		assert.InDelta(t, want, n[fault], 200)
	}
}

// overTheWire sends a request through a real connection.
func overTheWire(t *testing.T, url string) (int, error) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+path, strings.NewReader(ann))
	require.NoError(t, err)
	answer, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.ReadAll(answer.Body)
	return answer.StatusCode, err
}

func TestBrokenAnswersAreBrokenOnTheWire(t *testing.T) {
	for name, o := range map[string]Options{
		"resets":       {ResetShare: 1},
		"truncated":    {TruncateShare: 1},
		"reset outage": {Outages: []Outage{{To: time.Hour, Kind: Reset}}},
	} {
		server := httptest.NewServer(New(o))
		_, err := overTheWire(t, server.URL)
		assert.Error(t, err, name)
		server.Close()
	}
	for kind, want := range map[OutageKind]int{Unavailable: 503, HTML: 502} {
		server := httptest.NewServer(New(Options{Outages: []Outage{{To: time.Hour, Kind: kind}}}))
		got, err := overTheWire(t, server.URL)
		assert.NoError(t, err)
		assert.Equal(t, want, got)
		server.Close()
	}
}

func TestAfterARefusedOutageItListensAtTheSameAddress(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := New(Options{Outages: []Outage{{From: 20 * time.Millisecond, To: 300 * time.Millisecond, Kind: Refused}}})
	served := make(chan error)
	go func() { served <- s.Serve(ln) }()
	url := "http://" + ln.Addr().String()
	status, err := overTheWire(t, url)
	require.NoError(t, err)
	assert.Equal(t, 200, status)
	require.Eventually(t, func() bool { _, err := overTheWire(t, url); return err != nil }, 5*time.Second, time.Millisecond)
	require.Eventually(t, func() bool { _, err := overTheWire(t, url); return err == nil }, 5*time.Second, time.Millisecond)
	require.NoError(t, s.Close())
	require.NoError(t, <-served)
}

func FuzzQuotaAndOutageTexts(f *testing.F) {
	for _, seed := range []string{"200/s", "3000/60s,window", "1/1h,sliding,rejects-count", "5/s,burst=0", "NaN/s", "10s-70s:503", "-1s-2s:hang", "::"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if q, err := ParseQuota(s); err == nil {
			assert.Greater(t, q.Limit, 0.0)
			assert.Greater(t, q.Window, time.Duration(0))
			m := meter{quota: q}
			m.take(time.Unix(0, 0))
		}
		if o, err := ParseOutage(s); err == nil {
			again, err := ParseOutage(fmt.Sprintf("%s-%s:%s", o.From, o.To, o.Kind))
			require.NoError(t, err)
			assert.Equal(t, o, again)
		}
	})
}
