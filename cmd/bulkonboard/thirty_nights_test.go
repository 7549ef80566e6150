package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/sandbox"
	"bulkonboard/cmd/internal/cli"
)

// year is a job that runs every night, a service whose faults the test chooses,
// and what the service was asked.
type year struct {
	*program
	rows  int            // customers of the list
	names map[int]string // last names that are not Last
	wants map[string]int // calls that there must have been by now, by address
	kills int            // starts that were killed

	mu      sync.Mutex
	calls   map[string]int // that the service processed
	tonight int
	down    int // calls of a night from which on the service is down; 0: never
	secret  string
	slow    time.Duration
}

const inFlightAtNight = 2

func newYear(t *testing.T) *year {
	y := &year{program: newProgram(t, 0, sandbox.Options{}), names: map[int]string{}, wants: map[string]int{}, calls: map[string]int{}, secret: canarySecret}
	server := httptest.NewServer(y)
	t.Cleanup(server.Close)
	y.env = append(os.Environ(), "GORACE="+hasty)
	require.NoError(t, os.WriteFile(y.file("secret"), []byte(canarySecret), 0o600))
	require.NoError(t, os.WriteFile(y.file("job.yaml"), fmt.Appendf(nil, `
input: customers.csv
output: results.csv
overwrite: true
ledger: customers.db
metricsFile: nightly.prom
baseUrl: %s
appId: app
tenantId: tenant
formId: form
appSecretFile: secret
rate: 0
maxInflight: %d
maxOutage: 300ms
`, server.URL, inFlightAtNight), 0o600))
	return y
}

// ServeHTTP implements http.Handler. It refuses customers whose last name is
// Refused.
func (y *year) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var c struct {
		AppSecret, CustomerEmail string
		Individual               struct{ LastName string }
	}
	if json.NewDecoder(r.Body).Decode(&c) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	y.tonight++
	say := func(status int, message, session string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"statusCode":%d,"messages":[%q],"result":{"sessionId":%q}}`, status, message, session)
	}
	switch {
	case y.down > 0 && y.tonight > y.down:
		w.WriteHeader(http.StatusServiceUnavailable)
	case c.AppSecret != y.secret:
		say(http.StatusUnauthorized, "Invalid AppId or AppSecret", "")
	case c.Individual.LastName == "Refused":
		y.calls[c.CustomerEmail]++
		say(http.StatusBadRequest, "Invalid Customer Details", "")
	default:
		time.Sleep(y.slow)
		y.calls[c.CustomerEmail]++
		say(http.StatusOK, "", sandbox.SessionID("form", c.CustomerEmail))
	}
}

// grow adds customers to the list.
func (y *year) grow(by int) {
	for range by {
		y.rows++
		y.wants[addressOf30(y.rows)]++
	}
}

// rename changes a customer, who is then called again.
func (y *year) rename(n int, name string) {
	y.names[n] = name
	y.wants[addressOf30(n)]++
}

func addressOf30(n int) string { return fmt.Sprintf("c%d@example.com", n) }

// export writes the first rows of the list, and one that is invalid every night.
func (y *year) export(rows int) {
	var b bytes.Buffer
	b.WriteString("customerType,customerEmail,firstName,lastName\n")
	if rows > 0 {
		b.WriteString("Individual,no address,Ann,Lee\n")
	}
	for n := rows; n > 0; n-- { // the newest first: every list differs from its first row on
		name := "Last"
		if y.names[n] != "" {
			name = y.names[n]
		}
		fmt.Fprintf(&b, "Individual,%s,First%d,%s\n", addressOf30(n), n, name)
	}
	require.NoError(y.t, os.WriteFile(y.file("customers.csv"), b.Bytes(), 0o600))
}

// service sets what the service does tonight.
func (y *year) serve(down int, slow time.Duration) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.tonight, y.down, y.slow = 0, down, slow
}

func (y *year) asked() int {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.tonight
}

// job starts the nightly command.
func (y *year) job() (*exec.Cmd, *bytes.Buffer) {
	return y.command("run", "--config", y.file("job.yaml"))
}

// night runs the job, which must end with a code.
func (y *year) night(code int) (said string) {
	y.t.Helper()
	c, stderr := y.job()
	require.Equal(y.t, code, y.end(c), stderr.String())
	assert.InDelta(y.t, code, y.metric("run_exit_code"), 0, stderr.String())
	return stderr.String()
}

// normal is a night of which nothing is expected but a code, and what was called.
func (y *year) normal(code int, news, open float64) (said string) {
	y.t.Helper()
	y.serve(0, 0)
	y.export(y.rows)
	before := y.metric("last_success_timestamp_seconds")
	said = y.night(code)
	assert.Greater(y.t, y.metric("last_success_timestamp_seconds"), before)
	assert.Equal(y.t, []float64{news, open}, []float64{y.metric(`problem_rows{age="new"}`), y.metric(`problem_rows{age="open"}`)}, said)
	y.requireCalled()
	return said
}

// kill starts the job and kills it after some calls.
func (y *year) kill(calls int) {
	y.t.Helper()
	y.serve(0, 3*time.Millisecond)
	y.export(y.rows)
	c, stderr := y.job()
	y.until("calls", func() bool { return y.asked() >= calls })
	_ = c.Process.Kill()
	require.Equal(y.t, -1, y.end(c), stderr.String())
	y.kills++
}

// refused is a night whose list is not a list: nothing is called and nothing replaced.
func (y *year) refused(code int, words string) {
	y.t.Helper()
	y.serve(0, 0)
	before, err := os.ReadFile(y.file("results.csv"))
	require.NoError(y.t, err)
	success := y.metric("last_success_timestamp_seconds")
	assert.Contains(y.t, y.night(code), words)
	after, err := os.ReadFile(y.file("results.csv"))
	require.NoError(y.t, err)
	assert.Equal(y.t, before, after)
	assert.InDelta(y.t, success, y.metric("last_success_timestamp_seconds"), 0)
	assert.Zero(y.t, y.asked())
}

// metric is a value of the metrics file; 0 where it is absent.
func (y *year) metric(name string) float64 {
	b, err := os.ReadFile(y.file("nightly.prom"))
	if os.IsNotExist(err) {
		return 0
	}
	require.NoError(y.t, err)
	found := regexp.MustCompile(`(?m)^bulkonboard_` + regexp.QuoteMeta(name) + ` (.*)$`).FindSubmatch(b)
	if found == nil {
		return 0
	}
	value, err := strconv.ParseFloat(string(found[1]), 64)
	require.NoError(y.t, err)
	return value
}

// requireCalled checks that every customer was called as often as it must be: but
// for the calls that were in flight when a start was killed.
func (y *year) requireCalled() {
	y.t.Helper()
	y.mu.Lock()
	defer y.mu.Unlock()
	twice := 0
	for address, n := range y.wants {
		require.GreaterOrEqual(y.t, y.calls[address], n, address)
		twice += y.calls[address] - n
	}
	require.Len(y.t, y.calls, len(y.wants), "no other customer")
	require.LessOrEqual(y.t, twice, y.kills*inFlightAtNight)
}

func TestThirtyNightsNeedAPersonOnlyWhenThereIsSomethingToDo(t *testing.T) {
	t.Parallel() // one program at a time leaves processors idle
	y := newYear(t)
	y.names[3], y.names[4], y.names[5] = "Refused", "Refused", "Refused"
	y.grow(60)
	y.normal(cli.ExitBadRows, 4, 0) // 1: three refused customers and one bad address
	y.grow(5)
	assert.Contains(t, y.normal(cli.ExitOK, 0, 4), "open since an earlier run") // 2: which are not news

	y.grow(10)
	y.export(y.rows)
	y.serve(4, 0)
	y.night(cli.ExitStopped) // 3: an outage
	y.grow(5)
	assert.Contains(t, y.normal(cli.ExitOK, 0, 4), "the list has changed since run") // 4: healed by itself
	for range 2 {                                                                    // 5, 6: an outage of two nights
		y.grow(10)
		y.export(y.rows)
		y.serve(3, 0)
		y.night(cli.ExitStopped)
	}
	y.grow(5)
	y.normal(cli.ExitOK, 0, 4) // 7

	y.export(0)
	y.refused(cli.ExitBadList, "the list has no rows") // 8: header only
	y.grow(5)
	y.normal(cli.ExitOK, 0, 4) // 9
	y.export(y.rows / 3)
	y.refused(cli.ExitBadList, "add --min-rows") // 10: a third of the size
	y.normal(cli.ExitOK, 0, 4)                   // 11
	require.NoError(t, os.Remove(y.file("customers.csv")))
	y.refused(cli.ExitBadList, "there is no list ") // 12: no file
	y.grow(5)
	y.normal(cli.ExitOK, 0, 4) // 13

	y.grow(40)
	y.kill(15) // 14: killed, and not started again
	y.grow(5)
	y.normal(cli.ExitOK, 0, 4) // 15
	y.grow(40)
	y.kill(15)
	y.serve(0, 0)
	y.night(cli.ExitOK) // 16: killed, and started again with the same list
	y.requireCalled()

	y.grow(20)
	y.export(y.rows)
	y.full()
	y.night(cli.ExitOK) // 17: the disk was full, and then it was not
	y.grow(20)
	y.export(y.rows)
	y.full() // 18: the disk was full all night
	y.grow(5)
	y.normal(cli.ExitOK, 0, 4) // 19

	y.rename(3, "Fixed")
	y.normal(cli.ExitOK, 0, 3) // 20: one of the refused customers is fixed
	y.grow(5)
	y.mu.Lock()
	y.secret = "canary-secret-rotated"
	y.mu.Unlock()
	y.export(y.rows)
	y.serve(0, 0)
	y.night(cli.ExitRefused) // 21: the secret was rotated, and the job was not told
	require.NoError(t, os.WriteFile(y.file("secret"), []byte("canary-secret-rotated"), 0o600))
	y.grow(5)
	y.normal(cli.ExitOK, 0, 3) // 22
	y.grow(1)
	y.names[y.rows] = "Refused"
	y.normal(cli.ExitBadRows, 1, 3) // 23: another one is refused
	y.normal(cli.ExitBadRows, 1, 3) // 24: the same list: already complete, as it was
	y.grow(1)
	y.normal(cli.ExitOK, 0, 4) // 25
	y.rename(3, "Refused")
	y.normal(cli.ExitBadRows, 1, 4) // 26: what was fixed is wrong again
	for range 4 {                   // 27 to 30
		y.grow(5)
		y.normal(cli.ExitOK, 0, 5)
	}

	var out bytes.Buffer
	c, stderr := y.commandTo(&out, "ledger", "problems", "--ledger", y.file("customers.db"))
	require.Zero(t, y.end(c), stderr.String())
	assert.Regexp(t, fmt.Sprintf(`^form form of tenant tenant: 5 of %d rows need attention, by run `, y.rows+1), out.String())
	assert.Regexp(t, `(?m)^  row 1 +invalid_customer_email +open since 20`, out.String())
	assert.NotContains(t, out.String(), "example.com")
}

// full runs the job where there is no room for the ledger to grow, which must end
// with 74.
func (y *year) full() {
	y.t.Helper()
	y.serve(0, 0)
	info, err := os.Stat(y.file("customers.db"))
	require.NoError(y.t, err)
	shell := y.shell(fmt.Sprintf(`ulimit -f %d; trap '' XFSZ; exec "$0" run --config job.yaml`, info.Size()/512/2))
	out, _ := shell.CombinedOutput()
	require.Equal(y.t, cli.ExitIO, shell.ProcessState.ExitCode(), string(out))
	assert.InDelta(y.t, cli.ExitIO, y.metric("run_exit_code"), 0)
}
