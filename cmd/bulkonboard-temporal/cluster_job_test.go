//go:build cluster

package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"

	"bulkonboard/batch/sandbox"
)

// What the jobs of these tests have in common.
const (
	perSecond     = 1000 // the quota
	parallel      = 4
	inFlight      = 64 // of all chunks together
	flush         = 250 * time.Millisecond
	heartbeatTime = 5 * time.Second

	crashRows = 20_000 // of a job in which something dies in the middle
	middle    = crashRows / 3
	chunkRows = crashRows / parallel // a worker that dies is far from the end of its work

	quota = "test"
	job   = "customers"
)

// programs is where the programs are, built for the tests as by make build.
const programs = "../../build/"

// cluster is all that a job on many machines needs, on this one.
type cluster struct {
	t       *testing.T
	folder  string
	service *service
	server  *temporalServer
	env     []string
	began   time.Time
}

// newCluster starts it, without workers. The store is a folder unless another
// is named.
func newCluster(t *testing.T, store string) *cluster {
	t.Helper()
	c := &cluster{t: t, folder: t.TempDir(), service: newService(t), began: time.Now()}
	for _, build := range [][]string{{"-C", "../..", "build", "-trimpath", "-o", "build/", "./cmd/bulkonboard"}, {"build", "-trimpath", "-o", programs, "."}} {
		out, err := exec.Command("go", build...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	c.server = newTemporalServer(t)
	if store == "" {
		store = c.file("store")
		require.NoError(t, os.Mkdir(store, 0o700))
	}
	c.env = []string{
		"BULKONBOARD_STORE=" + store, "BULKONBOARD_ADDRESS=" + c.server.address, "AWS_ACCESS_KEY_ID=" + accessKey, "AWS_SECRET_ACCESS_KEY=" + secretKey,
		"BULKONBOARD_BASE_URL=" + c.service.url, "BULKONBOARD_APP_ID=app", "BULKONBOARD_TENANT_ID=tenant", "BULKONBOARD_FORM_ID=form",
		"BULKONBOARD_APP_SECRET=canary-secret-0451",
	}
	return c
}

func (c *cluster) file(name string) string { return filepath.Join(c.folder, name) }

// start starts the program.
func (c *cluster) start(args ...string) *process {
	c.t.Helper()
	return startProcess(c.t, args[0], c.env, programs+"bulkonboard-temporal", args...)
}

// run runs the program to its end, and returns what it said.
func (c *cluster) run(code int, args ...string) string {
	c.t.Helper()
	p := c.start(args...)
	require.Equal(c.t, code, p.end(time.Minute), "%s: %s", args[0], p.said.bytes())
	return string(p.said.bytes())
}

// workers starts some workers, and waits until they take parts.
func (c *cluster) workers(n int, args ...string) []*process {
	c.t.Helper()
	all := make([]*process, n)
	for i := range all {
		all[i] = c.start(append([]string{"worker", "--flush-every", flush.String()}, args...)...)
	}
	for _, w := range all {
		w.saying("is ready")
	}
	return all
}

// submitArgs submit the list and wait for its results.
func (c *cluster) submitArgs(args ...string) []string {
	return append([]string{
		"submit", "--input", c.file("list.csv"), "--job", job, "--quota", quota, "--output", c.file("out.csv"), "--heartbeat", heartbeatTime.String(), "--timeout", "1.5s",
		"--rate", strconv.Itoa(perSecond), "--parallel", strconv.Itoa(parallel), "--chunk-rows", strconv.Itoa(chunkRows), "--max-inflight", strconv.Itoa(inFlight),
	}, args...)
}

// list writes a list of that number of customers.
func (c *cluster) list(rows int) {
	var b bytes.Buffer
	b.WriteString("customerType,customerEmail,firstName,lastName\n")
	for i := 1; i <= rows; i++ {
		fmt.Fprintf(&b, "Individual,c%d@example.com,First%d,Last\n", i, i)
	}
	require.NoError(c.t, os.WriteFile(c.file("list.csv"), b.Bytes(), 0o600))
}

// results are the records of a results file.
func (c *cluster) results(name string) [][]string {
	c.t.Helper()
	b, err := os.ReadFile(c.file(name))
	require.NoError(c.t, err)
	records, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	require.NoError(c.t, err)
	return records
}

// requireEachItsOwn checks that every row came out once, in order, with the
// session of its own customer.
func (c *cluster) requireEachItsOwn(rows int) {
	c.t.Helper()
	records := c.results("out.csv")[1:]
	require.Len(c.t, records, rows)
	for i, r := range records {
		email := fmt.Sprintf("c%d@example.com", i+1)
		require.Equal(c.t, []string{email, "ok", sandbox.SessionID("form", email)}, []string{r[1], r[4], r[5]})
	}
	assert.Equal(c.t, int64(rows), c.service.Stats().Customers)
}

// requireWithin checks what the service saw of a job in which something died.
func (c *cluster) requireWithin(twice int64) {
	c.t.Helper()
	s := c.service.Stats()
	c.t.Logf("%d calls, %d of them again (at most %d), busiest second %d, calls over %s, test so far %s",
		s.Calls, s.RepeatedCalls, twice, s.BusiestSecond, c.service.span().Round(time.Millisecond), time.Since(c.began).Round(time.Millisecond))
	assert.LessOrEqual(c.t, s.RepeatedCalls, twice)
	assert.LessOrEqual(c.t, s.BusiestSecond, int64(perSecond*1.02))
}

// holders are the parts under way, by who is at them.
func (c *cluster) holders() map[string]int64 {
	found := map[string]int64{}
	got, err := c.server.client.DescribeWorkflow(c.t.Context(), jobWorkflowOf(workflowOf(quota), job), "")
	if err != nil {
		return found // it may be away
	}
	for _, a := range got.RawResponse.GetPendingActivities() {
		if a.GetState() == enums.PENDING_ACTIVITY_STATE_STARTED {
			found[a.GetLastWorkerIdentity()]++
		}
	}
	return found
}

// identityOf is how a worker is known to the server.
func identityOf(t *testing.T, w *process) string {
	t.Helper()
	host, err := os.Hostname()
	require.NoError(t, err)
	return fmt.Sprintf("%s-%d", host, w.command.Process.Pid)
}

// busiest waits until all that may be under way is, and gives the worker that
// is at the most parts, and how many.
func (c *cluster) busiest(all []*process) (w *process, parts int64) {
	c.t.Helper()
	var found map[string]int64
	until(c.t, "all shares are taken", func() bool {
		found = c.holders()
		var n int64
		for parts := range maps.Values(found) {
			n += parts
		}
		return n == parallel
	})
	for _, p := range all {
		if n := found[identityOf(c.t, p)]; n > parts {
			w, parts = p, n
		}
	}
	require.NotNil(c.t, w, "no worker is at anything: %v", found)
	return w, parts
}

// takenFrom waits until what a worker was at is with others.
func (c *cluster) takenFrom(w *process) {
	c.t.Helper()
	until(c.t, "the others have taken over", func() bool {
		found := c.holders()
		return len(found) > 0 && found[identityOf(c.t, w)] == 0
	})
}

// onTheWay is how many rows of some parts may be called again when the worker
// that is at them dies: those in flight, and those not yet in the store.
func onTheWay(parts int64) int64 {
	return parts * (inFlight/parallel + int64(flush.Seconds()*perSecond*0.98/parallel))
}

// service is the sandbox, with the times of its calls.
type service struct {
	*sandbox.Service
	url string
	ill atomic.Bool // it fails customers of illDomain

	revoked atomic.Pointer[string] // a secret that it refuses; nil for none

	mu          sync.Mutex // covers what follows
	calls       int
	first, last time.Time
	gap         time.Duration // the longest without a call
	waiting     map[int]chan struct{}
}

func newService(t *testing.T) *service {
	t.Helper()
	s := &service{Service: sandbox.New(sandbox.Options{Latency: 5 * time.Millisecond, LatencyJitter: 5 * time.Millisecond}), waiting: map[int]chan struct{}{}}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.url = "http://" + listener.Addr().String()
	server := &http.Server{Handler: s}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // until it is closed
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
	})
	return s
}

// illDomain is of customers that the service fails while it is ill.
const illDomain = "@later.example"

// revoke has it refuse a secret.
func (s *service) revoke(secret string) { s.revoked.Store(&secret) }

// ServeHTTP implements http.Handler.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.arrived(time.Now())
	body, _ := io.ReadAll(r.Body)
	if secret := s.revoked.Load(); secret != nil && bytes.Contains(body, []byte(*secret)) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"statusCode":401,"message":"Invalid AppID or AppSecret"}`)
		return
	}
	if s.ill.Load() && bytes.Contains(body, []byte(illDomain)) {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.Service.ServeHTTP(w, r)
}

func (s *service) arrived(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls == 0 {
		s.first, s.last = now, now
	}
	s.gap = max(s.gap, now.Sub(s.last))
	s.last = now
	s.calls++
	if enough, asked := s.waiting[s.calls]; asked {
		close(enough)
	}
}

// after waits for that number of calls. It is asked before they come.
func (s *service) after(t *testing.T, calls int) {
	t.Helper()
	s.mu.Lock()
	enough := make(chan struct{})
	if s.waiting[calls] = enough; s.calls >= calls {
		close(enough)
	}
	s.mu.Unlock()
	select {
	case <-enough:
	case <-time.After(2 * time.Minute):
		require.Fail(t, "the calls do not come", "%d of %d have", s.calls, calls)
	}
}

// longestGap is the longest time without a call, between the first and the last.
func (s *service) longestGap() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gap
}

// span is the time from the first call to the last.
func (s *service) span() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last.Sub(s.first)
}
