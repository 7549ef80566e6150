package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"bulkonboard/cmd/internal/cli"
	"bulkonboard/cmd/internal/screen"
)

// clientFlags say where jobs are asked about. Every command about a job that is
// there has them.
type clientFlags struct {
	store  storeFlag
	server serverFlags
	log    cli.LogFlags
}

func (f *clientFlags) register(c *cobra.Command) {
	f.store.register(c)
	f.server.register(c)
	f.log.Register(c)
	cli.TakesConfig(c, family)
}

func (f *clientFlags) check(p *cli.Problems) {
	f.store.check(p)
	f.server.check(p)
	f.log.Check(p)
}

// with connects a client and does something with it.
func (f *clientFlags) with(c *cobra.Command, do func(context.Context, *jobClient) error, checks ...func() error) error {
	own := func() error {
		var p cli.Problems
		f.check(&p)
		return p.Err()
	}
	if _, err := cli.Settle(c, append(checks, own)...); err != nil {
		return err
	}
	return f.log.With(screen.On(c.ErrOrStderr()), func(v *cli.Voice) error {
		ctx, release := untilInterrupted(c.Context())
		defer release()
		return f.open(ctx, v, do)
	})
}

func (f *clientFlags) open(ctx context.Context, v *cli.Voice, do func(context.Context, *jobClient) error) error {
	root, err := f.store.open(ctx, v.Log)
	if err != nil {
		return err
	}
	server, err := f.server.dial(ctx, identity(), v.Log, nil)
	if err != nil {
		return err
	}
	defer server.Close()
	return do(ctx, &jobClient{root: root, server: server, flags: &f.server, store: f.store.address, Voice: v})
}

// untilInterrupted ends a command that only waits: the job continues without it.
func untilInterrupted(ctx context.Context) (context.Context, context.CancelFunc) {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		signals = append(signals, syscall.SIGHUP)
	}
	return signal.NotifyContext(ctx, signals...)
}
