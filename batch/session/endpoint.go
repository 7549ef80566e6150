package session

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// endpoint is where requests go, and what is the same in all of them. It is safe for
// concurrent use.
type endpoint struct {
	template *http.Request // without a body; URL and header are shared and only read

	// A request of HTTP/1.1 up to the length of its body, and from there on.
	before, after string
}

func newEndpoint(address string, header http.Header) (*endpoint, error) {
	template, err := http.NewRequestWithContext(context.Background(), http.MethodPost, address, nil)
	if err != nil {
		return nil, err
	}
	template.Header = header
	var head bytes.Buffer
	if err := template.Write(&head); err != nil {
		return nil, err
	}
	const length = "\r\nContent-Length: "
	before, after, found := strings.Cut(head.String(), length+"0")
	if !found {
		return nil, fmt.Errorf("no request for %s can be written", address)
	}
	return &endpoint{template: template, before: before + length, after: after}, nil
}

// message appends a request with a body to dst, as HTTP/1.1 has it.
func (e *endpoint) message(dst, text []byte) []byte {
	dst = strconv.AppendInt(append(dst, e.before...), int64(len(text)), 10)
	return append(append(dst, e.after...), text...)
}

// posting is a request with a body, which is memory of its own and never used
// again: a transport may continue reading it after the reply has come.
func (e *endpoint) posting(ctx context.Context, text []byte) *http.Request {
	request := e.template.WithContext(ctx)
	request.ContentLength = int64(len(text))
	request.Body = io.NopCloser(bytes.NewReader(text))
	// For a connection that turns out to be closed before anything was sent.
	request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
	return request
}
