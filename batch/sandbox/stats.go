package sandbox

import (
	"encoding/json"
	"hash/maphash"
	"net/http"
	"time"
)

// Stats is what the service has seen.
type Stats struct {
	Calls     int64 `json:"calls"` // attempts that arrived, whatever became of them
	OK        int64 `json:"ok"`
	Rejected  int64 `json:"rejected"` // 400, 401, 403
	Throttled int64 `json:"throttled"`
	Errors    int64 `json:"errors"` // 500
	Resets    int64 `json:"resets"`
	Truncated int64 `json:"truncated"`
	Outage    int64 `json:"outage"` // fell into an outage
	Tokens    int64 `json:"tokens"` // calls to GetAppToken, which are not attempts, and in none of the other numbers

	// Processed counts calls that made or found a customer's session, even
	// where the answer was lost on the way back.
	Processed           int64 `json:"processed"`
	Customers           int64 `json:"customers"`
	RepeatedCalls       int64 `json:"repeatedCalls"` // processed beyond the first of each customer
	MaxCallsPerCustomer int64 `json:"maxCallsPerCustomer"`

	BusiestSecond int64 `json:"busiestSecond"` // most attempts in any stretch of a second
	InFlight      int64 `json:"inFlight"`
	MaxInFlight   int64 `json:"maxInFlight"`
	Seconds       int64 `json:"seconds"` // from the first call to the last, rounded up
}

// ledger counts calls. It has no lock of its own: the service's covers it.
type ledger struct {
	stats     Stats
	seed      maphash.Seed
	customers map[uint64]uint32 // by hash: a million customers must fit
	second    []time.Time       // attempts of the last second
	first     time.Time
	last      time.Time
}

func newLedger() *ledger {
	return &ledger{seed: maphash.MakeSeed(), customers: map[uint64]uint32{}}
}

// arrived counts an attempt.
func (l *ledger) arrived(now time.Time) {
	if l.first.IsZero() {
		l.first = now
	}
	l.last = now
	l.stats.Calls++
	l.stats.InFlight++
	l.stats.MaxInFlight = max(l.stats.MaxInFlight, l.stats.InFlight)
	for len(l.second) > 0 && now.Sub(l.second[0]) >= time.Second {
		l.second = l.second[1:]
	}
	l.second = append(l.second, now)
	l.stats.BusiestSecond = max(l.stats.BusiestSecond, int64(len(l.second)))
}

// processed counts a call that made or found a session.
func (l *ledger) processed(sessionID string) {
	key := maphash.String(l.seed, sessionID)
	l.customers[key]++
	n := int64(l.customers[key])
	l.stats.Processed++
	if n == 1 {
		l.stats.Customers++
	} else {
		l.stats.RepeatedCalls++
	}
	l.stats.MaxCallsPerCustomer = max(l.stats.MaxCallsPerCustomer, n)
}

// Stats returns what the service has seen so far.
func (s *Service) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.ledger.stats
	stats.Seconds = int64((s.ledger.last.Sub(s.ledger.first) + time.Second - 1) / time.Second)
	return stats
}

func (s *Service) serveStats(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(s.Stats())
}
