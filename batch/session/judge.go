package session

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// maxSessionID bounds a session id, in bytes: what is longer is something else,
// and would not fit where session ids are kept.
const maxSessionID = 4 << 10

// judge says what an answer means. HTTP status and statusCode can disagree: a
// gateway answers 502 with HTML, an HTTP 200 carries statusCode 400. The
// stricter of the two decides, in this order: credentials or tenant refused,
// throttled, the larger of the failing codes, success.
func judge(r reply, h http.Header, now time.Time) Answer {
	a := Answer{Status: r.status}
	a.RetryAfter, a.RetryAfterSet = retryAfter(h, now)
	if r.is(http.StatusForbidden) || r.is(http.StatusTooManyRequests) || namesQuota(h) {
		a.Limit = rateLimit(h, now)
	}
	a.Outcome, a.Code = r.meaning(a.RetryAfterSet || a.Limit.RemainingSet && a.Limit.Remaining == 0)
	// A framework has its envelope for addresses that it does not know, too.
	a.Recognised = r.json && a.Outcome != NotTheAPI
	if a.Outcome == OK {
		a.SessionID = r.sessionID
	}
	return a
}

// meaning is the answer table. throttling says that headers ask to wait.
func (r reply) meaning(throttling bool) (Outcome, string) {
	code := max(r.status, r.code)
	switch {
	case r.is(http.StatusTooManyRequests), r.is(http.StatusForbidden) && throttling:
		return Throttled, "rate_limited"
	case r.is(http.StatusUnauthorized), code >= 400 && says(r.messages, "invalid appid or appsecret"):
		return CredentialsRefused, "credentials_refused"
	case r.is(http.StatusForbidden):
		return TenantRefused, "tenant_refused"
	case code >= 500:
		return serverError(code)
	case code >= 400:
		return r.clientError(code)
	case r.status >= 300:
		return NotTheAPI, "redirect"
	case !r.json:
		return NotTheAPI, "not_json"
	case r.code != 0 && (r.code < 200 || r.code >= 300):
		return Failed, fmt.Sprintf("status_code_%d", r.code)
	case r.sessionID == "":
		return Failed, "no_session_id"
	case len(r.sessionID) > maxSessionID:
		return Failed, "session_id_too_long"
	}
	return OK, ""
}

func (r reply) is(code int) bool { return r.status == code || r.code == code }

func serverError(code int) (Outcome, string) {
	switch code {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return Unavailable, fmt.Sprintf("http_%d", code)
	}
	return Failed, fmt.Sprintf("http_%d", code)
}

// clientError is a 4xx that is neither about credentials nor about the rate.
func (r reply) clientError(code int) (Outcome, string) {
	switch code {
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return NotTheAPI, fmt.Sprintf("http_%d", code)
	case http.StatusRequestTimeout, http.StatusTooEarly:
		return Failed, fmt.Sprintf("http_%d", code)
	case http.StatusProxyAuthRequired:
		return NotTheAPI, "proxy_authentication_required"
	}
	for _, known := range knownRefusals {
		if says(r.messages, known.words) {
			return Rejected, known.code
		}
	}
	return Rejected, fmt.Sprintf("http_%d", code)
}

// knownRefusals are the 400 messages of the guide that are about the row.
// "Invalid customer type." and "Invalid Customer Type" differ in more than
// case: one names a type outside the enumeration, the other a mismatch.
var knownRefusals = []struct{ words, code string }{
	{"invalid customer details", "invalid_customer_details"},
	{"invalid customer type", "invalid_customer_type"},
	{"invalid request", "invalid_request"},
}

// says looks for words without regard to case and white space.
func says(messages, words string) bool {
	return strings.Contains(strings.ToLower(strings.Join(strings.Fields(messages), " ")), words)
}
