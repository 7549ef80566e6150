package session

import (
	"bytes"
	"io"
	"net"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
)

// reading is a connection that is only read.
type reading struct {
	net.Conn
	from io.Reader
}

func (r reading) Read(p []byte) (int, error) { return r.from.Read(p) }

// FuzzRecordsAreWholeAtTheirEndsOnly however they are read.
func FuzzRecordsAreWholeAtTheirEndsOnly(f *testing.F) {
	f.Add([]byte("a"), []byte(""), uint8(1))
	f.Add(bytes.Repeat([]byte("b"), 300), []byte("c"), uint8(7))
	f.Fuzz(func(t *testing.T, first, second []byte, at uint8) {
		if len(first) > 1<<14 || len(second) > 1<<14 {
			return
		}
		var stream []byte
		ends := map[int]bool{0: true}
		for _, text := range [][]byte{first, second} {
			stream = append(append(stream, 23, 3, 3, byte(len(text)>>8), byte(len(text))), text...)
			ends[len(stream)] = true
		}
		r := &records{Conn: reading{from: iotest.HalfReader(bytes.NewReader(stream))}}
		p := make([]byte, 1+int(at))
		for read := 0; read < len(stream); {
			assert.Equal(t, ends[read], r.whole(), "%d of %d", read, len(stream))
			n, err := r.Read(p)
			if !assert.NoError(t, err) {
				return
			}
			read += n
		}
		assert.True(t, r.whole())
	})
}
