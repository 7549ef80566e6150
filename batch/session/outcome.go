package session

import "slices"

// Outcome says what a reply means, by the table of replies in judge.go. The
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

// outcomes are what the program has to know of each outcome, but for what is done
// about it, which is up to who calls.
var outcomes = [...]struct {
	name      string // in logs and metrics
	processed bool   // the service has dealt with the customer
	reached   bool   // something has answered
	wrong     bool   // means a wrong set-up until a call succeeds, whatever its code
}{
	OK:                 {name: "ok", processed: true, reached: true},
	Rejected:           {name: "rejected", processed: true, reached: true},
	Throttled:          {name: "throttled", reached: true},
	Failed:             {name: "failed", reached: true},
	Unavailable:        {name: "unavailable", reached: true},
	Unreachable:        {name: "unreachable"},
	InDoubt:            {name: "in_doubt", reached: true},
	CredentialsRefused: {name: "credentials_refused", reached: true, wrong: true},
	TenantRefused:      {name: "tenant_refused", reached: true, wrong: true},
	NotTheAPI:          {name: "not_the_api", reached: true, wrong: true},
	TLSRefused:         {name: "tls_refused", wrong: true},
	Cancelled:          {name: "cancelled"},
}

// Outcomes lists all of them.
func Outcomes() []Outcome {
	all := make([]Outcome, len(outcomes))
	for i := range all {
		all[i] = Outcome(i)
	}
	return all
}

// String is the outcome as logs and metrics have it.
func (o Outcome) String() string { return outcomes[o].name }

// Processed reports that the service has dealt with the customer.
func (o Outcome) Processed() bool { return outcomes[o].processed }

// Reached reports that something has answered, if not the service.
func (o Outcome) Reached() bool { return outcomes[o].reached }

// wrongCodes mean a wrong set-up until a call succeeds, though their outcomes need
// not.
var wrongCodes = []string{
	"dns_failure", "connection_refused", "proxy_refused", "proxy_authentication_required", "tls_plain_http", "tls_handshake_failed",
	"wrong_encoding", "no_session_id", "session_id_malformed", "secret_in_session_id",
}

// WrongSetUp reports a reply that means a wrong address, proxy or trust, or a
// service that is not the one of the guide, as long as no call has succeeded.
// After a success the same reply is a failure of the service.
func (a *Reply) WrongSetUp() bool {
	return outcomes[a.Outcome].wrong || slices.Contains(wrongCodes, a.Code)
}
