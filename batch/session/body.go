package session

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxReply bounds, in bytes, what is read of a reply, both as it is sent and
// after decompression. A real one has some hundred.
const maxReply = 1 << 20

var errTooLarge = errors.New("the answer is larger than 1 MiB")

// encodingError is a body that is not in the encoding that its head names, or in
// one that was not asked for.
type encodingError struct{ name string }

func (e *encodingError) Error() string {
	return fmt.Sprintf("the answer is said to be in the encoding %q, and cannot be read as that", e.name)
}

// bodyError is a failure after the head of a reply had arrived.
type bodyError struct{ err error }

func (e *bodyError) Error() string { return e.err.Error() }
func (e *bodyError) Unwrap() error { return e.err }

// read reads the body to its end, so that the connection can be used again, and
// no further than maxReply. No service is asked to pack a reply of some
// hundred bytes; of one that does so unasked, it is unpacked.
func (rd *reader) read(response *http.Response) error {
	rd.body.Reset()
	rd.sent = io.LimitedReader{R: response.Body, N: maxReply + 1}
	unpacked, err := unpack(header(response.Header, "Content-Encoding"), &rd.sent)
	if err != nil {
		return err
	}
	rd.unpacked = io.LimitedReader{R: unpacked, N: maxReply + 1}
	n, err := rd.body.ReadFrom(&rd.unpacked)
	var corrupt flate.CorruptInputError
	switch {
	case n > maxReply || rd.sent.N <= 0:
		return errTooLarge
	case errors.As(err, &corrupt), errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return &encodingError{"gzip"}
	}
	return err
}

// unpack undoes the encoding of a body.
func unpack(encoding string, body io.Reader) (io.Reader, error) {
	encoding = strings.TrimSpace(encoding)
	switch {
	case encoding == "" || strings.EqualFold(encoding, "identity"):
		return body, nil
	case strings.EqualFold(encoding, "gzip"), strings.EqualFold(encoding, "x-gzip"):
		unpacked, err := gzip.NewReader(body)
		if errors.Is(err, gzip.ErrHeader) {
			return nil, &encodingError{"gzip"}
		}
		return unpacked, err
	default:
		return nil, &encodingError{encoding}
	}
}
