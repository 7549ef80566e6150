package session

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// script is a service that reads whole requests and answers each with what answers
// has for its body, byte for byte.
type script struct {
	answers func(body string) (text string, closes bool)
	url     string

	mu      sync.Mutex
	calls   int
	dialed  int
	request string // the last one
}

func scripted(tb testing.TB, answers func(body string) (string, bool)) *script {
	s := &script{answers: answers}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = listener.Close() })
	s.url = "http://" + listener.Addr().String()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	return s
}

func (s *script) serve(conn net.Conn) {
	defer conn.Close()
	s.mu.Lock()
	s.dialed++
	s.mu.Unlock()
	in := bufio.NewReader(conn)
	for {
		request, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.calls++
		s.request = fmt.Sprint(request.Method, " ", request.RequestURI, " ", request.Host, " ", request.Header, " ", len(body))
		s.mu.Unlock()
		text, closes := s.answers(string(body))
		if _, err := io.WriteString(conn, text); err != nil || closes {
			return
		}
	}
}

// plain is an answer with a session id, of a length that is told.
func plain(id string) string {
	text := envelopeOf(200, "x", id)
	return "HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(len(text)) + "\r\n\r\n" + text
}

// TestAnAnswerIsReadHoweverItIsFramed, and the connection is used again where RFC
// 9112 says that it can be.
func TestAnAnswerIsReadHoweverItIsFramed(t *testing.T) {
	text := envelopeOf(200, "x", "id")
	for name, c := range map[string]struct {
		answer string
		closes bool // the service does, after it
		dialed int  // for two calls
	}{
		"length":               {answer: plain("id"), dialed: 1},
		"chunks":               {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(text), text), dialed: 1},
		"chunks and trailers":  {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\nX: y\r\n\r\n", len(text), text), dialed: 1},
		"up to the end":        {answer: "HTTP/1.1 200 OK\r\n\r\n" + text, closes: true, dialed: 2},
		"Connection: close":    {answer: "HTTP/1.1 200 OK\r\nConnection: close\r\n" + strings.TrimPrefix(plain("id"), "HTTP/1.1 200 OK\r\n"), dialed: 2},
		"HTTP/1.0":             {answer: strings.Replace(plain("id"), "1.1", "1.0", 1), dialed: 2},
		"many of those":        {answer: strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 20) + plain("id"), dialed: 1},
		"interim responses":    {answer: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + plain("id"), dialed: 1},
		"closed after it":      {answer: plain("id"), closes: true, dialed: 2},
		"a line too many":      {answer: plain("id") + "\r\n", dialed: 2},
		"another answer":       {answer: plain("id") + plain("other"), dialed: 2},
		"bytes of no meaning":  {answer: plain("id") + "x", dialed: 2},
		"a chunked one behind": {answer: plain("id") + "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", dialed: 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, func(string) (string, bool) { return c.answer, c.closes })
			client := clientOf(t, s.url)
			for range 2 {
				reply := client.Call(t.Context(), &ann)
				assert.Equal(t, "id", reply.SessionID, reply.Message)
				if c.closes { // the end is on its way
					assert.Eventually(t, func() bool {
						client.pool.mu.Lock()
						defer client.pool.mu.Unlock()
						return len(client.pool.free) == 0 || !client.pool.free[0].quiet()
					}, 10*time.Second, time.Millisecond)
				}
			}
			assert.Equal(t, c.dialed, s.dialed)
		})
	}
}

// TestAnAnswerThatIsNoneIsInDoubtOnce: it is not asked for again, for it may have
// been processed.
func TestAnAnswerThatIsNoneIsInDoubtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		closes bool
		code   string
		says   string
	}{
		"nothing":                 {closes: true, code: "connection_closed", says: "closed before there was an answer"},
		"half a head":             {answer: "HTTP/1.1 200 OK\r\nX: y\r\n", closes: true, code: "connection_closed"},
		"half a body":             {answer: strings.TrimSuffix(plain("id"), "}"), closes: true, code: "answer_cut_off"},
		"no HTTP":                 {answer: "hello\r\n\r\n", code: "no_answer"},
		"an endless head":         {answer: "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", maxHeaderBytes), code: "no_answer"},
		"interim responses alone": {answer: strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", maxHeaderBytes/20), code: "no_answer"},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, func(string) (string, bool) { return c.answer, c.closes })
			client := clientOf(t, s.url)
			reply := client.Call(t.Context(), &ann)
			assert.Equal(t, InDoubt, reply.Outcome, reply.Message)
			assert.Equal(t, c.code, reply.Code, reply.Message)
			assert.Contains(t, reply.Message, c.says)
			assert.Equal(t, 1, s.calls)
			assert.Empty(t, client.pool.free)
		})
	}
}

// TestWhatHasComeToAnIdleConnectionIsSeenBeforeItIsUsed, be it bytes or the end, in
// whatever layer they are.
func TestWhatHasComeToAnIdleConnectionIsSeenBeforeItIsUsed(t *testing.T) {
	ours := newAuthority(t)
	trusted, err := ParseAuthorities(ours.pem())
	require.NoError(t, err)
	for name, come := range map[string]func(net.Conn) error{
		"bytes": func(theirs net.Conn) error { _, err := theirs.Write([]byte("x")); return err },
		"end":   net.Conn.Close,
	} {
		for _, secure := range []bool{false, true} {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			below, err := net.Dial("tcp", listener.Addr().String())
			require.NoError(t, err)
			theirs, err := listener.Accept()
			require.NoError(t, err)
			conn := below
			if secure {
				theirs = tls.Server(theirs, &tls.Config{Certificates: []tls.Certificate{ours.server(t, "127.0.0.1", time.Now().Add(time.Hour))}, SessionTicketsDisabled: true})
				shaken := make(chan error, 1)
				go func() { shaken <- theirs.(*tls.Conn).HandshakeContext(t.Context()) }()
				conn, err = handshake(t.Context(), below, &tls.Config{RootCAs: trusted}, "127.0.0.1:0")
				require.NoError(t, err)
				require.NoError(t, <-shaken)
			}
			c := newConnection(nil, conn, below)
			assert.True(t, c.quiet(), "%s, %t", name, secure)
			assert.True(t, c.quiet(), "looking changes nothing")
			require.NoError(t, come(theirs))
			assert.Eventually(t, func() bool { return !c.quiet() }, 10*time.Second, time.Millisecond, "%s, %t", name, secure)
			_ = theirs.Close()
			_ = c.Close()
			assert.NoError(t, listener.Close())
		}
	}
}

func TestAStatusThatThereIsNotIsNoInterimResponse(t *testing.T) {
	for _, status := range []string{"000", "099"} {
		s := scripted(t, func(string) (string, bool) {
			return "HTTP/1.1 " + status + " x\r\nContent-Length: 0\r\n\r\n" + plain("another's"), false
		})
		reply := clientOf(t, s.url).Call(t.Context(), &ann)
		assert.Empty(t, reply.SessionID)
		assert.NotEqual(t, OK, reply.Outcome)
	}
}

// TestHalfARecordBehindAnAnswerIsSeen: crypto/tls has it, and the system does not.
func TestHalfARecordBehindAnAnswerIsSeen(t *testing.T) {
	ours := newAuthority(t)
	trusted, err := ParseAuthorities(ours.pem())
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	below, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	carrier, err := listener.Accept()
	require.NoError(t, err)
	kept := &keeping{Conn: carrier}
	theirs := tls.Server(kept, &tls.Config{Certificates: []tls.Certificate{ours.server(t, "127.0.0.1", time.Now().Add(time.Hour))}, SessionTicketsDisabled: true})
	shaken := make(chan error, 1)
	go func() { shaken <- theirs.HandshakeContext(t.Context()) }()
	conn, err := handshake(t.Context(), below, &tls.Config{RootCAs: trusted}, "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, <-shaken)
	c := newConnection(nil, conn, below)
	defer c.Close()
	defer carrier.Close()
	kept.keeps = true
	_, _ = theirs.Write([]byte("answer"))
	_, _ = theirs.Write([]byte("another answer"))
	first := headBytes + int(kept.text[3])<<8 + int(kept.text[4])
	_, err = carrier.Write(kept.text[:first+1])
	require.NoError(t, err)
	_, err = c.Conn.Read(make([]byte, 100))
	require.NoError(t, err)
	assert.Eventually(t, func() bool { return !c.quiet() }, 10*time.Second, time.Millisecond)
	assert.False(t, someCame(c.below), "crypto/tls has it")
}

// keeping keeps what is written.
type keeping struct {
	net.Conn
	keeps bool
	text  []byte
}

func (k *keeping) Write(p []byte) (int, error) {
	if !k.keeps {
		return k.Conn.Write(p)
	}
	k.text = append(k.text, p...)
	return len(p), nil
}

// TestACallThatHasEndedIsNotSent although a connection is there.
func TestACallThatHasEndedIsNotSent(t *testing.T) {
	s := scripted(t, func(string) (string, bool) { return plain("id"), false })
	client := clientOf(t, s.url)
	require.Equal(t, OK, client.Call(t.Context(), &ann).Outcome)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	assert.Equal(t, Cancelled, client.Call(ended, &ann).Outcome)
	assert.Equal(t, 1, s.calls)
}

// TestAConnectionThatWasNotUsedIsNewForAShortTime: the call that it was opened for
// may have ended before.
func TestAConnectionThatWasNotUsedIsNewForAShortTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer ours.Close()
		defer theirs.Close()
		c := newConnection(nil, ours, ours)
		assert.True(t, c.fit())
		time.Sleep(isNew)
		assert.False(t, c.fit())
	})
}

// FuzzNoAnswerIsTheNextCustomers whatever the service sends for the first call: what
// the second one gets is the answer to it.
func FuzzNoAnswerIsTheNextCustomers(f *testing.F) {
	for _, first := range []string{
		plain("1"), plain("1") + plain("1"), plain("1") + "x", "HTTP/1.1 204 No Content\r\n\r\n" + plain("1"), "HTTP/1.1 100 Continue\r\n\r\n" + plain("1") + "\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + plain("1"), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Encoding: gzip\r\n\r\n" + plain("1"), "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n" + plain("1"),
	} {
		f.Add(first)
	}
	f.Fuzz(func(t *testing.T, first string) {
		if len(first) > 4<<10 {
			return
		}
		second := ann
		second.ClientID = "the second"
		s := scripted(t, func(body string) (string, bool) {
			if strings.Contains(body, second.ClientID) {
				return plain("2"), false
			}
			return first, false
		})
		client := clientOf(t, s.url)
		client.timeout = 20 * time.Millisecond // of an answer that is not complete
		client.Call(t.Context(), &ann)
		client.timeout = 5 * time.Second
		reply := client.Call(t.Context(), &second)
		assert.Equal(t, "2", reply.SessionID, "%v", reply)
	})
}
