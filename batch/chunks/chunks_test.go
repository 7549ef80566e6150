package chunks

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch"
	"bulkonboard/batch/disk"
	"bulkonboard/batch/measure"
	"bulkonboard/batch/preflight"
	"bulkonboard/batch/session"
	"bulkonboard/batch/state"
	"bulkonboard/batch/store"
	"bulkonboard/sink"
	"bulkonboard/source"
)

var quiet = slog.New(slog.DiscardHandler)

// service answers and counts calls by e-mail address.
type service struct {
	answer func(r *source.Customer, attempt int) session.Reply

	mu    sync.Mutex
	calls map[string]int
}

func newService() *service { return &service{answer: wellFor, calls: map[string]int{}} }

// wellFor gives a session id, and refuses customers whose name says so.
func wellFor(r *source.Customer, _ int) session.Reply {
	a := session.Reply{Recognised: true, Status: 200, Outcome: session.OK, SessionID: "session-of-" + strings.ToLower(r.Email)}
	if strings.HasPrefix(r.FirstName, "Refused") {
		a.Outcome, a.SessionID, a.Code, a.Message = session.Rejected, "", "validation_error", "not this one"
	}
	return a
}

func (s *service) Call(_ context.Context, r *source.Customer) session.Reply {
	s.mu.Lock()
	email := strings.ToLower(r.Email)
	s.calls[email]++
	n := s.calls[email]
	s.mu.Unlock()
	return s.answer(r, n)
}

// cluster is a job on machines that share a folder.
type cluster struct {
	t       *testing.T
	folder  string
	store   store.Store
	list    string
	job     Job
	service *service
	m       *Manifest
}

func newCluster(t *testing.T, list string, chunkRows int64) *cluster {
	c := &cluster{t: t, folder: t.TempDir(), list: list, service: newService()}
	require.NoError(t, os.Mkdir(filepath.Join(c.folder, "store"), 0o700))
	dir, err := store.Open(filepath.Join(c.folder, "store"))
	require.NoError(t, err)
	c.store = dir
	c.job = Job{
		List: ListSettings{Name: "list"}, Service: ServiceSettings{FormID: "form"}, Parallel: 3, ChunkRows: chunkRows,
		Bounds: Bounds{Calls: CallSettings{MaxInFlight: 12, MaxAttempts: 3, MaxBackoff: time.Second, MaxOutage: time.Minute}},
	}
	return c
}

func (c *cluster) scratch() string {
	dir, err := os.MkdirTemp(c.folder, "scratch-")
	require.NoError(c.t, err)
	return dir
}

func (c *cluster) planner() *Planner {
	return &Planner{Store: c.store, Job: c.job, List: strings.NewReader(c.list), Scratch: c.scratch(), Invalid: measure.Limit{Percent: 100}}
}

func (c *cluster) plan() {
	c.t.Helper()
	var err error
	c.m, err = c.planner().Plan(c.t.Context())
	require.NoError(c.t, err)
}

func (c *cluster) worker(round int) *Worker {
	return &Worker{
		Store: c.store, Manifest: c.m, Round: round, Caller: c.service, Owner: "test", Scratch: c.scratch(),
		FlushEvery: 10 * time.Millisecond, Grace: time.Second, Linger: time.Second, Log: quiet,
	}
}

// run runs every part of a round.
func (c *cluster) run(round int) {
	c.t.Helper()
	for i := range c.m.Chunks {
		require.NoError(c.t, c.worker(round).RunChunk(c.t.Context(), i), "chunk %d", i)
	}
	require.NoError(c.t, c.worker(round).RunRest(c.t.Context()))
}

func (c *cluster) merged(round int) string {
	return filepath.Join(c.folder, fmt.Sprintf("merged-%d.csv", round))
}

func (c *cluster) merge(round int) (*batch.Summary, error) {
	output := c.merged(round)
	dir, err := state.Open(disk.OS{}, output+".state", state.Options{})
	require.NoError(c.t, err)
	defer dir.Close()
	g := &Merger{
		Store: c.store, Manifest: c.m, Round: round, State: dir, Results: output, Rejects: output + ".rejects",
		Scratch: scratchFile(c.t), Log: quiet,
	}
	return g.Merge(c.t.Context())
}

func scratchFile(t *testing.T) *os.File {
	f, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

// single makes the results that one machine makes of a list.
func single(t *testing.T, list string, j *Job, s *service) (results, rejects string) {
	t.Helper()
	output := filepath.Join(t.TempDir(), "results.csv")
	ahead, err := source.Open(strings.NewReader(list), j.List.options())
	require.NoError(t, err)
	f, _, err := (&preflight.Preflight{List: ahead, FormID: "form", Scratch: scratchFile(t)}).Run(t.Context())
	require.NoError(t, err)
	l, err := source.Open(strings.NewReader(list), j.List.options())
	require.NoError(t, err)
	encoder, err := batch.EncoderFor(l, j.FormulaSafe)
	require.NoError(t, err)
	dir, err := state.Open(disk.OS{}, output+".state", state.Options{})
	require.NoError(t, err)
	defer dir.Close()
	c := batch.Config{
		ID: "single", List: l, Encoder: encoder, Caller: s, State: dir,
		Results: output, Rejects: output + ".rejects", Duplicates: f.Duplicates, Scratch: scratchFile(t), FormID: "form",
		MaxInFlight: 4, MaxAttempts: 3, MaxBackoff: time.Second, Grace: time.Second, AcceptRefusals: true, Log: quiet,
	}
	if j.EachRow {
		c.Duplicates = nil
	}
	_, err = batch.Run(t.Context(), c)
	require.NoError(t, err)
	return read(t, output), read(t, output+".rejects")
}

func read(t *testing.T, name string) string {
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(b)
}

// requireAsSingle compares what was merged, and what was called for, with what
// one machine makes.
func (c *cluster) requireAsSingle(round int) {
	c.t.Helper()
	alone := newService()
	alone.answer = c.service.answer
	results, rejects := single(c.t, c.list, &c.job, alone)
	assert.Equal(c.t, withoutTimes(results), withoutTimes(read(c.t, c.merged(round))))
	assert.Equal(c.t, rejects, read(c.t, c.merged(round)+".rejects"))
	assert.Equal(c.t, alone.calls, c.service.calls)
}

// times are when rows were answered, which is never the same.
var times = regexp.MustCompile(`20\d\d-\d\d-\d\dT[0-9:.]+Z`)

func withoutTimes(results string) string { return times.ReplaceAllString(results, "TIME") }

func listOf(n int) string {
	var b strings.Builder
	b.WriteString("customerType,customerEmail,firstName,lastName\n")
	for i := range n {
		fmt.Fprintf(&b, "Individual,c%d@example.com,First%d,Last\n", i+1, i+1)
	}
	return b.String()
}

func TestAListInChunksComesToWhatOneMachineMakes(t *testing.T) {
	c := newCluster(t, listOf(100), 7)
	c.plan()
	require.Len(t, c.m.Chunks, 15)
	c.run(1)
	summary, err := c.merge(1)
	require.NoError(t, err)
	assert.EqualValues(t, 100, summary.Status[sink.OK])
	assert.EqualValues(t, 100, summary.Attempts)
	c.requireAsSingle(1)
}

func TestMergingAgainMakesTheSameBytes(t *testing.T) {
	c := newCluster(t, rowsOf("aBa!Bb"), 2)
	c.plan()
	c.run(1)
	_, err := c.merge(1)
	require.NoError(t, err)
	first := read(t, c.merged(1))
	_, err = c.merge(1)
	require.NoError(t, err)
	assert.Equal(t, first, read(t, c.merged(1)))
}

// rowsOf are lists of rows by letters: a capital letter is a row of a customer
// that is refused, a small one a row that is not, ! an invalid one.
func rowsOf(letters string) string {
	var b strings.Builder
	b.WriteString("customerType,customerEmail,firstName,lastName\n")
	for _, r := range letters {
		switch l := string(r); {
		case l == "!":
			b.WriteString("Individual,nobody,X,Y\n")
		case l >= "A" && l <= "Z":
			fmt.Fprintf(&b, "Individual,%s@example.com,Refused,Last\n", strings.ToLower(l))
		default:
			fmt.Fprintf(&b, "Individual,%s@example.com,First,Last\n", l)
		}
	}
	return b.String()
}

func TestCustomersWithRowsInSeveralChunksAreCalledAsOnOneMachine(t *testing.T) {
	for _, letters := range []string{"abcabc", "Abca", "AAAa", "aAaA", "AbAbab!Aa", "aabbaabb", "ABab!!ABab", "AxyzAuvwa"} {
		for _, rows := range []int64{1, 2, 3} {
			for _, each := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%d/%v", letters, rows, each), func(t *testing.T) {
					t.Parallel()
					c := newCluster(t, rowsOf(letters), rows)
					c.job.EachRow = each
					c.plan()
					c.run(1)
					_, err := c.merge(1)
					require.NoError(t, err)
					c.requireAsSingle(1)
				})
			}
		}
	}
}
