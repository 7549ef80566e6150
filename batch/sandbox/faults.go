package sandbox

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"
)

// fault is what becomes of one call.
type fault int

const (
	noFault       fault = iota
	serverError         // 500
	resetBefore         // connection reset, not processed
	resetAfter          // connection reset after the call was processed
	truncatedBody       // processed, and the answer cut off in its body
)

// draw decides the fault of one call.
func (o *Options) draw(r *rand.Rand) fault {
	at := r.Float64()
	for _, f := range []struct {
		share float64
		fault fault
	}{
		{o.ErrorShare, serverError},
		{o.ResetShare / 2, resetBefore},
		{o.ResetShare / 2, resetAfter},
		{o.TruncateShare, truncatedBody},
	} {
		if at < f.share {
			return f.fault
		}
		at -= f.share
	}
	return noFault
}

// Outage is a time, counted from the first call, in which the service as a
// whole fails.
type Outage struct {
	From, To time.Duration
	Kind     OutageKind
}

// OutageKind is how the service fails.
type OutageKind string

// The kinds of outage.
const (
	Refused     OutageKind = "refused" // nothing listens
	Unavailable OutageKind = "503"     // an envelope with 503
	HTML        OutageKind = "html"    // a gateway's 502 page
	Hang        OutageKind = "hang"    // no answer until the outage or the caller's patience ends
	Reset       OutageKind = "reset"   // every connection is reset
)

// ParseOutage reads an outage such as "10s-70s:503".
func ParseOutage(s string) (Outage, error) {
	hint := errors.New(`an outage looks like "10s-70s:503"; its kind is refused, 503, html, hang or reset`)
	span, kind, _ := strings.Cut(s, ":")
	from, to, _ := strings.Cut(span, "-")
	o := Outage{Kind: OutageKind(kind)}
	var err1, err2 error
	o.From, err1 = time.ParseDuration(from)
	o.To, err2 = time.ParseDuration(to)
	if err1 != nil || err2 != nil || o.From < 0 || o.To <= o.From {
		return Outage{}, fmt.Errorf("%q: %w", s, hint)
	}
	switch o.Kind {
	case Refused, Unavailable, HTML, Hang, Reset:
		return o, nil
	}
	return Outage{}, fmt.Errorf("%q: %w", s, hint)
}

// outageAt is the outage under way a time after the first call.
func (o *Options) outageAt(since time.Duration) (Outage, bool) {
	for _, outage := range o.Outages {
		if outage.From <= since && since < outage.To {
			return outage, true
		}
	}
	return Outage{}, false
}

// fail answers a call that falls into an outage.
func (s *Service) fail(w http.ResponseWriter, r *http.Request, o Outage, since time.Duration) {
	switch o.Kind {
	case Unavailable:
		_, _ = w.Write(answer(w, http.StatusServiceUnavailable, "Service unavailable", nil))
	case HTML:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadGateway)
		_, _ = w.Write([]byte("<html><body><h1>502 Bad Gateway</h1></body></html>"))
	case Hang:
		s.sleep(r, o.To-since)
		reset(w)
	default:
		reset(w)
	}
}

// sleep waits, but not beyond the caller's patience or the service's life.
func (s *Service) sleep(r *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	case <-s.closed:
	}
}

// reset ends the connection with a TCP reset instead of an answer.
func reset(w http.ResponseWriter) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler) // HTTP/2: net/http resets the stream
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
