package main

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestASickWorkerTakesNoPartsUntilItIsWell(t *testing.T) {
	for name, test := range map[string]struct {
		probe   probed
		alone   bool
		well    bool
		taken   bool          // a part, to find out
		earlier time.Duration // something happens
	}{
		"the probe is answered":                 {probe: probedWell, well: true, earlier: 2 * time.Second},
		"it is not, and others are at the job":  {probe: probedIll, earlier: time.Hour},
		"it is not, and no other is at the job": {probe: probedIll, alone: true, taken: true, earlier: 2 * time.Minute},
		"probes cannot tell":                    {probe: probedUnsure, taken: true, earlier: 2 * time.Minute},
		"probes cannot tell, and it is alone":   {probe: probedUnsure, alone: true, taken: true, earlier: 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				h := newHealth(4, slog.New(slog.NewTextHandler(&log, nil)))
				ctx, stop := context.WithCancel(t.Context())
				var told []*sickness
				stopped := make(chan struct{})
				go func() {
					defer close(stopped)
					h.run(ctx, func(_ context.Context, s *sickness) { told = append(told, s) })
				}()
				h.fall(sickness{
					Reason: "x", probe: func(context.Context) probed { return test.probe }, alone: func(context.Context) bool { return test.alone },
				})
				require.False(t, h.takes())
				began := time.Now()
				reserving, cancel := context.WithTimeout(ctx, test.earlier)
				defer cancel()
				_, err := h.ReserveSlot(reserving, nil)
				assert.Equal(t, test.well || test.taken, err == nil)
				if test.taken {
					assert.GreaterOrEqual(t, time.Since(began), trialFirst)
					assert.Nil(t, h.TryReserveSlot(nil), "one part")
				}
				synctest.Wait()
				if test.taken {
					h.sawAnswer(time.Now())
				}
				synctest.Wait()
				s, _ := h.state()
				assert.Equal(t, test.well || test.taken, s == nil)
				stop()
				<-stopped
				assert.Equal(t, "x", told[1].Reason)
				if s == nil {
					assert.Nil(t, told[len(told)-1])
					assert.NotNil(t, h.TryReserveSlot(nil), "as many as before")
				}
				assert.Contains(t, log.String(), "takes no more parts")
			})
		})
	}
}

func TestTriesOfASickWorkerGetRarer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHealth(4, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			h.run(ctx, func(context.Context, *sickness) {})
		}()
		ill := sickness{Reason: "x", probe: func(context.Context) probed { return probedUnsure }}
		var waits []time.Duration
		for range 4 {
			h.fall(ill)
			h.fall(ill) // another part of the same worker
			began := time.Now()
			_, err := h.ReserveSlot(ctx, nil)
			require.NoError(t, err)
			h.ReleaseSlot(nil)
			waits = append(waits, time.Since(began).Truncate(time.Minute))
		}
		assert.Equal(t, []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute}, waits)
		stop()
		<-stopped
	})
}
