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

func TestTheGateSpacesOutWhatAStallHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perSecond, held = 100, 250
		through := newGate(newCeiling(pace.Config{Ceiling: perSecond}))
		start := time.Now()
		inSecond := map[time.Duration]int{}
		var mu sync.Mutex
		var all sync.WaitGroup
		for range held {
			all.Go(func() {
				assert.True(t, through.pass(t.Context()))
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

func TestTheGateLetsNobodyThroughOnceItIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		through := newGate(newCeiling(pace.Config{Ceiling: 0.1}))
		ctx, cancel := context.WithCancel(t.Context())
		assert.True(t, through.pass(ctx))
		var all sync.WaitGroup
		for range 2 { // one whose turn it is, and one behind
			all.Go(func() { assert.False(t, through.pass(ctx)) })
		}
		synctest.Wait()
		start := time.Now()
		cancel()
		all.Wait()
		assert.Zero(t, time.Since(start))
		assert.False(t, (*gate)(nil).pass(ctx), "an open one neither")
	})
}
