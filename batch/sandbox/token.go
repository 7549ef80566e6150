package sandbox

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"time"
)

// TokenMode is how the service answers GetAppToken.
type TokenMode string

// The modes.
const (
	PlainToken  TokenMode = ""       // as it should
	NoToken     TokenMode = "none"   // HTTP 404: it has no such endpoint
	FaultyToken TokenMode = "faulty" // with the faults of the other endpoint
)

// ParseTokenMode reads a mode such as "none".
func ParseTokenMode(s string) (TokenMode, error) {
	switch m := TokenMode(s); m {
	case PlainToken, NoToken, FaultyToken:
		return m, nil
	}
	return "", fmt.Errorf("%q: it takes none, for a service without GetAppToken, or faulty, for one that fails as it does for customers", s)
}

// token is the same for everybody and opens nothing. It has the form of the
// vendor's, a JWT: header, claims and signature.
var token = inBase64(`{"alg":"none","typ":"JWT"}`) + "." + inBase64(`{"sub":"sandbox"}`) + "." + inBase64("sandbox")

func inBase64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// getAppToken is the endpoint that names no customer.
func (s *Service) getAppToken(w http.ResponseWriter, r *http.Request) {
	body := bodyOf(r)
	s.count(func(l *ledger) { l.stats.Tokens++ })
	if s.options.Token == FaultyToken && s.failsToken(w, r) {
		return
	}
	if refused := s.options.checkAccess(body); refused != nil {
		_, _ = w.Write(answer(w, refused.status, refused.message, nil))
		return
	}
	_, _ = w.Write(answer(w, http.StatusOK, "Processed successfully", &result{Token: token}))
}

// failsToken draws a fault as for a customer, and answers with it.
func (s *Service) failsToken(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	arrival := s.decide(time.Now())
	s.mu.Unlock()
	s.sleep(r, arrival.latency)
	switch {
	case arrival.outage != nil:
		s.fail(w, r, *arrival.outage, arrival.since)
	case arrival.throttled:
		s.throttle(w, arrival.wait)
	case arrival.fault == serverError:
		_, _ = w.Write(answer(w, http.StatusInternalServerError, "Server error", nil))
	case arrival.fault != noFault:
		reset(w)
	default:
		return false
	}
	return true
}
