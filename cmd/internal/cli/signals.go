package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"bulkonboard/batch"
)

// UntilSignalled stops a run twice: the first SIGINT, SIGTERM or SIGHUP (the
// terminal is gone; under nohup that is ignored), or the end of ctx itself, ends
// the context, so that the calls in flight finish; a signal after that closes
// abort, so that they do not. SIGQUIT does both at once. release ends the watch.
// Signals stay caught after it: one more of them, while the program is about to
// end, must not take its exit code away.
func UntilSignalled(ctx context.Context, grace time.Duration, say func(format string, args ...any)) (_ context.Context, abort <-chan struct{}, release func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signal.Ignore(syscall.SIGPIPE) // a reader of the output may go away: that stops no run
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	now, done := make(chan struct{}), make(chan struct{})
	go func() {
		select {
		case <-done:
			return
		case <-ctx.Done():
			var deadline *batch.DeadlineError
			if !errors.As(context.Cause(ctx), &deadline) {
				return // released
			}
			say("stopping: %s; the calls in flight have up to %s; interrupt to stop at once", deadline.Limit, grace)
		case s := <-signals:
			if s == syscall.SIGQUIT {
				say("stopping at once")
				cancel(batch.ErrInterrupted)
				close(now)
				return
			}
			say("stopping: the calls in flight have up to %s; interrupt again to stop at once", grace)
			cancel(batch.ErrInterrupted)
		}
		select {
		case <-done:
		case <-signals:
			close(now)
		}
	}()
	return ctx, now, func() {
		close(done)
		cancel(nil)
	}
}
