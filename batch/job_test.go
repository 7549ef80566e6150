package batch

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"bulkonboard/batch/disk"
	"bulkonboard/batch/pace"
	"bulkonboard/batch/session"
	"bulkonboard/batch/state"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// callerFunc is a service in one function. It is told which attempt for this
// customer it is answering, from 1.
type callerFunc func(ctx context.Context, r *source.Customer, attempt int) session.Reply

// fakeService counts what a callerFunc is asked.
type fakeService struct {
	answer callerFunc

	mu       sync.Mutex
	calls    map[string]int
	together map[string]int
	overlaps int
	inFlight int
	most     int
}

func newFakeService(f callerFunc) *fakeService {
	return &fakeService{answer: f, calls: map[string]int{}, together: map[string]int{}}
}

func (f *fakeService) Call(ctx context.Context, r *source.Customer) session.Reply {
	key := string(source.AppendCustomerKey(nil, r.FormID, r.Email))
	f.mu.Lock()
	f.calls[key]++
	attempt := f.calls[key]
	f.together[key]++
	if f.together[key] > 1 {
		f.overlaps++
	}
	f.inFlight++
	f.most = max(f.most, f.inFlight)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.together[key]--
		f.inFlight--
		f.mu.Unlock()
	}()
	return f.answer(ctx, r, attempt)
}

func (f *fakeService) total() (n int) {
	for _, calls := range f.calls {
		n += calls
	}
	return n
}

func okFor(r *source.Customer) session.Reply {
	return session.Reply{Outcome: session.OK, Recognised: true, Status: 200, SessionID: "session-of-" + r.Email}
}

// csvList makes a list of n customers; row i is customer i.
func csvList(n int) string {
	var b strings.Builder
	b.WriteString("customerType,customerEmail,firstName,lastName\n")
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "Individual,c%d@example.com,First%d,Last\n", i, i)
	}
	return b.String()
}

// job is a run in a folder of its own, which can be started again.
type job struct {
	t       *testing.T
	folder  string
	list    string
	service *fakeService
	adjust  func(*Config)
	fsys    disk.FS
}

func newJob(t *testing.T, list string, f callerFunc) *job {
	return &job{t: t, folder: t.TempDir(), list: list, service: newFakeService(f), adjust: func(*Config) {}, fsys: disk.OS{}}
}

func (j *job) results() string { return filepath.Join(j.folder, "results.csv") }

func (j *job) run(ctx context.Context) (*Summary, error) {
	list, err := source.Open(strings.NewReader(j.list), source.Options{Name: "list"})
	require.NoError(j.t, err)
	dir, err := state.Open(j.fsys, j.results()+".state", state.Options{})
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	c := Config{
		List:        list,
		Encoder:     sink.NewCSV(list.Header(), sink.CSVOptions{Delimiter: ',', LineEnd: "\n"}),
		Caller:      j.service,
		Pace:        pace.Config{MaxInFlight: 8},
		State:       dir,
		Scratch:     &memory{},
		Results:     j.results(),
		Binding:     Binding{{Name: "endpoint", Value: "fake"}},
		FormID:      "form",
		MaxInFlight: 8,
		MaxAttempts: 3,
		MaxBackoff:  time.Minute,
		Grace:       time.Second,
		Log:         slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	j.adjust(&c)
	return Run(ctx, c)
}

// rows reads the results, without their header.
func (j *job) rows() [][]string {
	b, err := os.ReadFile(j.results())
	require.NoError(j.t, err)
	rows, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
	require.NoError(j.t, err)
	return rows[1:]
}

// Columns of a result row of csvList.
const (
	colEmail = iota + 1
	_
	_
	colStatus
	colSession
	colCode
	colMessage
	colAttempts
	colProcessedAt
)

// requireEachItsOwn checks promise 1: every row once, in order, with the
// session of its own customer.
func (j *job) requireEachItsOwn(n int) {
	rows := j.rows()
	require.Len(j.t, rows, n)
	for i, row := range rows {
		email := fmt.Sprintf("c%d@example.com", i+1)
		require.Equal(j.t, email, row[colEmail])
		require.Equal(j.t, "ok", row[colStatus])
		require.Equal(j.t, "session-of-"+email, row[colSession])
	}
}

// memory is a scratch file of a test.
type memory struct{ b []byte }

func (m *memory) Write(b []byte) (int, error) {
	m.b = append(m.b, b...)
	return len(b), nil
}

func (m *memory) ReadAt(b []byte, at int64) (int, error) {
	n := copy(b, m.b[at:])
	if n < len(b) {
		return n, io.ErrUnexpectedEOF
	}
	return n, nil
}

// fullDisk takes some bytes and no more.
type fullDisk struct {
	memory
	left int
}

func (d *fullDisk) Write(b []byte) (int, error) {
	if d.left -= len(b); d.left < 0 {
		return 0, errors.New("no space left on device")
	}
	return d.memory.Write(b)
}

func (d *fullDisk) ReadAt([]byte, int64) (int, error) { return 0, errors.New("input/output error") }

func statuses(rows [][]string) []string {
	var out []string
	for _, row := range rows {
		out = append(out, row[colStatus])
	}
	return out
}
