package session

import (
	"encoding/binary"
	"net"
)

// headBytes is the length of the head of a TLS record (RFC 8446 section 5.1), the last
// two of which are the length of what follows.
const headBytes = 5

// records is a connection that carries TLS. It knows whether the bytes that were read
// from it end with a record: crypto/tls keeps a part of one to itself. It must not be
// read while it is asked.
type records struct {
	net.Conn
	head []byte // of the record that is being read, as far as it has come
	left int    // bytes of it that are to come after the head
}

// Read implements net.Conn.
func (r *records) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	for rest := p[:n]; len(rest) > 0; {
		if len(r.head) < headBytes {
			took := min(headBytes-len(r.head), len(rest))
			r.head, rest = append(r.head, rest[:took]...), rest[took:]
			if len(r.head) == headBytes {
				r.left = int(binary.BigEndian.Uint16(r.head[3:]))
			}
		} else {
			took := min(r.left, len(rest))
			r.left, rest = r.left-took, rest[took:]
		}
		if len(r.head) == headBytes && r.left == 0 {
			r.head = r.head[:0]
		}
	}
	return n, err
}

// whole reports that no part of a record was read.
func (r *records) whole() bool { return len(r.head) == 0 }
