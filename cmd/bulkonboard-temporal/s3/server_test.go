package s3

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/store"
)

// service is an S3 server in this process, reached without a socket, that
// fails as it is told. It is an http.RoundTripper.
type service struct {
	s3       http.Handler
	careless bool       // it makes an object of parts though its name is taken
	mu       sync.Mutex // one request at a time: what it checks and does is one step
	requests int
	// fail, if set, says what becomes of a request, by its number from 1.
	fail func(number int, r *http.Request) fate
	// refused, if set, says why a request is not permitted; "" for one that is.
	refused func(r *http.Request) string
}

// fate is what becomes of a request.
type fate int

const (
	served      fate = iota
	unreached        // the server is away
	unavailable      // it says 503, and does nothing
	answerLost       // it does it, and the connection breaks before it says so
	answerTorn       // it breaks in the middle of the answer
)

var errBroken = errors.New("connection reset by peer")

func newService(t *testing.T) *service {
	t.Helper()
	backend := s3mem.New()
	require.NoError(t, backend.CreateBucket("bucket"))
	return &service{s3: gofakes3.New(backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()}
}

// RoundTrip implements http.RoundTripper.
func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	body := []byte{}
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body.Close()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	what := served
	if s.fail != nil {
		what = s.fail(s.requests, r)
	}
	if what == unreached {
		return nil, errBroken
	}
	answer := httptest.NewRecorder()
	if what == unavailable {
		answer.WriteHeader(http.StatusServiceUnavailable)
		return answer.Result(), nil
	}
	if code := s.why(r); code != "" {
		answer.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(answer, "<Error><Code>"+code+"</Code></Error>")
		return answer.Result(), nil
	}
	s.serve(answer, r, body)
	if what == answerLost {
		return nil, errBroken
	}
	response := answer.Result()
	response.Request = r
	if what == answerTorn {
		half := answer.Body.Bytes()[:answer.Body.Len()/2]
		response.Body = io.NopCloser(io.MultiReader(bytes.NewReader(half), &breaks{}))
	}
	return response, nil
}

func (s *service) why(r *http.Request) string {
	if s.refused == nil {
		return ""
	}
	return s.refused(r)
}

// serve adds what gofakes3 lacks: the condition on the completion of an upload.
func (s *service) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	own := r.Clone(r.Context())
	own.Body = io.NopCloser(bytes.NewReader(body))
	own.RequestURI = r.URL.RequestURI()
	own.Host = r.URL.Host
	own.Header.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	if r.Method == http.MethodPost && r.URL.Query().Has("uploadId") && r.Header.Get("If-None-Match") == "*" && !s.careless && s.has(r) {
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	s.s3.ServeHTTP(w, own)
}

func (s *service) has(r *http.Request) bool {
	answer := httptest.NewRecorder()
	s.s3.ServeHTTP(answer, httptest.NewRequest(http.MethodHead, r.URL.Path, nil))
	return answer.Code == http.StatusOK
}

type breaks struct{}

func (*breaks) Read([]byte) (int, error) { return 0, errBroken }

// testPartSize lets a small object have parts.
const testPartSize = 64 << 10

// open opens a store at a service.
func open(t *testing.T, s *service, o Options) store.Store {
	t.Helper()
	return openAt(t, s, "s3://bucket/jobs?endpoint=http://s3.test&insecure=true&region=us-east-1", o)
}

func openAt(t *testing.T, s *service, address string, o Options) store.Store {
	t.Helper()
	o.transport = s
	opened, err := Open(t.Context(), address, o)
	require.NoError(t, err)
	opened.(*bucket).partSize = testPartSize
	return opened
}

// first returns a fail that gives a fate to the first requests of a method.
func first(count int, method, query string, what fate) func(int, *http.Request) fate {
	return func(_ int, r *http.Request) fate {
		if count > 0 && r.Method == method && strings.Contains(r.URL.RawQuery, query) {
			count--
			return what
		}
		return served
	}
}
