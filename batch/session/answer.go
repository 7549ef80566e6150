package session

import "time"

// Outcome says what an answer means, by the answer table of the API's page.
type Outcome int

// The outcomes of one attempt.
const (
	// OK: the customer has a session id.
	OK Outcome = iota
	// Rejected: the API refused this customer; sending again changes nothing.
	Rejected
	// Throttled: too many requests; certainly not processed.
	Throttled
	// Failed: the service met an error, and may have processed the call.
	Failed
	// Unavailable: a gateway says that the service is down (502, 503, 504).
	Unavailable
	// Unreachable: no connection came about, so nothing was sent.
	Unreachable
	// InDoubt: the call was sent and no whole answer came back.
	InDoubt
	// CredentialsRefused: app id or secret are wrong; every row would fail.
	CredentialsRefused
	// TenantRefused: the tenant is not this app's; every row would fail.
	TenantRefused
	// NotTheAPI: something else answers at this address.
	NotTheAPI
	// TLSRefused: the server's certificate does not verify.
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

// Answer is what came of one attempt. Its texts are safe to show: stripped of
// control characters, shortened, and free of the secret and the customer.
type Answer struct {
	Outcome   Outcome
	SessionID string // of an OK
	Status    int    // HTTP status; 0 when there was none
	Code      string // stable, lower_snake; empty for an OK
	Message   string // the server's words, or what went wrong on the way

	RetryAfter    time.Duration // what the service asked for
	RetryAfterSet bool
	Limit         RateLimit // of a 429, a 403, or any answer that names a quota
	Latency       time.Duration

	// Recognised says that the answer came from the API itself, and not from a
	// gateway or from something else at the address.
	Recognised bool
}
