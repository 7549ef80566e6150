package session

import (
	"net"
	"sync"
	"syscall"
)

// wire is a connection as it lies below TLS and net/http. They take bytes from it
// before anybody asks for them, and net/http takes what the service has sent
// unasked, behind an answer, for the answer to the next call if that is quick
// enough. The next call has another customer.
type wire struct {
	net.Conn
	raw syscall.RawConn // nil: the system knows nothing of the connection

	mu      sync.Mutex
	changed sync.Cond
	waiting bool // net/http has dealt with all that it has, and waits for more
	closed  bool
}

func newWire(conn net.Conn) *wire {
	w := &wire{Conn: conn}
	w.changed.L = &w.mu
	if known, ok := conn.(syscall.Conn); ok {
		w.raw, _ = known.SyscallConn() // the error is that of a connection that is closed
	}
	return w
}

// Read implements net.Conn. What comes stays with the system until it is noted that
// the wait is over: quiet sees one or the other.
func (w *wire) Read(p []byte) (int, error) {
	w.set(&w.waiting, true)
	if w.raw == nil {
		n, err := w.Conn.Read(p)
		w.set(&w.waiting, false)
		return n, err
	}
	_ = w.raw.Read(someCame) // what is wrong, Conn.Read says
	w.set(&w.waiting, false)
	return w.Conn.Read(p)
}

// Close implements net.Conn.
func (w *wire) Close() error {
	w.set(&w.closed, true)
	return w.Conn.Close()
}

func (w *wire) set(what *bool, to bool) {
	w.mu.Lock()
	*what = to
	w.mu.Unlock()
	w.changed.Signal()
}

// quiet reports a connection on which nothing has come since the last answer was
// read: neither bytes that nobody asked for nor the end, which net/http may not have
// had the time to see. It returns once net/http waits for more, or has closed the
// connection; after an answer it does one of the two.
func (w *wire) quiet() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.waiting && !w.closed {
		w.changed.Wait()
	}
	return !w.closed && (w.raw == nil || nothingCame(w.raw))
}

// nothingCame reports a connection with nothing to read.
func nothingCame(raw syscall.RawConn) bool {
	var some bool
	err := raw.Control(func(fd uintptr) { some = someCame(fd) })
	return err == nil && !some
}

// someCame asks the system whether there is something to read, be it the end or an
// error, and leaves it there.
func someCame(fd uintptr) bool {
	var first [1]byte
	_, _, err := syscall.Recvfrom(int(fd), first[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	return err != syscall.EAGAIN
}
