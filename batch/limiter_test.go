package batch

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"bulkonboard/batch/pace"
)

func TestTheLimiterSpacesOutWhatAStallHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perSecond, held = 100, 250
		limit := newLimiter(newCeiling(pace.Config{Ceiling: perSecond}))
		start := time.Now()
		inSecond := map[time.Duration]int{}
		var mu sync.Mutex
		var all sync.WaitGroup
		for range held {
			all.Go(func() {
				assert.True(t, limit.wait(t.Context()))
				mu.Lock()
				defer mu.Unlock()
				inSecond[time.Since(start)/time.Second]++
			})
		}
		all.Wait()
		assert.Len(t, inSecond, 3)
		for second, n := range inSecond {
			assert.LessOrEqual(t, n, perSecond, "second %d", second)
		}
	})
}

func TestTheLimiterLetsNobodyThroughOnceItIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := newLimiter(newCeiling(pace.Config{Ceiling: 0.1}))
		ctx, cancel := context.WithCancel(t.Context())
		assert.True(t, limit.wait(ctx))
		var all sync.WaitGroup
		for range 2 { // one whose turn it is, and one behind
			all.Go(func() { assert.False(t, limit.wait(ctx)) })
		}
		synctest.Wait()
		start := time.Now()
		cancel()
		all.Wait()
		assert.Zero(t, time.Since(start))
		assert.False(t, (*limiter)(nil).wait(ctx), "an open one neither")
	})
}
