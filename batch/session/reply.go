package session

import "time"

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
