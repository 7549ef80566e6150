//go:build bench && linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// roleVariable makes the test binary be one of the two processes that the
// program is measured against.
const roleVariable = "BULKONBOARD_BENCH_ROLE"

// timesPath is where the server tells when it saw what.
const timesPath = "/times"

func init() {
	rows, _ := strconv.Atoi(os.Getenv("BENCH_ROWS"))
	workers, _ := strconv.Atoi(os.Getenv("BENCH_INFLIGHT"))
	var err error
	switch os.Getenv(roleVariable) {
	case "":
		return
	case "server":
		err = serveStatic(int64(rows))
	case "bare":
		err = bareLoop(os.Getenv("BENCH_URL"), rows, workers)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

const staticEnvelope = `{"version":null,"statusCode":200,"messages":["Processed successfully"],"result":{"sessionId":"ab98babe-b555-4b79-88bf-967f454df0c0"}}`

// static answers every call with the same bytes, for as little CPU as Go can:
// what the server costs is not what is measured.
type static struct {
	rows   int64
	calls  atomic.Int64
	mu     sync.Mutex
	times  []time.Time
	answer []byte
}

func serveStatic(rows int64) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(ln.Addr())
	s := &static{rows: rows, answer: response(staticEnvelope)}
	for {
		conn, err := ln.Accept()
		if err != nil {
			return err
		}
		go s.serve(conn)
	}
}

func response(body string) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// serve answers the requests of one connection.
func (s *static) serve(conn net.Conn) {
	defer conn.Close()
	buf, n := make([]byte, 16<<10), 0
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
		answer := s.answer
		if bytes.HasPrefix(buf[:n], []byte("GET "+timesPath)) {
			answer = s.told()
		} else {
			s.count(s.calls.Add(1))
		}
		if _, err := conn.Write(answer); err != nil {
			return
		}
		n = copy(buf, buf[size:n])
	}
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

// count notes the time of the first call and of the end of every tenth.
func (s *static) count(call int64) {
	if call == 1 || call%(s.rows/10) == 0 {
		s.mu.Lock()
		s.times = append(s.times, time.Now())
		s.mu.Unlock()
	}
}

// told tells the times, and starts over.
func (s *static) told() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, _ := json.Marshal(s.times)
	s.times = []time.Time{}
	s.calls.Store(0)
	return response(string(b))
}

// bareLoop is the least that a client on net/http can do: every worker posts
// one and the same body and decodes the answer.
func bareLoop(url string, rows, workers int) error {
	transport := &http.Transport{MaxIdleConns: workers, MaxIdleConnsPerHost: workers}
	client := &http.Client{Transport: transport}
	const body = `{"appId":"app","appSecret":"secret","tenantId":"tenant","formId":"form","customerType":"Individual","customerEmail":"customer.123456@example.com","customerMobileNumber":"+971501234567","individual":{"firstName":"Olivia","lastName":"Smith-123456"}}`
	var left atomic.Int64
	left.Store(int64(rows))
	failed := make(chan error, workers)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := post(client, url+"/api/AppSessionManager/GetSessionId", body); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

func post(client *http.Client, url, body string) error {
	answer, err := client.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var envelope struct {
		StatusCode int
		Messages   []string
		Result     struct{ SessionID string }
	}
	if err := json.NewDecoder(answer.Body).Decode(&envelope); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	if envelope.Result.SessionID == "" {
		return fmt.Errorf("no session in the answer")
	}
	return err
}
