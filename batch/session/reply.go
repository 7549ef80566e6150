package session

import "time"

// Outcome says what a reply means, by the answer table of the API's page. The
// code of a reply says it more exactly.
type Outcome int

// The outcomes of one attempt.
const (
	// OK: the customer has a session id.
	OK Outcome = iota
	// Rejected: the API refused this customer; sending again changes nothing.
	// invalid_customer_details, invalid_customer_type, invalid_request, and
	// http_… of any other 4xx.
	Rejected
	// Throttled: too many requests; certainly not processed. rate_limited.
	Throttled
	// Failed: the service met an error, and may have processed the call. http_…
	// of a 5xx and of 408, 409, 425 and 499, status_code_…, no_session_id,
	// session_id_malformed, secret_in_session_id.
	Failed
	// Unavailable: a gateway or a content network says that the service is down.
	// http_502, http_503, http_504, http_521 to http_527 and http_530.
	Unavailable
	// Unreachable: no connection came about, so nothing was sent. dns_failure,
	// connection_refused, connection_failed, proxy_refused,
	// proxy_authentication_required, tls_plain_http, tls_handshake_failed.
	Unreachable
	// InDoubt: the call was sent and no whole reply came back. timeout,
	// connection_reset, connection_closed, answer_cut_off, answer_too_large,
	// wrong_encoding, no_answer.
	InDoubt
	// CredentialsRefused: app id or secret are wrong; every row would fail.
	CredentialsRefused
	// TenantRefused: the tenant is not this app's; every row would fail.
	TenantRefused
	// NotTheAPI: something else answers at this address. redirect, not_json,
	// http_404, http_405, proxy_authentication_required, not_this_machine.
	NotTheAPI
	// TLSRefused: the server's certificate does not verify, or the server will
	// not have this client. certificate_refused, tls_refused.
	TLSRefused
	// Cancelled: the caller's context ended the attempt.
	Cancelled
)

// String is the outcome as a log has it.
func (o Outcome) String() string {
	names := [...]string{
		"ok", "rejected", "throttled", "failed", "unavailable", "unreachable", "in doubt",
		"credentials refused", "tenant refused", "not the API", "certificate refused", "cancelled",
	}
	return names[o]
}

// Reply is what came of one attempt. Its texts are safe to show: stripped of
// control characters, shortened, and free of the secret and the customer.
type Reply struct {
	Outcome   Outcome
	SessionID string    // of an OK
	Expires   time.Time // of the session id; zero when the reply does not say
	Status    int       // HTTP status; 0 when there was none
	Code      string    // stable, lower_snake; empty for an OK
	Message   string    // the server's words, or what went wrong on the way

	RetryAfter    time.Duration // what the service asked for
	RetryAfterSet bool
	OddRetryAfter string    // a Retry-After that cannot be obeyed, as it came
	Limit         RateLimit // of any failure, and of a success that names a quota
	Latency       time.Duration

	// Recognised says that the reply came from the API itself, and not from a
	// gateway or from something else at the address.
	Recognised bool
}

// WrongSetUp reports a reply that means a wrong address, proxy or trust, or a
// service that is not the one of the guide, as long as no call has succeeded.
// After a success the same reply is a failure of the service.
func (a *Reply) WrongSetUp() bool {
	switch a.Outcome {
	case NotTheAPI, TLSRefused, CredentialsRefused, TenantRefused:
		return true
	case OK, Rejected, Throttled, Unavailable, Cancelled:
		return false
	}
	switch a.Code {
	case "dns_failure", "connection_refused", "proxy_refused", "proxy_authentication_required", "tls_plain_http", "tls_handshake_failed",
		"wrong_encoding", "no_session_id", "session_id_malformed", "secret_in_session_id":
		return true
	}
	return false
}
