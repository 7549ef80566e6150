package main

import (
	"io"
	"log/slog"
	"sync"
	"time"

	"bulkonboard/batch/measure"
	"bulkonboard/cmd/internal/screen"
)

// How often progress is shown where no terminal is: a log gets few lines.
const (
	logEvery = 30 * time.Second

	// sampleEvery is how often a run is looked at, so that the first line has a
	// rate and the time that is left.
	sampleEvery = time.Second
)

// showProgress shows how far a run is until stop is called, which may be more
// than once: below the text on a terminal, or else in the log.
func showProgress(m *measure.Monitor, stderr io.Writer, log *slog.Logger) (stop func()) {
	every, show, end := logEvery, func(v *view) { log.Info("progress", append([]any{"event", "progress"}, v.attributes()...)...) }, func() {}
	if t, ok := stderr.(*screen.Terminal); ok {
		every = screen.Every
		var draw func(*screen.Frame)
		draw, end = t.Frames()
		show = func(v *view) { draw(v.frame()) }
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
