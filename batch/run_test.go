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
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/measure"
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
	fsys    state.FS
}

func newJob(t *testing.T, list string, f callerFunc) *job {
	return &job{t: t, folder: t.TempDir(), list: list, service: newFakeService(f), adjust: func(*Config) {}, fsys: state.OS{}}
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
		Binding:     map[string]string{"endpoint": "fake"},
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

func TestEveryRowGetsItsOwnResultInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJob(t, csvList(500), func(_ context.Context, r *source.Customer, _ int) session.Reply {
			time.Sleep(time.Duration(len(r.Email)*7%13) * time.Millisecond)
			return okFor(r)
		})
		sum, err := j.run(t.Context())
		require.NoError(t, err)
		j.requireEachItsOwn(500)
		assert.True(t, sum.Complete)
		assert.EqualValues(t, 500, sum.Rows)
		assert.EqualValues(t, 500, sum.Status[sink.OK])
		assert.Equal(t, 8, j.service.most, "as many in flight as allowed, and no more")
		assert.NoDirExists(t, j.results()+".state")
	})
}

func TestTransientFailuresAreSentAgainAndOthersAreNot(t *testing.T) {
	cases := []struct {
		name         string
		answer       callerFunc
		status, code string
		attempts     int
	}{
		{"a refused row", func(_ context.Context, _ *source.Customer, _ int) session.Reply {
			return session.Reply{Outcome: session.Rejected, Status: 400, Code: "invalid_customer_details", Message: "Invalid Customer Details"}
		}, "rejected", "invalid_customer_details", 1},
		{"one 500", func(_ context.Context, r *source.Customer, attempt int) session.Reply {
			if attempt == 1 {
				return session.Reply{Outcome: session.Failed, Status: 500, Code: "http_500"}
			}
			return okFor(r)
		}, "ok", "", 2},
		{"always 500", func(context.Context, *source.Customer, int) session.Reply {
			return session.Reply{Outcome: session.Failed, Status: 500, Code: "http_500", Message: "Server error"}
		}, "failed", "http_500", 3},
		{"throttled more often than there are attempts", func(_ context.Context, r *source.Customer, attempt int) session.Reply {
			if attempt <= 5 {
				return session.Reply{Outcome: session.Throttled, Status: 429, Code: "rate_limited"}
			}
			return okFor(r)
		}, "ok", "", 6},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := newJob(t, csvList(1), c.answer)
				_, err := j.run(t.Context())
				require.NoError(t, err)
				row := j.rows()[0]
				assert.Equal(t, c.status, row[colStatus])
				assert.Equal(t, c.code, row[colCode])
				assert.Equal(t, strconv.Itoa(c.attempts), row[colAttempts])
			})
		})
	}
}

func TestARowInBackoffDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		finished := map[string]time.Duration{}
		start := time.Now()
		var mu sync.Mutex
		j := newJob(t, csvList(1000), func(_ context.Context, r *source.Customer, attempt int) session.Reply {
			time.Sleep(time.Millisecond)
			if r.Email == "c1@example.com" && attempt < 3 {
				return session.Reply{Outcome: session.Failed, Status: 500, Code: "http_500"}
			}
			mu.Lock()
			finished[r.Email] = time.Since(start)
			mu.Unlock()
			return okFor(r)
		})
		j.adjust = func(c *Config) { c.MaxInFlight, c.Pace = 1, pace.Config{MaxInFlight: 1} }
		_, err := j.run(t.Context())
		require.NoError(t, err)
		j.requireEachItsOwn(1000)
		assert.Less(t, finished["c1000@example.com"], 1010*time.Millisecond, "1000 calls of 1 ms, one at a time, and no waiting")
	})
}

func TestTwoRecordsOfOneCustomerAreNeverInFlightTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := "customerType,customerEmail,firstName,lastName\n" +
			strings.Repeat("Individual,Ann@example.com,Ann,Lee\nIndividual,ann@EXAMPLE.com ,Ann,Lee\n", 20)
		j := newJob(t, list, func(_ context.Context, r *source.Customer, _ int) session.Reply {
			time.Sleep(10 * time.Millisecond)
			return okFor(r)
		})
		_, err := j.run(t.Context())
		require.NoError(t, err)
		assert.Len(t, j.rows(), 40)
		assert.Zero(t, j.service.overlaps)
	})
}

func TestRefusedCredentialsStopTheRunAndNoRowIsLost(t *testing.T) {
	for _, outcome := range []session.Outcome{session.CredentialsRefused, session.TenantRefused} {
		synctest.Test(t, func(t *testing.T) {
			revoked, calls := true, 0
			j := newJob(t, csvList(100), func(_ context.Context, r *source.Customer, _ int) session.Reply {
				if calls++; revoked && calls > 49 {
					return session.Reply{Outcome: outcome, Status: 401, Code: "refused"}
				}
				return okFor(r)
			})
			j.adjust = func(c *Config) { c.MaxInFlight, c.Pace = 1, pace.Config{MaxInFlight: 1} }
			sum, err := j.run(t.Context())
			var refused *RefusedError
			require.ErrorAs(t, err, &refused)
			assert.False(t, sum.Complete)
			assert.EqualValues(t, 49, sum.Rows)
			assert.Equal(t, 50+checks, calls, "some others are asked")
			assert.NoFileExists(t, j.results())

			revoked = false
			sum, err = j.run(t.Context())
			require.NoError(t, err)
			j.requireEachItsOwn(100)
			assert.Zero(t, sum.InDoubt)
		})
	}
}

func TestAWrongAddressIsNoticedOnTheFirstAnswersOnly(t *testing.T) {
	notTheAPI := session.Reply{Outcome: session.NotTheAPI, Status: 404, Code: "http_404"}
	synctest.Test(t, func(t *testing.T) {
		j := newJob(t, csvList(10), func(context.Context, *source.Customer, int) session.Reply { return notTheAPI })
		_, err := j.run(t.Context())
		var refused *RefusedError
		require.ErrorAs(t, err, &refused)
	})
	synctest.Test(t, func(t *testing.T) {
		j := newJob(t, csvList(10), func(_ context.Context, r *source.Customer, attempt int) session.Reply {
			if r.Email == "c9@example.com" && attempt == 1 {
				time.Sleep(time.Second)
				return notTheAPI
			}
			a := okFor(r)
			return a
		})
		_, err := j.run(t.Context())
		require.NoError(t, err)
		j.requireEachItsOwn(10)
	})
}

func TestAnInterruptedRunGoesOnAndCallsNobodyTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJob(t, csvList(300), func(_ context.Context, r *source.Customer, _ int) session.Reply {
			time.Sleep(10 * time.Millisecond)
			return okFor(r)
		})
		for n := 1; ; n++ {
			ctx, cancel := context.WithCancelCause(t.Context())
			stop := time.AfterFunc(95*time.Millisecond, func() { cancel(ErrInterrupted) })
			sum, err := j.run(ctx)
			stop.Stop()
			cancel(nil)
			if err == nil {
				assert.Equal(t, n-1, sum.Resumed)
				assert.Greater(t, n, 3)
				break
			}
			require.ErrorIs(t, err, ErrInterrupted)
		}
		j.requireEachItsOwn(300)
		for email, n := range j.service.calls {
			assert.Equal(t, 1, n, email)
		}
	})
}

func TestAListThatGrewGoesOnAndOneThatChangedDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJob(t, csvList(100), func(_ context.Context, r *source.Customer, _ int) session.Reply {
			time.Sleep(10 * time.Millisecond)
			return okFor(r)
		})
		ctx, cancel := context.WithTimeoutCause(t.Context(), 55*time.Millisecond, ErrInterrupted)
		defer cancel()
		_, err := j.run(ctx)
		require.ErrorIs(t, err, ErrInterrupted)

		before := j.list
		j.list = strings.Replace(before, "First3,", "Fury3,", 1)
		_, err = j.run(t.Context())
		var changed *source.ChangedError
		require.ErrorAs(t, err, &changed)

		j.list = before
		j.adjust = func(c *Config) { c.Binding = map[string]string{"endpoint": "another"} }
		_, err = j.run(t.Context())
		var other *ChangedError
		require.ErrorAs(t, err, &other)

		j.adjust = func(*Config) {}
		j.list = csvList(120)
		_, err = j.run(t.Context())
		require.NoError(t, err)
		j.requireEachItsOwn(120)
	})
}

func TestARowThatChangedSinceItsAnswerCameIsNotGivenIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJob(t, csvList(20), func(ctx context.Context, r *source.Customer, _ int) session.Reply {
			if r.Email == "c1@example.com" {
				<-ctx.Done() // nothing is written, and all others are in the journal
				return session.Reply{Outcome: session.Cancelled}
			}
			return okFor(r)
		})
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, ErrInterrupted)
		defer cancel()
		_, err := j.run(ctx)
		require.ErrorIs(t, err, ErrInterrupted)
		j.list = strings.Replace(j.list, "c9@example.com", "other@example.com", 1)
		j.service = newFakeService(func(_ context.Context, r *source.Customer, _ int) session.Reply { return okFor(r) })
		_, err = j.run(t.Context())
		var changed *source.ChangedError
		require.ErrorAs(t, err, &changed)
		assert.Contains(t, err.Error(), "row 9 is not the row that was there before")
	})
}

func TestTooManyFailuresStopTheRunAndTheNextGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJob(t, csvList(60), func(_ context.Context, r *source.Customer, _ int) session.Reply {
			if len(r.Email) == len("c1@example.com") { // rows 1 to 9
				return session.Reply{Outcome: session.Rejected, Recognised: true, Status: 400, Code: "http_400"}
			}
			return okFor(r)
		})
		j.adjust = func(c *Config) { c.MaxFailures = measure.Limit{Count: 5} }
		sum, err := j.run(t.Context())
		var failures *FailuresError
		require.ErrorAs(t, err, &failures)
		assert.EqualValues(t, 6, sum.Rows)
		sum, err = j.run(t.Context())
		require.NoError(t, err)
		assert.EqualValues(t, 9, sum.Status[sink.Rejected])
		assert.EqualValues(t, 60, sum.Rows)
		for email, n := range j.service.calls {
			assert.Equal(t, 1, n, email)
		}
	})
}

func TestCallsThatOutlastTheGraceAreCutOffAndInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := true
		j := newJob(t, csvList(20), func(ctx context.Context, r *source.Customer, _ int) session.Reply {
			if hang && r.Email == "c5@example.com" {
				<-ctx.Done()
				return session.Reply{Outcome: session.Cancelled}
			}
			return okFor(r)
		})
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, ErrInterrupted)
		defer cancel()
		start := time.Now()
		sum, err := j.run(ctx)
		require.ErrorIs(t, err, ErrInterrupted)
		assert.Equal(t, 2*time.Second, time.Since(start), "a second of running and a second of grace")
		assert.EqualValues(t, 4, sum.Rows)

		hang = false
		sum, err = j.run(t.Context())
		require.NoError(t, err)
		j.requireEachItsOwn(20)
		assert.EqualValues(t, 1, sum.InDoubt)
		assert.Equal(t, 15, sum.FromJournal)
	})
}

func TestAnOutageIsSatOutAndMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, to := time.Now().Add(5*time.Second), time.Now().Add(10*time.Minute)
		j := newJob(t, csvList(300), func(_ context.Context, r *source.Customer, _ int) session.Reply {
			time.Sleep(200 * time.Millisecond)
			if now := time.Now(); now.After(from) && now.Before(to) {
				return session.Reply{Outcome: session.Unavailable, Status: 503, Code: "http_503"}
			}
			return okFor(r)
		})
		sum, err := j.run(t.Context())
		require.NoError(t, err)
		j.requireEachItsOwn(300)
		assert.EqualValues(t, 1, sum.Pace.Outages)
		assert.InDelta(t, (10 * time.Minute).Seconds(), sum.Measures.Outage.Seconds(), 30)
	})
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
