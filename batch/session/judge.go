package session

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// judge says what a reply means. HTTP status and statusCode can disagree: a
// gateway answers 502 with HTML, an HTTP 200 carries statusCode 400. The
// stricter of the two decides, in this order: throttled, credentials or tenant
// refused, the larger of the failing codes, success.
func judge(r *envelope, h http.Header, now time.Time) Reply {
	a := Reply{Status: r.status}
	a.RetryAfter, a.OddRetryAfter = retryAfter(h, now)
	a.RetryAfterSet = a.RetryAfter > 0
	if !r.succeeded() || namesQuota(h) {
		a.Limit = rateLimit(h, now)
	}
	asksToWait := a.RetryAfterSet || a.OddRetryAfter != "" || a.Limit.RemainingSet && a.Limit.Remaining == 0
	a.Outcome, a.Code = r.meaning(asksToWait)
	// A framework has its envelope for addresses that it does not know, too. A
	// body of RFC 9457 may be the API's as well as a gateway's, and says nothing.
	a.Recognised = r.json && a.Outcome != NotTheAPI
	if a.Outcome == OK {
		a.SessionID, a.Expires = r.sessionID, r.expires
	}
	return a
}

// meaning is what a reply is recognized by. asksToWait says that headers ask to wait.
func (r *envelope) meaning(asksToWait bool) (Outcome, string) {
	code := r.failing()
	switch {
	case r.succeeded():
		return OK, ""
	case r.throttled(asksToWait):
		return Throttled, "rate_limited"
	case r.is(http.StatusUnauthorized), says(r.words, "invalidappidorappsecret"):
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
	case r.hasCode && !isSuccess(r.code):
		return Failed, fmt.Sprintf("status_code_%d", r.code)
	case r.malformed != "":
		return Failed, "session_id_malformed"
	}
	return Failed, "no_session_id"
}

// failing is the larger of the codes that say that a call failed.
func (r *envelope) failing() int {
	if r.code < 600 {
		return max(r.status, r.code)
	}
	return r.status // a number of the service's own
}

func (r *envelope) is(code int) bool { return r.status == code || r.code == code }

// statusOverloaded is what some services say in place of 429 (or of 503).
const statusOverloaded = 529

// throttled reports a reply that is about the rate and not about the row.
// The words are believed where nothing else explains the failure. A reply
// about the row itself may speak of a limit, too, such as the customer's own:
// there the words have to name requests or their rate.
func (r *envelope) throttled(asksToWait bool) bool {
	switch {
	case r.is(http.StatusTooManyRequests), r.is(statusOverloaded):
		return true
	case r.is(http.StatusForbidden), r.is(http.StatusServiceUnavailable):
		return asksToWait || speaksOf(limitForms, r.words)
	}
	if code := r.failing(); 400 <= code && code < 500 {
		return speaksOf(requestForms, r.words)
	}
	return speaksOf(limitForms, r.words)
}

// The ways in which services say that there were too many calls, as words or as
// an identifier: "rate limit exceeded", "RATE_LIMIT_EXCEEDED", "SlowDown".
var (
	aboutRequests = []string{
		`too[\s_-]*many[\s_-]*(requests|calls)`,
		`\b(requests?|api)[\s_-]*(rate[\s_-]*)?limit[\s_-]*(exceeded|reached)`,
		`(^|; )rate[\s_-]*limit[\s_-]*(exceeded|reached)`,
		`\brequests? (was|were|has been|have been|is being|are being) throttled`,
		`\bthrottling[\s_-]*exception`,
		`\bslow[\s_-]*down\b`,
	}
	aboutLimits = []string{
		`\bthrottl(ed|ing)\b`,
		`(\b|_)rate[\s_-]*limit`,
		`\brate[\s_-]*exceeded\b`,
		`(\b|_)(quota|limit)[\s_-]*(is |was |has been )?(exceeded|reached)`,
		`\bexceed(s|ed)? (the |your |its )?([a-z]+ )?(quota|limit)\b`,
	}
	requestForms = expression(strings.Join(aboutRequests, "|"))
	limitForms   = expression(strings.Join(append(aboutLimits, aboutRequests...), "|"))
)

// expression is compiled once it is needed. Most starts of the program meet no
// answer that is to be read so closely.
func expression(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// speaksOf looks for forms. Each of them has one of the words that are looked
// for first, which most refusals have not.
func speaksOf(forms func() *regexp.Regexp, text string) bool {
	text = strings.ToLower(text)
	for _, word := range [...]string{"limit", "throttl", "many", "slow", "exceed"} {
		if strings.Contains(text, word) {
			return forms().MatchString(text)
		}
	}
	return false
}

func serverError(code int) (Outcome, string) {
	switch code {
	case 502, 503, 504, // a gateway found no service behind it
		521, 522, 523, 524, 525, 526, 527, 530: // so did a content network
		return Unavailable, fmt.Sprintf("http_%d", code)
	}
	return Failed, fmt.Sprintf("http_%d", code)
}

// clientError is a 4xx that is neither about credentials nor about the rate.
func (r *envelope) clientError(code int) (Outcome, string) {
	switch code {
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return NotTheAPI, fmt.Sprintf("http_%d", code)
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, 499: // 499: a gateway was left before it had a reply
		return Failed, fmt.Sprintf("http_%d", code)
	case http.StatusProxyAuthRequired:
		return NotTheAPI, "proxy_authentication_required"
	}
	for _, known := range knownRefusals {
		if says(r.words, known.words) {
			return Rejected, known.code
		}
	}
	return Rejected, fmt.Sprintf("http_%d", code)
}

// knownRefusals are the 400 messages of the guide that are about the row.
// "Invalid customer type." and "Invalid Customer Type" differ in more than
// case: one names a type outside the enumeration, the other a mismatch.
var knownRefusals = []struct{ words, code string }{
	{"invalidcustomerdetails", "invalid_customer_details"},
	{"invalidcustomertype", "invalid_customer_type"},
	{"invalidrequest", "invalid_request"},
}

// says looks for words, given in lower case and without spaces, without regard
// to case and white space.
func says(text, words string) bool {
	return text != "" && strings.Contains(strings.ToLower(strings.Join(strings.Fields(text), "")), words)
}
