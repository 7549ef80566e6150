// Package sandbox is a GetSessionId service for trying, testing and
// rehearsing: the guide's contract in full, and faults on demand.
package sandbox

import (
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Options are what the service accepts and how it fails. The zero value
// accepts any credentials and never fails.
type Options struct {
	AppID, AppSecret, TenantID string // what it accepts; empty for anything

	Latency       time.Duration // of every answer
	LatencyJitter time.Duration // and up to this much more, at random

	ErrorShare    float64 // of calls answered 500
	ResetShare    float64 // of calls whose connection is reset: half before the call is processed, half after
	TruncateShare float64 // of answers cut off in their body

	Quota         Quota
	MaxConcurrent int // calls at once before an immediate 429; 0 for any number
	Outages       []Outage
	Token         TokenMode
	ClockOff      time.Duration // of the Date in every answer: how far it is ahead
	Seed          uint64        // of what is random
}

// maxBody bounds, in bytes, what is read of a request.
const maxBody = 1 << 20

// Service is an http.Handler, safe for concurrent use.
type Service struct {
	options Options
	mux     *http.ServeMux
	server  *http.Server
	closed  chan struct{}
	close   sync.Once

	mu     sync.Mutex // covers what follows
	random *rand.Rand
	meter  meter
	ledger *ledger
}

// New returns a service that is ready to serve.
func New(o Options) *Service {
	s := &Service{
		options: o,
		mux:     http.NewServeMux(),
		closed:  make(chan struct{}),
		random:  rand.New(rand.NewPCG(o.Seed, 0)), //nolint:gosec // faults, not secrets
		meter:   meter{quota: o.Quota},
		ledger:  newLedger(),
	}
	s.mux.HandleFunc("POST "+path, s.getSessionID)
	if o.Token != NoToken {
		s.mux.HandleFunc("POST "+appPath, s.getAppToken)
	}
	s.mux.HandleFunc("GET /stats", s.serveStats)
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	return s
}

// ServeHTTP implements http.Handler.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.options.ClockOff != 0 {
		w.Header().Set("Date", time.Now().Add(s.options.ClockOff).UTC().Format(http.TimeFormat))
	}
	s.mux.ServeHTTP(w, r)
}

// Serve answers on ln, and takes it over. In an outage in which nothing listens
// it closes ln and listens at the same address again when the outage is over.
// It returns nil once Close is called.
func (s *Service) Serve(ln net.Listener) error {
	address := ln.Addr().String()
	for {
		stop := s.closeInOutage(ln)
		err := s.server.Serve(ln)
		stop()
		select {
		case <-s.closed:
			return nil
		default:
		}
		wait, refusing := s.refusing()
		if !refusing {
			return err
		}
		select {
		case <-time.After(wait):
		case <-s.closed:
			return nil
		}
		if ln, err = new(net.ListenConfig).Listen(context.Background(), "tcp", address); err != nil {
			return err
		}
	}
}

// closeInOutage closes ln as soon as an outage begins in which nothing listens.
func (s *Service) closeInOutage(ln net.Listener) (stop func()) {
	if !slices.ContainsFunc(s.options.Outages, func(o Outage) bool { return o.Kind == Refused }) {
		return func() {}
	}
	done := make(chan struct{})
	tick := time.NewTicker(5 * time.Millisecond)
	go func() {
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if _, refusing := s.refusing(); refusing {
					_ = ln.Close()
					return
				}
			case <-done:
				return
			}
		}
	}()
	return func() { close(done) }
}

// refusing reports whether nothing listens now, and for how long.
func (s *Service) refusing() (time.Duration, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ledger.first.IsZero() {
		return 0, false
	}
	since := time.Since(s.ledger.first)
	o, out := s.options.outageAt(since)
	return o.To - since, out && o.Kind == Refused
}

// Close ends the service and every connection at once.
func (s *Service) Close() error {
	s.close.Do(func() { close(s.closed) })
	return s.server.Close()
}

// getSessionID is the endpoint.
func (s *Service) getSessionID(w http.ResponseWriter, r *http.Request) {
	body := bodyOf(r)
	arrival := s.admit(time.Now())
	defer s.left()
	if arrival.outage != nil {
		s.fail(w, r, *arrival.outage, arrival.since)
		return
	}
	s.sleep(r, arrival.latency)
	if arrival.throttled {
		s.throttle(w, arrival.wait)
		return
	}
	s.settle(w, body, arrival.fault)
}

// bodyOf is the body of a call; nil when it is none.
func bodyOf(r *http.Request) *request {
	var body *request
	if err := json.NewDecoder(io.LimitReader(r.Body, maxBody)).Decode(&body); err != nil {
		return nil
	}
	return body
}

// arrival is what is decided about a call the moment it arrives.
type arrival struct {
	since     time.Duration // the first call
	outage    *Outage
	throttled bool
	wait      time.Duration
	fault     fault
	latency   time.Duration
}

func (s *Service) admit(now time.Time) arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger.arrived(now)
	a := s.decide(now)
	if a.outage != nil {
		s.ledger.stats.Outage++
	}
	if a.throttled {
		s.ledger.stats.Throttled++
	}
	return a
}

// decide draws what becomes of a call. The caller has the lock.
func (s *Service) decide(now time.Time) arrival {
	a := arrival{latency: s.options.Latency}
	if !s.ledger.first.IsZero() {
		a.since = now.Sub(s.ledger.first)
	}
	if o, out := s.options.outageAt(a.since); out {
		a.outage = &o
		return a
	}
	if s.options.LatencyJitter > 0 {
		a.latency += time.Duration(s.random.Int64N(int64(s.options.LatencyJitter)))
	}
	tooMany := s.options.MaxConcurrent > 0 && s.ledger.stats.InFlight > int64(s.options.MaxConcurrent)
	wait, within := s.meter.take(now)
	if tooMany || !within {
		a.throttled, a.wait = true, wait
		return a
	}
	a.fault = s.options.draw(s.random)
	return a
}

func (s *Service) throttle(w http.ResponseWriter, wait time.Duration) {
	s.options.Quota.RetryAfter.tell(w.Header(), time.Now(), wait)
	_, _ = w.Write(answer(w, http.StatusTooManyRequests, "Too many requests", nil))
}

func (s *Service) left() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger.stats.InFlight--
}

// settle processes a call and answers it, or fails to.
func (s *Service) settle(w http.ResponseWriter, body *request, f fault) {
	switch f {
	case resetBefore:
		s.count(func(l *ledger) { l.stats.Resets++ })
		reset(w)
		return
	case serverError:
		s.count(func(l *ledger) { l.stats.Errors++ })
		_, _ = w.Write(answer(w, http.StatusInternalServerError, "Server error", nil))
		return
	default:
	}
	if refused := s.options.check(body); refused != nil {
		s.count(func(l *ledger) { l.refused(refused) })
		_, _ = w.Write(answer(w, refused.status, refused.message, nil))
		return
	}
	id := SessionID(body.FormID, body.CustomerEmail)
	s.count(func(l *ledger) {
		l.processed(id)
		switch f {
		case resetAfter:
			l.stats.Resets++
		case truncatedBody:
			l.stats.Truncated++
		default:
			l.stats.OK++
		}
	})
	if f == resetAfter {
		reset(w)
		return
	}
	b := answer(w, http.StatusOK, "Processed successfully", &result{SessionID: id})
	if f == truncatedBody {
		_, _ = w.Write(b[:len(b)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(b)
}

func (l *ledger) refused(r *refusal) {
	if r.status >= http.StatusInternalServerError {
		l.stats.Errors++
		return
	}
	l.stats.Rejected++
}

func (s *Service) count(f func(*ledger)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.ledger)
}
