//go:build cluster

package main

import (
	"bufio"
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/sandbox"
	"bulkonboard/cmd/internal/cli"
)

// worker starts a worker with an environment of its own, and waits until it
// takes parts.
func (c *cluster) worker(env ...string) *process {
	c.t.Helper()
	w := startProcess(c.t, "worker", slices.Concat(c.env, env), programs+"bulkonboard-temporal", "worker", "--flush-every", flush.String())
	w.saying("is ready")
	return w
}

// saysSick waits until a worker is sick, and status says so, while the job goes
// on.
func (c *cluster) saysSick(w *process) {
	c.t.Helper()
	w.saying("takes no more parts")
	until(c.t, "status says so", func() bool {
		p := c.start("status", job)
		p.end(time.Minute)
		return bytes.Contains(p.said.bytes(), []byte("the worker "+identityOf(c.t, w)+" takes no parts since "))
	})
}

func TestAWorkerWithAnOldSecretHandsItsPartsOnAndEndsNothing(t *testing.T) {
	c := newCluster(t, "")
	c.list(crashRows)
	secrets := map[*process]string{}
	var all []*process
	for i := range 3 {
		secret := fmt.Sprintf("secret-number-%d", i)
		w := c.worker("BULKONBOARD_APP_SECRET=" + secret)
		secrets[w], all = secret, append(all, w)
	}
	submitted := c.start(c.submitArgs()...)
	c.service.after(t, middle)
	victim, _ := c.busiest(all)
	c.service.revoke(secrets[victim])
	c.saysSick(victim)
	c.ends(submitted, crashRows)
	c.requireWithin(0)
}

func TestASecretThatIsRefusedEverywhereEndsTheJob(t *testing.T) {
	c := newCluster(t, "")
	c.list(crashRows)
	c.workers(2)
	c.service.revoke("canary-secret-0451")
	submitted := c.start(c.submitArgs()...)
	require.Equal(t, cli.ExitRefused, submitted.end(2*time.Minute), "%s", submitted.said.bytes())
	assert.Zero(t, c.service.Stats().Calls)
}

func TestAWorkerWithABrokenRouteHandsItsPartsOnAndComesBackByItself(t *testing.T) {
	const rows = 2 * crashRows
	c := newCluster(t, "")
	c.list(rows)
	secure := httptest.NewTLSServer(c.service)
	t.Cleanup(secure.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	require.NoError(t, os.WriteFile(c.file("ca.pem"), authority, 0o600))
	// That is a name of the certificate, and only the proxies know where it leads.
	c.env = append(c.env, "BULKONBOARD_BASE_URL=https://example.com", "BULKONBOARD_CA_FILE="+c.file("ca.pem"))
	routes := map[*process]*tunnel{}
	var all []*process
	for range 3 {
		route := newTunnel(t, secure.Listener.Addr().String())
		w := c.worker("HTTPS_PROXY=http://" + route.address)
		routes[w], all = route, append(all, w)
	}
	submitted := c.start(c.submitArgs("--chunk-rows", strconv.Itoa(chunkRows/2))...)
	c.service.after(t, middle)
	victim, parts := c.busiest(all)
	routes[victim].close()
	c.saysSick(victim)
	routes[victim].open()
	victim.saying("takes parts again")
	c.ends(submitted, rows)
	c.requireWithin(parts * inFlight / parallel) // whose connections were cut
}

func TestThousandsOfRowsThatAlwaysFailCostThemselves(t *testing.T) {
	const rows, bad, first = 2 * crashRows, 2000, 9000
	c := newCluster(t, "")
	var list bytes.Buffer
	list.WriteString("customerType,customerEmail,firstName,lastName\n")
	emails := make([]string, rows)
	for i := range emails {
		emails[i] = fmt.Sprintf("c%d@example.com", i)
		if i >= first && i < first+bad {
			emails[i] = fmt.Sprintf("c%d%s", i, illDomain)
		}
		fmt.Fprintf(&list, "Individual,%s,First%d,Last\n", emails[i], i)
	}
	require.NoError(t, os.WriteFile(c.file("list.csv"), list.Bytes(), 0o600))
	c.service.ill.Store(true)
	c.workers(3)
	submitted := c.start(c.submitArgs("--chunk-rows", "1000", "--max-attempts", "2", "--max-backoff", "100ms", "--max-outage", "2m")...)
	require.Equal(t, cli.ExitBadRows, submitted.end(5*time.Minute), "%s", submitted.said.bytes())
	records := c.results("out.csv")[1:]
	require.Len(t, records, rows)
	for i, r := range records {
		want := []string{emails[i], "ok", sandbox.SessionID("form", emails[i])}
		if i >= first && i < first+bad {
			want = []string{emails[i], "failed", ""}
		}
		require.Equal(t, want, []string{r[1], r[4], r[5]})
	}
	assert.EqualValues(t, rows-bad, c.service.Stats().Customers)
	c.requireWithin(0)
}

// tunnel is a proxy to one service, whatever it is asked for.
type tunnel struct {
	t               *testing.T
	address, target string
	all             sync.WaitGroup

	mu       sync.Mutex // covers what follows
	listener net.Listener
	ends     []net.Conn
}

func newTunnel(t *testing.T, target string) *tunnel {
	t.Helper()
	u := &tunnel{t: t, address: "127.0.0.1:0", target: target}
	u.open()
	u.address = u.listener.Addr().String()
	t.Cleanup(func() {
		u.close()
		u.all.Wait()
	})
	return u
}

// open lets connections through.
func (u *tunnel) open() {
	listener, err := (&net.ListenConfig{}).Listen(u.t.Context(), "tcp", u.address)
	require.NoError(u.t, err)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.listener = listener
	u.all.Go(func() { u.accept(listener) })
}

// close breaks them, and lets no more through.
func (u *tunnel) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	_ = u.listener.Close()
	for _, c := range u.ends {
		_ = c.Close()
	}
	u.ends = nil
}

func (u *tunnel) accept(listener net.Listener) {
	for {
		near, err := listener.Accept()
		if err != nil {
			return // it is closed
		}
		u.all.Go(func() { u.connect(near) })
	}
}

func (u *tunnel) connect(near net.Conn) {
	defer near.Close()
	asked := bufio.NewReader(near)
	if _, err := http.ReadRequest(asked); err != nil {
		return
	}
	far, err := net.Dial("tcp", u.target)
	if err != nil {
		return
	}
	defer far.Close()
	u.mu.Lock()
	u.ends = append(u.ends, near, far)
	u.mu.Unlock()
	if _, err := io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(far, asked); _ = far.Close() })
	_, _ = io.Copy(near, far)
	_ = near.Close()
	both.Wait()
}
