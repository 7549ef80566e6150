package batch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/disk"
	"bulkonboard/batch/preflight"
	"bulkonboard/batch/session"
	"bulkonboard/batch/state"
	"bulkonboard/sink"
	"bulkonboard/source"
)

func TestAFlippedBitInTheStateIsRefusedOrDoesNoHarm(t *testing.T) { flipBits(t, 100) }

// dying is a file system that takes nothing more after a number of changes: what
// it has by then is what a process leaves that is killed there.
type dying struct {
	disk.OS
	left *atomic.Int64
}

var errDied = errors.New("the process has died")

func (d dying) change() error {
	if d.left.Add(-1) < 0 {
		return errDied
	}
	return nil
}

func (d dying) OpenFile(name string, flag int, perm fs.FileMode) (disk.File, error) {
	if flag&os.O_CREATE != 0 {
		if err := d.change(); err != nil {
			return nil, err
		}
	}
	f, err := d.OS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return dyingFile{f, d}, nil
}

func (d dying) Rename(from, to string) error {
	if err := d.change(); err != nil {
		return err
	}
	return d.OS.Rename(from, to)
}

func (d dying) Link(from, to string) error {
	if err := d.change(); err != nil {
		return err
	}
	return d.OS.Link(from, to)
}

func (d dying) Remove(name string) error {
	if err := d.change(); err != nil {
		return err
	}
	return d.OS.Remove(name)
}

// dyingFile does not sync: the machine lives on.
type dyingFile struct {
	disk.File
	fs dying
}

func (f dyingFile) Sync() error { return nil }

func (f dyingFile) Write(b []byte) (int, error) {
	if err := f.fs.change(); err != nil {
		return 0, err
	}
	return f.File.Write(b)
}

func (f dyingFile) Truncate(size int64) error {
	if err := f.fs.change(); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

const flipRows, flipInFlight = 40, 4

// flipJob is a run of a list in which every fifth row is of an earlier customer
// and every seventh is refused.
func flipJob(t *testing.T) *job {
	var b strings.Builder
	b.WriteString("customerType,customerEmail,firstName,lastName\n")
	for row := 1; row <= flipRows; row++ {
		fmt.Fprintf(&b, "Individual,c%d@example.com,First%d,Last\n", flipCustomer(row), row)
	}
	j := newJob(t, b.String(), func(_ context.Context, r *source.Customer, _ int) session.Reply {
		if flipRefused(r.Email) {
			return session.Reply{Outcome: session.Rejected, Recognised: true, Status: 400, Code: "refused", Message: "no"}
		}
		return okFor(r)
	})
	list, err := source.Open(strings.NewReader(j.list), source.Options{Name: "list"})
	require.NoError(t, err)
	forecast, _, err := (&preflight.Preflight{List: list, FormID: "form", Scratch: &memory{}}).Run(t.Context())
	require.NoError(t, err)
	j.adjust = func(c *Config) {
		c.ID, c.MaxInFlight = "run", flipInFlight
		c.Duplicates, c.Ends = forecast.Duplicates, forecast.Ends
		c.Rejects = filepath.Join(j.folder, "rejects.csv")
		c.SummaryFile = SummaryFile{
			Path: sink.SummaryPath(c.Results), Replace: true, Input: func() sink.File { return sink.File{Name: "list"} },
			ExitCode: func(int64, error) int { return 0 }, Retry: func(sink.Status, string) string { return "again" },
		}
	}
	return j
}

func flipCustomer(row int) int {
	if row%5 == 0 {
		return row - 4
	}
	return row
}

func flipRefused(email string) bool {
	var n int
	_, _ = fmt.Sscanf(email, "c%d@", &n)
	return n%7 == 0
}

// requireRight checks that every row has its own result, and what is published
// is one run's.
func (j *job) requireRight(t *testing.T, seed uint64) {
	rows := j.rows()
	require.Len(t, rows, flipRows, "seed %d", seed)
	var rejects strings.Builder
	rejects.WriteString("customerType,customerEmail,firstName,lastName\n")
	for i, row := range rows {
		email := fmt.Sprintf("c%d@example.com", flipCustomer(i+1))
		require.Equal(t, []string{"Individual", email, fmt.Sprintf("First%d", i+1), "Last"}, row[:4], "seed %d", seed)
		if flipRefused(email) {
			require.Empty(t, row[5], "seed %d", seed)
			fmt.Fprintf(&rejects, "Individual,%s,First%d,Last\n", email, i+1)
			continue
		}
		require.Equal(t, "session-of-"+email, row[5], "seed %d, row %d", seed, i+1)
	}
	b, err := os.ReadFile(filepath.Join(j.folder, "rejects.csv"))
	require.NoError(t, err)
	require.Equal(t, rejects.String(), string(b), "seed %d", seed)
	b, err = os.ReadFile(sink.SummaryPath(j.results()))
	require.NoError(t, err)
	_, err = sink.DecodeSummary(b)
	require.NoError(t, err, "seed %d", seed)
}

// flipBits has a run die somewhere, turns one bit of what it left, and resumes.
func flipBits(t *testing.T, times int) {
	whole := flipJob(t)
	_, err := whole.run(t.Context())
	require.NoError(t, err)
	whole.requireRight(t, 0)
	once, refused := whole.service.total(), 0
	for seed := range uint64(times) {
		r := rand.New(rand.NewPCG(seed, 18))
		j := flipJob(t)
		j.fsys = dying{left: new(atomic.Int64)}
		j.fsys.(dying).left.Store(int64(5 + r.IntN(60)))
		if _, err := j.run(t.Context()); err == nil {
			continue
		}
		if j.isOver() {
			continue // nothing is left to resume
		}
		calls := j.service.total()
		where := flipOne(t, j.results()+".state", r)
		j.fsys = disk.OS{}
		_, err := j.run(t.Context())
		if err != nil {
			refused++
			require.True(t, errors.As(err, new(*state.CorruptError)) || errors.As(err, new(*source.ChangedError)), "seed %d, %s: %v", seed, where, err)
			if _, err := os.Stat(j.results()); err == nil && !strings.HasSuffix(where, "/results") { // of which that is another name
				j.requireRight(t, seed)
			}
			assert.Equal(t, calls, j.service.total(), "seed %d, %s: no customer is called", seed, where)
			continue
		}
		j.requireRight(t, seed)
		for email, n := range j.service.calls {
			require.LessOrEqual(t, n, 3, "seed %d, %s: %s", seed, where, email)
		}
		// Again are called those in flight, and those whose answer was on its
		// way to the journal.
		assert.LessOrEqual(t, j.service.total(), once+2*flipInFlight, "seed %d, %s", seed, where)
	}
	assert.Positive(t, refused)
	assert.Less(t, refused, times)
}

// isOver reports a run that has put its results in place and let go of them.
func (j *job) isOver() bool {
	_, results := os.Stat(j.results())
	_, checkpoint := os.Stat(filepath.Join(j.results()+".state", "checkpoint"))
	return results == nil && checkpoint != nil
}

// flipOne turns one bit of all that a folder has, and says where.
func flipOne(t *testing.T, folder string, r *rand.Rand) string {
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Size() > 0 {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		return "nothing there"
	}
	name := filepath.Join(folder, names[r.IntN(len(names))])
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	at, bit := r.IntN(len(b)), r.IntN(8)
	b[at] ^= 1 << bit
	require.NoError(t, os.WriteFile(name, b, 0o600))
	return fmt.Sprintf("bit %d of byte %d of %s", bit, at, name)
}
