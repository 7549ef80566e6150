package batch

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/answers"
	"bulkonboard/batch/pace"
	"bulkonboard/batch/session"
	"bulkonboard/sink"
	"bulkonboard/source"
)

func TestARowThatFailedIsNotSentAgainBeforeAnotherTellsWhoseFaultItWas(t *testing.T) {
	for range 5 {
		synctest.Test(t, func(t *testing.T) {
			const rows = 150
			began := time.Now()
			bad := func(row int) bool { return row%5 == 0 }
			out := func() bool { return time.Since(began) > 8*time.Second && time.Since(began) < 11*time.Second }
			var inOutage sync.Map // customers that were called
			j := failing(t, rows, bad, kinds[html200].answer, pace.Config{Ceiling: 5})
			answer := j.service.answer
			j.service.answer = func(ctx context.Context, r *source.Customer, attempt int) session.Reply {
				if out() {
					_, again := inOutage.LoadOrStore(r.Email, true)
					assert.False(t, again, r.Email)
					return kinds[http500].answer
				}
				return answer(ctx, r, attempt)
			}
			_, err := j.run(t.Context())
			require.NoError(t, err)
			j.requireOnlyBadRows(rows, bad, "failed")
		})
	}
}

func TestTheServiceIsAskedAboutItselfSeldom(t *testing.T) {
	asks := func(rows int, bad func(row int) bool, answer session.Reply, c pace.Config) (n int, took time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			j := failing(t, rows, bad, answer, c)
			j.saying(func(ctx context.Context) session.Reply {
				n++
				return isWell(ctx)
			})
			began := time.Now()
			_, err := j.run(t.Context())
			require.NoError(t, err)
			j.requireOnlyBadRows(rows, bad, "failed")
			took = time.Since(began)
		})
		return n, took
	}
	n, _ := asks(600, func(row int) bool { return row <= 300 && row%10 == 3 }, kinds[http500].answer, pace.Config{Ceiling: 200})
	assert.LessOrEqual(t, n, 3, "where others told")
	n, took := asks(200, func(int) bool { return true }, kinds[http500].answer, pace.Config{MaxOutage: 2 * time.Hour})
	assert.LessOrEqual(t, n, 1+int(took/askAfter/4), "not while only trials are sent")
}

func TestTheServiceIsNotAskedWhileItAsksToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rows, wait = 40, time.Minute
		began := time.Now()
		var refused atomic.Value // when it did last
		busy := session.Reply{Outcome: session.Throttled, Status: 429, Code: "rate_limited", RetryAfter: wait, RetryAfterSet: true}
		j := failing(t, rows, func(int) bool { return false }, session.Reply{}, pace.Config{})
		j.service.answer = func(_ context.Context, r *source.Customer, _ int) session.Reply {
			time.Sleep(20 * time.Millisecond)
			if numberOf(r) > rows-5 && time.Since(began) < 90*time.Second {
				refused.Store(time.Now())
				return busy
			}
			return okFor(r)
		}
		j.saying(func(ctx context.Context) session.Reply {
			assert.GreaterOrEqual(t, time.Since(refused.Load().(time.Time)), wait-time.Second)
			return isWell(ctx)
		})
		_, err := j.run(t.Context())
		require.NoError(t, err)
		j.requireEachItsOwn(rows)
	})
}

func TestAPartWithADuplicateOfARowThatFailsEnds(t *testing.T) {
	for _, say := range []func(context.Context) session.Reply{nil, isWell} {
		synctest.Test(t, func(t *testing.T) {
			list, duplicates := repeated(3, 3)
			j := newJob(t, list, func(_ context.Context, r *source.Customer, _ int) session.Reply {
				time.Sleep(20 * time.Millisecond)
				switch strings.ToLower(r.Email) {
				case "c1@example.com":
					return kinds[html403].answer // the whole list is read while another row is asked
				case "c3@example.com":
					return kinds[http500].answer
				}
				return okFor(&source.Customer{Email: strings.ToLower(r.Email)})
			})
			j.adjust = func(c *Config) { c.Duplicates, c.Pace = duplicates, pace.Config{Ceiling: 5, MaxInFlight: 8} }
			j.saying(say)
			began := time.Now()
			_, err := j.run(t.Context())
			require.NoError(t, err)
			assert.Less(t, time.Since(began), 30*time.Second)
		})
	}
}

func TestARowThatHasUsedUpItsAttemptsIsNotGivenUpInAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rows = 200
		var failsFirst, out atomic.Bool
		failsFirst.Store(true)
		j := failing(t, rows, func(int) bool { return false }, session.Reply{}, pace.Config{Ceiling: 20})
		j.service.answer = func(_ context.Context, r *source.Customer, _ int) session.Reply {
			time.Sleep(20 * time.Millisecond)
			if failsFirst.Load() && numberOf(r) == 1 || out.Load() {
				return kinds[http500].answer
			}
			return okFor(r)
		}
		was, attempts := j.adjust, 8
		j.adjust = func(c *Config) {
			was(c)
			c.MaxAttempts = attempts
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Second, ErrInterrupted)
		defer cancel()
		_, err := j.run(ctx)
		require.ErrorIs(t, err, ErrInterrupted)

		failsFirst.Store(false)
		out.Store(true)
		time.AfterFunc(20*time.Second, func() { out.Store(false) })
		attempts = 2
		_, err = j.run(t.Context())
		require.NoError(t, err)
		j.requireEachItsOwn(rows)
	})
}

func TestTheLastRowsThatAreDuplicatesEndTheRun(t *testing.T) {
	for _, kind := range []int{html403, http503, hangUp} {
		synctest.Test(t, func(t *testing.T) {
			const rows, again = 30, 5
			list, duplicates := repeated(rows, again)
			began := time.Now()
			j := newJob(t, list, func(_ context.Context, r *source.Customer, _ int) session.Reply {
				time.Sleep(20 * time.Millisecond)
				if r.Email == "c20@example.com" && kind == html403 || time.Since(began) > time.Second && time.Since(began) < 3*time.Second && kind != html403 {
					return kinds[kind].answer
				}
				return okFor(&source.Customer{Email: strings.ToLower(r.Email)})
			})
			j.adjust = func(c *Config) { c.Duplicates, c.Pace = duplicates, pace.Config{Ceiling: 20, MaxInFlight: 8} }
			j.saying(isWell)
			_, err := j.run(t.Context())
			require.NoError(t, err)
			assert.Less(t, time.Since(began), 30*time.Second)
			assert.Len(t, j.rows(), rows+again)
		})
	}
}

func TestAWaveWhoseLastRowsAreBadEnds(t *testing.T) {
	for _, kind := range []int{0, html401, http500, http503, hangUp, html200} {
		for _, last := range []int{2, 6} {
			synctest.Test(t, func(t *testing.T) {
				const rows, wave = 40, 20
				bad := func(row int) bool { return row > wave-last && row <= wave }
				j := failing(t, rows, bad, kinds[kind].answer, pace.Config{Ceiling: 20, MaxOutage: 2 * time.Hour})
				j.wavesOf(wave)
				began := time.Now()
				_, err := j.run(t.Context())
				require.ErrorAs(t, err, new(*CallsError), kinds[kind].name)
				assert.Less(t, time.Since(began), 2*time.Minute, kinds[kind].name)
				_, err = j.run(t.Context())
				require.NoError(t, err, kinds[kind].name)
				j.requireOnlyBadRows(rows, bad, kinds[kind].status)
			})
		}
	}
}

func TestARetryOfOneRowThatIsAlwaysRefusedEndsWithinAMinute(t *testing.T) {
	for _, kind := range []int{0, 1, http503, http500} {
		synctest.Test(t, func(t *testing.T) {
			j := failing(t, 3, func(int) bool { return true }, kinds[kind].answer, pace.Config{Ceiling: 50, MaxOutage: 2 * time.Hour})
			was := j.adjust
			j.adjust = func(c *Config) {
				was(c)
				c.Answers = answers.Chain{answers.Kept(func(r *source.Record) (sink.Result, bool) { return sink.Result{Status: sink.OK}, r.Row < 3 })}
			}
			began := time.Now()
			_, err := j.run(t.Context())
			require.NoError(t, err)
			assert.Less(t, time.Since(began), time.Minute, kinds[kind].name)
		})
	}
}

func TestARetryWhoseFirstRowsAreRefusedIsNotTakenForAWrongSetUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rows = 300
		bad := func(row int) bool { return row <= 5 }
		j := failing(t, rows, bad, kinds[html403].answer, pace.Config{Ceiling: 20})
		was := j.adjust
		j.adjust = func(c *Config) {
			was(c)
			c.Answers = answers.Chain{answers.Kept(func(*source.Record) (sink.Result, bool) { return sink.Result{Status: sink.Failed}, false })}
		}
		_, err := j.run(t.Context())
		require.NoError(t, err)
		j.requireOnlyBadRows(rows, bad, "rejected")
	})
}

func TestADeploymentThatFailsWhatIsAskedInItsOwnWayKeepsNoRowForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rows = 40
		last := func(row int) bool { return row == rows }
		j := failing(t, rows, last, kinds[http503].answer, pace.Config{})
		answer := j.service.answer
		j.service.answer = func(ctx context.Context, r *source.Customer, attempt int) session.Reply {
			if numberOf(r) == rows-1 && attempt == 1 { // so a row fails alike, once
				time.Sleep(100 * time.Millisecond)
				return kinds[http500].answer
			}
			return answer(ctx, r, attempt)
		}
		j.saying(func(context.Context) session.Reply { return kinds[http500].answer })
		began := time.Now()
		_, err := j.run(t.Context())
		require.NoError(t, err)
		assert.Less(t, time.Since(began), 10*time.Minute)
		j.requireOnlyBadRows(rows, last, "failed")
	})
}

func TestAWaveWhoseLastRowsAreRefusedAfterAnOutageEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rows = 40
		began := time.Now()
		out := func() bool { return time.Since(began) < 30*time.Second }
		j := failing(t, rows, func(int) bool { return false }, session.Reply{}, pace.Config{Ceiling: 20})
		j.service.answer = func(_ context.Context, r *source.Customer, _ int) session.Reply {
			time.Sleep(20 * time.Millisecond)
			switch {
			case numberOf(r) < 19:
				return okFor(r)
			case out():
				return kinds[http500].answer
			}
			return kinds[html401].answer
		}
		j.saying(wellUnless(out, func() session.Reply { return kinds[http500].answer }))
		j.wavesOf(20)
		_, err := j.run(t.Context())
		require.ErrorAs(t, err, new(*CallsError))
		assert.Less(t, time.Since(began), 2*time.Minute)
	})
}

func TestAPageInPlaceOfTheServiceIsAnOutageOnceItHasSaidThatItIsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rows, last = 40, 5
		began := time.Now()
		comes, goes := 1500*time.Millisecond, 47*time.Minute
		out := func() bool { return time.Since(began) > comes && time.Since(began) < goes }
		j := failing(t, rows, func(int) bool { return false }, session.Reply{}, pace.Config{MaxOutage: 2 * time.Hour})
		j.service.answer = func(_ context.Context, r *source.Customer, _ int) session.Reply {
			time.Sleep(20 * time.Millisecond)
			switch {
			case out():
				return kinds[html200].answer
			case numberOf(r) > rows-last && time.Since(began) < goes:
				return kinds[http500].answer
			}
			return okFor(r)
		}
		j.saying(wellUnless(out, func() session.Reply { return kinds[html200].answer }))
		_, err := j.run(t.Context())
		require.NoError(t, err)
		j.requireEachItsOwn(rows)
	})
}

// revokedReply is what the API answers to credentials that it does not take any more.
var revokedReply = session.Reply{Outcome: session.CredentialsRefused, Status: 401, Code: "credentials_refused", Recognised: true}

func TestCredentialsThatAreRevokedWhileTheLastRowsFailEndTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rows = 40
		began := time.Now()
		j := failing(t, rows, func(int) bool { return false }, session.Reply{}, pace.Config{})
		j.service.answer = func(_ context.Context, r *source.Customer, _ int) session.Reply {
			time.Sleep(20 * time.Millisecond)
			switch {
			case numberOf(r) <= rows-5:
				return okFor(r)
			case time.Since(began) < 2*time.Second:
				return kinds[http500].answer
			}
			return revokedReply
		}
		j.saying(func(context.Context) session.Reply { return revokedReply })
		_, err := j.run(t.Context())
		require.ErrorAs(t, err, new(*RefusedError))
	})
}

func TestAnAnswerOfBeforeTheCredentialsWereRevokedDecidesOnNoRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rows = 20
		var revoked atomic.Bool
		j := failing(t, rows, func(int) bool { return false }, session.Reply{}, pace.Config{Ceiling: 5})
		j.service.answer = func(_ context.Context, r *source.Customer, _ int) session.Reply {
			time.Sleep(20 * time.Millisecond)
			switch {
			case numberOf(r) < 15:
				return okFor(r)
			case revoked.Load():
				return revokedReply
			}
			return kinds[http500].answer
		}
		asks := 0
		j.saying(func(ctx context.Context) session.Reply {
			if revoked.Load() {
				return revokedReply
			}
			well := isWell(ctx)
			if asks++; asks == 4 { // it is slow to come
				revoked.Store(true)
				time.Sleep(20 * time.Second)
			}
			return well
		})
		_, err := j.run(t.Context())
		require.ErrorAs(t, err, new(*RefusedError))
		j.service.answer = func(_ context.Context, r *source.Customer, _ int) session.Reply { return okFor(r) }
		_, err = j.run(t.Context())
		require.NoError(t, err)
		j.requireEachItsOwn(rows)
	})
}

func TestALongWaitThatTheServiceAsksForOfItselfHoldsNoRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rows = 40
		last := func(row int) bool { return row == rows }
		j := failing(t, rows, last, kinds[http500].answer, pace.Config{MaxOutage: 2 * time.Hour})
		j.saying(func(context.Context) session.Reply {
			return session.Reply{Outcome: session.Throttled, Status: 429, Code: "rate_limited", RetryAfter: 24 * time.Hour, RetryAfterSet: true}
		})
		began := time.Now()
		_, err := j.run(t.Context())
		require.NoError(t, err)
		assert.Less(t, time.Since(began), 30*time.Minute)
		j.requireOnlyBadRows(rows, last, "failed")
	})
}

func TestARunThatIsStoppedDoesNotWaitForWhatWasAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rows = 5
		last := func(row int) bool { return row == rows }
		j := failing(t, rows, last, kinds[http500].answer, pace.Config{})
		j.saying(func(ctx context.Context) session.Reply {
			<-ctx.Done()
			return session.Reply{Outcome: session.Cancelled}
		})
		ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Second, ErrInterrupted)
		defer cancel()
		began := time.Now()
		_, err := j.run(ctx)
		require.ErrorIs(t, err, ErrInterrupted)
		assert.Less(t, time.Since(began), 6*time.Second)
		j.saying(isWell)
		_, err = j.run(t.Context())
		require.NoError(t, err)
		j.requireOnlyBadRows(rows, last, "failed")
	})
}

func TestWhatTheServiceSaysOfItselfIsBelievedOnceItHasWhatIsAsked(t *testing.T) {
	busy, down, faulty, page := kinds[0].answer, kinds[http503].answer, kinds[http500].answer, kinds[html200].answer
	inBody := session.Reply{Outcome: session.Failed, Status: 200, Code: "status_code_500"}
	lacking := session.Reply{Outcome: session.Failed, Status: 200, Code: "no_token"}
	well := session.Reply{Outcome: session.OK, Status: 200}

	now := time.Unix(0, 0)
	a := access{rowFailed: down}
	assert.False(t, a.fails(now, &lacking, nil), "no failure of a whole service")
	assert.True(t, a.fails(now, &faulty, []undecidedRow{{reply: down}}), "an outage has many faces")
	now = now.Add(doubtFor)
	assert.False(t, a.fails(now, &faulty, []undecidedRow{{reply: down}}), "it may lack what is asked")
	assert.True(t, a.fails(now, &faulty, []undecidedRow{{reply: faulty}}), "it fails alike")
	assert.True(t, a.fails(now, &down, nil), "it is known to tell")
	a.succeeded()
	assert.True(t, a.fails(now, &faulty, nil))
	assert.False(t, a.fails(now.Add(doubtFor), &faulty, nil), "rows do not fail in that way any more")

	a = access{}
	assert.False(t, a.fails(now, &page, []undecidedRow{{reply: down}}), "not the API's answer")
	assert.True(t, a.fails(now, &page, []undecidedRow{{reply: page}}), "but neither to rows")
	assert.False(t, a.fails(now.Add(doubtFor), &page, []undecidedRow{{reply: page}}))

	assert.False(t, a.fails(now, &session.Reply{Outcome: session.Rejected, Status: 400}, nil))
	assert.False(t, a.fails(now.Add(doubtFor), &faulty, nil), "a refusal of what is asked says nothing")
	assert.False(t, a.fails(now, &well, nil))
	now = now.Add(2 * doubtFor)
	assert.True(t, a.fails(now, &faulty, nil), "it did well before")
	assert.True(t, a.fails(now, &page, nil))
	assert.False(t, a.fails(now, &busy, nil), "of itself alone")

	a = access{rowFailed: inBody}
	assert.False(t, a.fails(now, &lacking, nil))
	assert.True(t, a.fails(now, &inBody, nil))

	a = access{}
	assert.True(t, a.fails(now, &session.Reply{Outcome: session.Unreachable}, nil))
	assert.True(t, a.fails(now, &session.Reply{Outcome: session.TLSRefused}, nil))
}
