package main

import (
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"bulkonboard/batch/measure"
)

// How often progress is shown: a frame on a terminal is drawn again, a log
// gets few lines.
const (
	terminalEvery = 200 * time.Millisecond
	logEvery      = 30 * time.Second

	// sampleEvery is how often a run is looked at, so that the first line has a
	// rate and the time that is left.
	sampleEvery = time.Second
)

// showProgress shows how far a run is until stop is called, which may be more
// than once: below the text on a terminal, or else in the log.
func showProgress(m *measure.Monitor, stderr io.Writer, log *slog.Logger) (stop func()) {
	every, show, end := logEvery, func(v *view) { log.Info("progress", append([]any{"event", "progress"}, v.attributes()...)...) }, func() {}
	if t, ok := stderr.(*terminal); ok {
		every = terminalEvery
		show, end = frames(t)
	}
	look := newLook(every)
	sampled := min(every, sampleEvery)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer end()
		tick := time.NewTicker(sampled)
		defer tick.Stop()
		shown := time.Now()
		for {
			select {
			case <-done:
				return
			case now := <-tick.C:
				v := look.at(m.Progress(), now)
				if now.Sub(shown) >= every-sampled/2 {
					shown = now
					show(v)
				}
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(done)
		<-ended
	})
}

// frames draws views on a terminal, each in the place of the one before.
func frames(t *terminal) (show func(*view), end func()) {
	var next atomic.Pointer[view]
	var v *view // of the frame that mpb draws; it asks for the bar first
	text := func(of func(*view) string) decor.Decorator {
		return decor.Any(func(decor.Statistics) string { return of(v) })
	}
	line := func(of func(*view) []string) mpb.BarFiller {
		return mpb.BarFillerFunc(func(w io.Writer, s decor.Statistics) error {
			_, err := io.WriteString(w, fitting(of(v), s.AvailableWidth))
			return err
		})
	}
	bar := mpb.BarStyle().Build()
	refresh, gone := make(chan any), make(chan any)
	p := mpb.New(mpb.WithConsoleWriter(&canvas{terminal: t}), mpb.WithManualRefresh(refresh), mpb.WithShutdownNotifier(gone))
	_, _ = p.Add(0, mpb.BarFillerFunc(func(w io.Writer, s decor.Statistics) error {
		s.Current, s.Total = int64(1e6*v.Share), 1e6
		return bar.Fill(w, s)
	}),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string {
			v = next.Load()
			return v.share()
		})),
		mpb.AppendDecorators(text((*view).rows)),
		mpb.BarBtmExtender(line((*view).flow), line((*view).counts), line((*view).doing)),
	) // only after a shutdown does it fail
	show = func(v *view) {
		next.Store(v)
		select {
		case refresh <- v.now:
		case <-gone:
		}
	}
	return show, func() {
		p.Shutdown()
		_ = t.draw(nil) // a terminal that is gone shows nothing anyway
	}
}
