package session

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"syscall"
	"time"
)

// bufferBytes is what a connection has to read into. An answer has some hundred
// bytes, with its head.
const bufferBytes = 2 << 10

// isNew is for how long a connection is that no call was made on. It is opened for
// one, which may have ended meanwhile.
const isNew = time.Second

// mostKept is how many bytes a connection keeps of the memory for what is sent. A
// request has some hundred.
const mostKept = 4 << 10

var errHeadTooLarge = errors.New("the head of the answer is larger than 64 KiB")

// past is a deadline that ends what waits on a connection.
var past = time.Unix(1, 0)

// connection is an HTTP/1.1 connection to the service. One call uses it at a time.
type connection struct {
	net.Conn                 // with TLS, if it is to have that
	below    syscall.RawConn // of the system; nil: that knows nothing of it
	pool     *pool           // takes it back
	in       *bufio.Reader   // reads from the connection
	out      []byte          // memory for what is sent, if that was not large
	left     int64           // bytes that may be read of the head of an answer
	used     bool            // a call was made on it
	since    time.Time       // when that was over, or when it was opened
}

// newConnection returns a connection for calls on conn. below is the TCP connection
// that carries it, or conn itself.
func newConnection(p *pool, conn, below net.Conn) *connection {
	c := &connection{Conn: conn, pool: p, since: time.Now()}
	c.in = bufio.NewReaderSize(c, bufferBytes)
	if known, ok := below.(syscall.Conn); ok {
		c.below, _ = known.SyscallConn() // the error is that of a connection that is closed
	}
	return c
}

// Read implements io.Reader, within the bounds of a head.
func (c *connection) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errHeadTooLarge
	}
	n, err := c.Conn.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

// exchange sends a request and reads the answer up to its body. The call has its
// time until then. When the body is closed, the connection is given back, or closed if
// it cannot be used again. sent reports that the service may have seen something of
// the request.
func (c *connection) exchange(ctx context.Context, until time.Time, to *endpoint, text []byte) (response *http.Response, sent bool, err error) {
	if err := c.SetDeadline(until); err != nil {
		return nil, false, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(past) }) // fails only on a closed connection
	c.out = to.message(c.out[:0], text)
	n, err := c.Write(c.out)
	if cap(c.out) > mostKept {
		c.out = nil
	}
	if err == nil {
		response, err = c.answer()
	}
	if err != nil {
		stop()
		return nil, n > 0, orEnd(ctx, err)
	}
	response.Body = &answerBody{ReadCloser: response.Body, ctx: ctx, stop: stop, conn: c, reusable: !response.Close}
	return response, true, nil
}

// answer reads the head of an answer, and those of the interim responses before it
// (RFC 9110 section 15.2).
func (c *connection) answer() (*http.Response, error) {
	c.left = maxHeaderBytes
	for {
		if _, err := c.in.Peek(1); err != nil { // it tells no answer from one that is cut off
			return nil, err
		}
		response, err := http.ReadResponse(c.in, nil)
		if err != nil {
			return nil, err
		}
		if response.StatusCode/100 != 1 || response.StatusCode == http.StatusSwitchingProtocols {
			c.left = math.MaxInt64
			return response, nil
		}
	}
}

// fit reports a connection on which a call can be made, as far as one can tell. What
// has come on one that is new is what TLS sends at first.
func (c *connection) fit() bool {
	idle := time.Since(c.since)
	return idle < isNew && !c.used || idle < idleTimeout && c.used && c.quiet()
}

// quiet reports a connection on which nothing has come since the last answer was
// read: neither the end, nor bytes that nobody asked for, which would be taken for
// the answer to the next call, that of another customer. They may be in any of the
// layers.
func (c *connection) quiet() bool {
	if c.in.Buffered() > 0 || c.below != nil && someCame(c.below) {
		return false
	}
	secure, ok := c.Conn.(*tls.Conn)
	if c.below != nil && !ok {
		return true // without TLS, nothing lies between the system and in
	}
	if ok && !secure.NetConn().(*records).whole() {
		return false
	}
	var first [1]byte
	if c.SetReadDeadline(past) != nil {
		return false
	}
	_, err := c.Conn.Read(first[:]) // what the layer has: it waits for nothing
	var none net.Error
	return errors.As(err, &none) && none.Timeout()
}

// someCame asks the system whether there is something to read, be it the end or an
// error, and leaves it there.
func someCame(raw syscall.RawConn) (some bool) {
	err := raw.Control(func(fd uintptr) {
		var first [1]byte
		_, _, err := syscall.Recvfrom(int(fd), first[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		some = err != syscall.EAGAIN
	})
	return err != nil || some
}

// answerBody is the body of an answer, and what becomes of its connection.
type answerBody struct {
	io.ReadCloser
	ctx      context.Context // of the call
	stop     func() bool     // the context no longer ends what waits for the connection
	conn     *connection
	reusable bool // by what the head says
	ended    bool // it was read to its end
}

// Read implements io.Reader.
func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.ended = true
		return n, err
	}
	return n, orEnd(b.ctx, err)
}

// Close implements io.Closer.
func (b *answerBody) Close() error {
	if b.stop() && b.ended && b.reusable {
		b.conn.pool.give(b.conn)
		return nil
	}
	return b.conn.Close()
}

// orEnd is an error, or that of a context whose end may have brought it about.
func orEnd(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
