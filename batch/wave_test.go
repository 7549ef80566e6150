package batch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/pace"
	"bulkonboard/batch/session"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// wavesOf gives a job waves of a size.
func (j *job) wavesOf(size int64) {
	before := j.adjust
	j.adjust = func(c *Config) {
		before(c)
		c.MaxCalls = size
	}
}

// customersCalled counts who was called at least once.
func (f *fakeService) customersCalled() int { return len(f.calls) }

func (j *job) requireEachCalledOnce() {
	for customer, n := range j.service.calls {
		require.Equal(j.t, 1, n, customer)
	}
}

func TestAStartBeginsNoMoreCallsThanAWaveAndTheNextOneGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJob(t, csvList(120), func(_ context.Context, r *source.Customer, _ int) session.Reply {
			time.Sleep(10 * time.Millisecond)
			return okFor(r)
		})
		j.wavesOf(50)
		for _, want := range []int{50, 100} {
			sum, err := j.run(t.Context())
			var reached *CallsError
			require.ErrorAs(t, err, &reached)
			assert.Equal(t, CallsError{Size: 50, Begun: 50}, *reached)
			assert.EqualValues(t, want, sum.Rows, "what was begun is written, to be looked at")
			assert.Equal(t, want, j.service.customersCalled())
			assert.NoFileExists(t, j.results())
		}
		sum, err := j.run(t.Context())
		require.NoError(t, err)
		assert.True(t, sum.Complete)
		j.requireEachItsOwn(120)
		j.requireEachCalledOnce()
	})
}

func TestAListThatEndsWithTheWaveIsComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list, duplicates := repeated(50, 50)
		j := newJob(t, list+"Individual,no address,Ann,Lee\n", func(_ context.Context, r *source.Customer, _ int) session.Reply {
			a := okFor(r)
			a.SessionID = strings.ToLower(a.SessionID)
			return a
		})
		j.adjust = func(c *Config) { c.Duplicates = duplicates }
		j.wavesOf(50)
		sum, err := j.run(t.Context())
		require.NoError(t, err, "duplicates and invalid rows need no call")
		assert.EqualValues(t, 101, sum.Rows)
		assert.EqualValues(t, 50, sum.Status[sink.Duplicate])
	})
}

func TestARunWithoutALimitTakesTheRestAfterAWave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJob(t, csvList(200), func(_ context.Context, r *source.Customer, _ int) session.Reply { return okFor(r) })
		for _, size := range []int64{30, 7, 0} {
			j.wavesOf(size)
			_, err := j.run(t.Context())
			if size == 0 {
				require.NoError(t, err)
				break
			}
			var reached *CallsError
			require.ErrorAs(t, err, &reached)
			assert.Equal(t, size, reached.Begun, "another size is a wave of its own")
		}
		j.requireEachItsOwn(200)
		j.requireEachCalledOnce()
	})
}

func TestAttemptsAfterTheFirstAreNoNewCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJob(t, csvList(40), func(_ context.Context, r *source.Customer, attempt int) session.Reply {
			time.Sleep(time.Millisecond)
			if attempt == 1 && strings.HasSuffix(r.Email, "0@example.com") {
				return session.Reply{Outcome: session.Failed, Status: 500, Code: "http_500"}
			}
			return okFor(r)
		})
		j.wavesOf(30)
		sum, err := j.run(t.Context())
		var reached *CallsError
		require.ErrorAs(t, err, &reached)
		assert.EqualValues(t, 30, sum.Status[sink.OK], "what was begun is finished")
		assert.Equal(t, 33, j.service.total())
		assert.Equal(t, 30, j.service.customersCalled())
	})
}

func TestEachRowOfACustomerThatIsSentForEachIsACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := csvList(1) + strings.Repeat("Individual,c1@example.com,First1,Last\n", 9)
		j := newJob(t, list, func(_ context.Context, r *source.Customer, _ int) session.Reply {
			time.Sleep(time.Millisecond)
			return okFor(r)
		})
		j.wavesOf(4)
		for _, want := range []int{4, 8} {
			_, err := j.run(t.Context())
			var reached *CallsError
			require.ErrorAs(t, err, &reached)
			assert.Equal(t, want, j.service.total())
		}
		_, err := j.run(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 10, j.service.total())
	})
}

// TestAnInterruptedWaveGoesOn has a person look at as many calls as the wave
// has, however often it is started again.
func TestAnInterruptedWaveGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJob(t, csvList(200), func(_ context.Context, r *source.Customer, _ int) session.Reply {
			time.Sleep(10 * time.Millisecond)
			return okFor(r)
		})
		j.wavesOf(60)
		reached, most := 0, 60
		for {
			ctx, cancel := context.WithTimeoutCause(t.Context(), 25*time.Millisecond, ErrInterrupted)
			_, err := j.run(ctx)
			cancel()
			require.LessOrEqual(t, j.service.customersCalled(), most)
			var end *CallsError
			if errors.As(err, &end) {
				assert.Equal(t, most, j.service.customersCalled())
				assert.Less(t, end.Begun, end.Size)
				assert.ErrorContains(t, err, "earlier start")
				reached, most = reached+1, most+60
			} else if err == nil {
				break
			}
		}
		assert.Equal(t, 3, reached)
		j.requireEachItsOwn(200)
		j.requireEachCalledOnce()
	})
}

func TestAWaveInAnOutageTriesNoRowBeyondItAndLosesNone(t *testing.T) {
	for _, after := range []time.Duration{1100 * time.Millisecond, 1900 * time.Millisecond, 2500 * time.Millisecond} { // with many calls left, some, and none
		t.Run(after.String(), func(t *testing.T) { waveInOutage(t, after) })
	}
}

func waveInOutage(t *testing.T, after time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		from, to := time.Now().Add(after), time.Now().Add(30*time.Minute)
		out := func() bool { return time.Now().After(from) && time.Now().Before(to) }
		j := newJob(t, csvList(300), func(_ context.Context, r *source.Customer, _ int) session.Reply {
			time.Sleep(200 * time.Millisecond)
			if out() {
				return kinds[http503].answer
			}
			return okFor(r)
		})
		j.adjust = func(c *Config) { c.Pace = pace.Config{MaxInFlight: 8, MaxOutage: 2 * time.Hour} }
		j.saying(wellUnless(out, func() session.Reply { return kinds[http503].answer }))
		j.wavesOf(100)
		sum, err := j.run(t.Context())
		var reached *CallsError
		require.ErrorAs(t, err, &reached)
		assert.Equal(t, 100, j.service.customersCalled())
		assert.Zero(t, sum.Status[sink.Failed])
		assert.EqualValues(t, 1, sum.Pace.Outages)
		_, err = j.run(t.Context())
		require.ErrorAs(t, err, &reached)
		assert.Equal(t, 200, j.service.customersCalled())
	})
}

// TestRowsThatFailAtTheEndOfAWaveKeepNoOtherFromBeingCalled has a wave end in
// rows for which the service always fails, which alone look like an outage.
func TestRowsThatFailAtTheEndOfAWaveKeepNoOtherFromBeingCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJob(t, csvList(90), func(_ context.Context, r *source.Customer, _ int) session.Reply {
			time.Sleep(100 * time.Millisecond)
			if strings.HasPrefix(r.Email, "c2") && r.Email != "c2@example.com" { // c20 to c29
				return session.Reply{Outcome: session.Failed, Status: 500, Code: "http_500"}
			}
			return okFor(r)
		})
		j.adjust = func(c *Config) { c.Pace = pace.Config{MaxInFlight: 8, MaxOutage: time.Hour} }
		j.wavesOf(29)
		starts, began := 0, time.Now()
		for {
			_, err := j.run(t.Context())
			if starts++; err == nil {
				break
			}
			require.LessOrEqual(t, j.service.customersCalled(), 29*starts)
		}
		assert.Less(t, starts, 7)
		assert.Less(t, time.Since(began), 5*time.Hour)
		status := map[string]int{}
		for _, row := range j.rows() {
			status[row[colStatus]]++
		}
		assert.Equal(t, map[string]int{"ok": 80, "failed": 10}, status)
	})
}

func TestRefusalsOfASmallWaveAreWrittenToBeLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJob(t, csvList(50), func(context.Context, *source.Customer, int) session.Reply {
			return session.Reply{Outcome: session.Rejected, Recognised: true, Status: 400, Code: "x", Message: "y"}
		})
		j.wavesOf(5)
		sum, err := j.run(t.Context())
		var reached *CallsError
		require.ErrorAs(t, err, &reached)
		assert.EqualValues(t, 5, sum.Status[sink.Rejected])
		j.requireEachCalledOnce()
	})
}

func TestWrongCredentialsEndAWaveOfOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wrong := true
		j := newJob(t, csvList(50), func(_ context.Context, r *source.Customer, _ int) session.Reply {
			if wrong {
				return session.Reply{Outcome: session.CredentialsRefused, Status: 401, Code: "credentials_refused"}
			}
			return okFor(r)
		})
		j.wavesOf(1)
		_, err := j.run(t.Context())
		var refused *RefusedError
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, 1, j.service.customersCalled())
		wrong = false
		sum, err := j.run(t.Context())
		var reached *CallsError
		require.ErrorAs(t, err, &reached)
		assert.EqualValues(t, 1, sum.Status[sink.OK])
	})
}

func TestAWaveKeepsToItsSizeAtAnyPace(t *testing.T) {
	for _, p := range []pace.Config{{MaxInFlight: 1}, {MaxInFlight: 64, Search: true}, {MaxInFlight: 64, Ceiling: 20}} {
		t.Run(fmt.Sprint(p.MaxInFlight, p.Search, p.Ceiling), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := newJob(t, csvList(64), func(_ context.Context, r *source.Customer, attempt int) session.Reply {
					time.Sleep(50 * time.Millisecond)
					if attempt == 1 && len(r.Email)%2 == 0 {
						return session.Reply{Outcome: session.Throttled, Status: 429, Code: "rate_limited", RetryAfter: time.Second, RetryAfterSet: true}
					}
					return okFor(r)
				})
				j.adjust = func(c *Config) { c.MaxInFlight, c.Pace = p.MaxInFlight, p }
				j.wavesOf(13)
				for n := 13; n < 64; n += 13 {
					sum, err := j.run(t.Context())
					var reached *CallsError
					require.ErrorAs(t, err, &reached)
					assert.Equal(t, n, j.service.customersCalled())
					assert.Positive(t, sum.Rows)
				}
				_, err := j.run(t.Context())
				require.NoError(t, err)
				j.requireEachItsOwn(64)
			})
		})
	}
}
