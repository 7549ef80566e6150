//go:build bench && linux

package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// benchService answers every call after the same time, for as little CPU as Go can:
// what the service costs is not what is measured.
type benchService struct {
	rows    int64
	latency time.Duration
	calls   atomic.Int64
	conns   atomic.Int64
	mu      sync.Mutex
	times   []time.Time
}

// seen is what a service saw.
type seen struct {
	Times       []time.Time // of the first call, and of the end of every tenth of the rows
	Connections int
}

// serveBench prints the URLs of the service and of what tells of it, and serves.
func serveBench(protocol string, rows int64, latency time.Duration, identity string) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	control, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &benchService{rows: rows, latency: latency}
	scheme := "https"
	var certificate tls.Certificate
	if protocol == "http" {
		scheme = "http"
	} else if certificate, err = tls.LoadX509KeyPair(identity, identity); err != nil {
		return err
	}
	fmt.Printf("%s://%s http://%s\n", scheme, ln.Addr(), control.Addr())
	go func() { _ = http.Serve(control, http.HandlerFunc(s.tell)) }() //nolint:gosec // for this machine, for a moment
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	switch protocol {
	case "h2":
		server := &http.Server{Handler: s, TLSConfig: config, ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				s.conns.Add(1)
			}
		}}
		return server.ServeTLS(ln, "", "")
	case "tls":
		ln = tls.NewListener(ln, config)
	}
	for {
		conn, err := ln.Accept()
		if err != nil {
			return err
		}
		s.conns.Add(1)
		go s.serve(conn)
	}
}

// serve answers the requests of one connection over HTTP/1.1.
func (s *benchService) serve(conn net.Conn) {
	defer conn.Close()
	buf, n := make([]byte, 16<<10), 0
	var answer, body []byte
	for {
		size, whole := requestSize(buf[:n])
		if !whole {
			more, err := conn.Read(buf[n:])
			if err != nil {
				return
			}
			n += more
			continue
		}
		body = s.answer(body[:0])
		answer = fmt.Appendf(answer[:0], "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		if _, err := conn.Write(answer); err != nil {
			return
		}
		n = copy(buf, buf[size:n])
	}
}

// ServeHTTP answers a request over HTTP/2.
func (s *benchService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(s.answer(nil))
}

// answer counts a call, and gives its answer once it is time: a session id of its
// own for each.
func (s *benchService) answer(dst []byte) []byte {
	call := s.calls.Add(1)
	if call == 1 || call%(s.rows/10) == 0 {
		s.mu.Lock()
		s.times = append(s.times, time.Now())
		s.mu.Unlock()
	}
	if s.latency > 0 {
		time.Sleep(s.latency)
	}
	return fmt.Appendf(dst, `{"version":null,"statusCode":200,"messages":["Processed successfully"],"result":{"sessionId":"ab98babe-b555-4b79-88bf-%012x"}}`, call)
}

// requestSize is the length of the request at the start of b, if all of it is
// there.
func requestSize(b []byte) (size int, whole bool) {
	head := bytes.Index(b, []byte("\r\n\r\n"))
	if head < 0 {
		return 0, false
	}
	size = head + 4
	if _, after, found := bytes.Cut(b[:head], []byte("Content-Length: ")); found {
		digits, _, _ := bytes.Cut(after, []byte("\r"))
		length, _ := strconv.Atoi(string(digits))
		size += length
	}
	return size, len(b) >= size
}

// tell tells what was seen, and starts over.
func (s *benchService) tell(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := json.NewEncoder(w).Encode(seen{s.times, int(s.conns.Load())}); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	s.times = nil
	s.calls.Store(0)
	s.conns.Store(0)
}
