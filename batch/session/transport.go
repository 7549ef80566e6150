package session

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	dialTimeout    = 10 * time.Second
	tlsTimeout     = 10 * time.Second
	proxyTimeout   = time.Minute
	idleTimeout    = 90 * time.Second
	maxHeaderBytes = 64 << 10
)

// errHTTP1 says that the service speaks HTTP/1.1 and not HTTP/2.
var errHTTP1 = errors.New("the service does not speak HTTP/2")

// newTransport returns a transport for HTTP/2. Where the service turns out not to
// speak that, the connection is given to the pool, and the calls are told so. As
// many connections are kept as there may be calls in flight, where net/http's own
// default keeps two: a server may allow few calls on each.
func newTransport(pool *pool, turns *turns, maxInFlight int) *http.Transport {
	return &http.Transport{
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, below, err := pool.dialer.open(ctx, "h2", "http/1.1")
			if err != nil || conn.(*tls.Conn).ConnectionState().NegotiatedProtocol == "h2" {
				return conn, err
			}
			pool.add(newConnection(pool, conn, below))
			turns.http1Only()
			return nil, errHTTP1
		},
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           maxInFlight,
		MaxIdleConnsPerHost:    maxInFlight,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
}

func cancelled() Reply {
	return Reply{Outcome: Cancelled, Code: "cancelled", Message: "the run was stopped"}
}

// failure says what an exchange that brought no reply means. ctx is that of
// the run: its end is not the service's doing.
func failure(ctx context.Context, err error) Reply {
	if ctx.Err() != nil {
		return cancelled()
	}
	a := Reply{Message: err.Error()}
	a.Outcome, a.Code = classify(err)
	switch a.Code {
	case "timeout":
		a.Message = "no answer within the time for one attempt"
	case "connection_closed":
		a.Message = "the connection was closed before there was an answer"
	case "not_this_machine":
		var elsewhere *elsewhereError
		errors.As(err, &elsewhere)
		a.Message = elsewhere.Error()
	case "tls_plain_http":
		a.Message = "the server at this https address speaks plain http"
	}
	return a
}

// classify tells what was certainly not sent from what is in doubt. Anything
// unknown is in doubt: it may have been processed.
func classify(err error) (Outcome, string) {
	var (
		dns  *net.DNSError
		op   *net.OpError
		netE net.Error
		body *bodyError
		odd  *encodingError
		via  *proxyError
	)
	switch {
	case isElsewhere(err):
		return NotTheAPI, "not_this_machine"
	case errors.Is(err, errTooLarge):
		return InDoubt, "answer_too_large"
	case errors.As(err, &odd):
		return InDoubt, "wrong_encoding"
	case errors.As(err, &via) && via.status == http.StatusProxyAuthRequired:
		return Unreachable, "proxy_authentication_required"
	case errors.As(err, &via):
		return Unreachable, "proxy_refused"
	case certificateError(err):
		return TLSRefused, "certificate_refused"
	case refusesTLS(err):
		return TLSRefused, "tls_refused"
	case errors.As(err, &dns):
		return Unreachable, "dns_failure"
	case errors.Is(err, syscall.ECONNREFUSED):
		return Unreachable, "connection_refused"
	case errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect"):
		return Unreachable, "connection_failed"
	case isPlainHTTP(err):
		return Unreachable, "tls_plain_http"
	case isTLSHandshake(err):
		return Unreachable, "tls_handshake_failed"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netE) && netE.Timeout():
		return InDoubt, "timeout"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return InDoubt, "connection_reset"
	case errors.As(err, &body):
		return InDoubt, "answer_cut_off"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return InDoubt, "connection_closed"
	}
	return InDoubt, "no_answer"
}

// certificateError reports a server whose identity does not verify. Sending
// again changes nothing, and must not happen.
func certificateError(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		host         x509.HostnameError
		invalid      x509.CertificateInvalidError
	)
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid)
}

// tlsRefusals are the alerts (RFC 8446, section 6.2) by which a server says that
// there will be no connection, now or later: no version or cipher in common, no
// such name, or a client's certificate that this program does not have.
var tlsRefusals = []tls.AlertError{40, 42, 43, 44, 45, 46, 48, 49, 70, 71, 112, 116}

// refusesTLS reports one of them, or a server that continues in an older version
// than was offered. crypto/tls has no type for either, but for the words.
func refusesTLS(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" {
		return slices.ContainsFunc(tlsRefusals, func(a tls.AlertError) bool { return op.Err.Error() == a.Error() })
	}
	return strings.Contains(err.Error(), "tls: server selected unsupported protocol version")
}

// isTLSHandshake reports a handshake that broke off before anything was sent.
func isTLSHandshake(err error) bool {
	var record tls.RecordHeaderError
	return errors.As(err, &record) || errors.Is(err, errHandshake)
}

func isPlainHTTP(err error) bool {
	var record tls.RecordHeaderError
	return errors.As(err, &record) && string(record.RecordHeader[:]) == "HTTP/"
}
