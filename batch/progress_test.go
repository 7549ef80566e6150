package batch

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/measure"
	"bulkonboard/batch/pace"
	"bulkonboard/batch/session"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// watched starts a run and gives what is seen of it.
func watched(t *testing.T, rows int, ceiling float64, answer callerFunc) (m *measure.Monitor, stop context.CancelCauseFunc, done chan error) {
	m, done = new(measure.Monitor), make(chan error, 1)
	ctx, stop := context.WithCancelCause(t.Context())
	j := newJob(t, csvList(rows), answer)
	j.adjust = func(c *Config) {
		c.Monitor = m
		c.Pace = pace.Config{MaxInFlight: 8, Ceiling: ceiling, MaxOutage: time.Hour}
	}
	go func() {
		_, err := j.run(ctx)
		done <- err
	}()
	return m, stop, done
}

// in lets a time go by, and whatever happens in it.
func in(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestWhatIsSeenOfARunAddsUpAtEveryMoment(t *testing.T) {
	assert.Equal(t, measure.Starting, new(measure.Monitor).Progress().State)
	synctest.Test(t, func(t *testing.T) {
		m, stop, done := watched(t, 200, 0, func(_ context.Context, r *source.Customer, attempt int) session.Reply {
			time.Sleep(3 * time.Millisecond)
			if attempt == 1 && len(r.Email) == len("c1@example.com") {
				return session.Reply{Outcome: session.Failed, Recognised: true}
			}
			return okFor(r)
		})
		defer stop(nil)
		m.Expect(200, 0)
		last := measure.Progress{}
		for last.State != measure.Ended {
			time.Sleep(time.Millisecond)
			p := m.Progress()
			sum := int64(0)
			for _, n := range p.Status {
				sum += n
			}
			require.Equal(t, p.Rows, sum)
			require.LessOrEqual(t, last.Rows, p.Rows)
			require.LessOrEqual(t, p.Rows, p.Answered)
			require.LessOrEqual(t, p.Answered, p.OfRows)
			require.LessOrEqual(t, p.InFlight, 8)
			last = p
		}
		require.NoError(t, <-done)
		assert.EqualValues(t, 200, last.Rows)
		assert.EqualValues(t, len(csvList(200)), last.Bytes)
		assert.EqualValues(t, 200, last.Status[sink.OK])
		assert.EqualValues(t, 209, last.Pace.Sent)
	})
}

func TestARunThatWaitsIsSeenToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		m, stop, done := watched(t, 100, 100, func(ctx context.Context, r *source.Customer, _ int) session.Reply {
			at := time.Since(start)
			time.Sleep(50 * time.Millisecond)
			switch {
			case at > time.Second && at < 10*time.Second:
				return session.Reply{Outcome: session.Throttled, RetryAfter: 20 * time.Second, RetryAfterSet: true}
			case at > time.Minute && at < 2*time.Minute:
				return session.Reply{Outcome: session.Unavailable}
			case at < 3*time.Minute:
				time.Sleep(5 * time.Second)
			}
			return okFor(r)
		})
		in(900 * time.Millisecond)
		p := m.Progress()
		assert.Equal(t, measure.Running, p.State)
		assert.Equal(t, 8, p.InFlight)
		assert.InDelta(t, 100, p.Pace.Rate, 0)

		in(14 * time.Second)
		p = m.Progress()
		assert.Equal(t, measure.Held, p.State)
		assert.Zero(t, p.InFlight)
		assert.WithinRange(t, p.Until, start.Add(21*time.Second), start.Add(26*time.Second))
		in(time.Second)
		assert.Equal(t, p.Pace.Held+time.Second, m.Progress().Pace.Held, "it grows without any report")

		in(75*time.Second - time.Since(start))
		p = m.Progress()
		assert.Equal(t, measure.Outage, p.State)
		assert.WithinRange(t, p.Since, start.Add(time.Minute), start.Add(70*time.Second))
		assert.True(t, p.Until.After(time.Now()))
		in(time.Until(p.Until))
		assert.Equal(t, 1, m.Progress().InFlight)
		assert.Zero(t, m.Progress().Until, "the probe is under way")

		in(150*time.Second - time.Since(start))
		require.Equal(t, measure.Running, m.Progress().State)
		stop(ErrInterrupted)
		synctest.Wait()
		p = m.Progress()
		assert.Equal(t, measure.Draining, p.State)
		assert.Positive(t, p.InFlight)
		require.ErrorIs(t, <-done, ErrInterrupted)
		assert.Equal(t, measure.Ended, m.Progress().State)
	})
}
