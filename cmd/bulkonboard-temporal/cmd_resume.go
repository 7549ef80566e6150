package main

import (
	"context"

	"github.com/spf13/cobra"

	"bulkonboard/cmd/internal/cli"
)

// deskFlags say where jobs are asked about. Every command about a job that is
// there has them.
type deskFlags struct {
	store  storeFlag
	server serverFlags
	logs   cli.LogFlags
}

func (f *deskFlags) register(c *cobra.Command) {
	f.store.register(c)
	f.server.register(c)
	f.logs.Register(c)
	cli.TakesConfig(c, family)
}

func (f *deskFlags) check(p *cli.Problems) {
	f.store.check(p)
	f.server.check(p)
	f.logs.Check(p)
}

// with does something at the desk.
func (f *deskFlags) with(c *cobra.Command, do func(context.Context, *desk) error, checks ...func() error) error {
	own := func() error {
		var p cli.Problems
		f.check(&p)
		return p.Err()
	}
	if _, err := cli.Settle(c, append(checks, own)...); err != nil {
		return err
	}
	return f.logs.With(c.ErrOrStderr(), func(v *cli.Voice) error {
		ctx, release := untilInterrupted(c.Context())
		defer release()
		return f.open(ctx, v, do)
	})
}

func (f *deskFlags) open(ctx context.Context, v *cli.Voice, do func(context.Context, *desk) error) error {
	root, err := f.store.open(ctx, v.Log)
	if err != nil {
		return err
	}
	server, err := f.server.dial(ctx, identity(), v.Log)
	if err != nil {
		return err
	}
	defer server.Close()
	return do(ctx, &desk{root: root, server: server, flags: &f.server, store: f.store.address, Voice: v})
}

func resumeCommand() *cobra.Command {
	var f deskFlags
	var w waitFlags
	c := &cobra.Command{
		Use:   "resume JOB --store STORE",
		Short: "Go on with a job that has stopped",
		Long: `resume starts a job again that was cancelled or has failed, where it stopped, as
submitting it again would. A job that is done gives its results once more.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.with(c, func(ctx context.Context, d *desk) error {
				if err := w.checkFiles(); err != nil {
					return err
				}
				r, err := readRequest(ctx, d.root, args[0])
				if err != nil {
					return err
				}
				return d.takeUp(ctx, args[0], r, &w)
			}, w.problems)
		},
	}
	c.Flags().SortFlags = false
	w.register(c)
	f.register(c)
	return c
}

func cancelCommand() *cobra.Command {
	var f deskFlags
	c := &cobra.Command{
		Use:   "cancel JOB --store STORE",
		Short: "Stop a job; what is done is kept",
		Long: `cancel tells the workers to stop a job: the calls in flight come back, and what
they brought is kept. It takes up to a few heartbeats. resume goes on with it.
The job of a schedule that waits for its quota does not begin.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.with(c, func(ctx context.Context, d *desk) error { return d.cancel(ctx, args[0]) })
		},
	}
	c.Flags().SortFlags = false
	f.register(c)
	return c
}

// cancel stops a job, if it is under way or waits to be.
func (d *desk) cancel(ctx context.Context, job string) error {
	r, err := readRequest(ctx, d.root, job)
	if err != nil {
		return err
	}
	at, err := d.look(ctx, r.Quota)
	if err != nil {
		return err
	}
	if at == nil || at.job != job {
		return d.callOff(ctx, job)
	}
	if err := d.server.CancelWorkflow(ctx, workflowOf(r.Quota), at.run); err != nil {
		return &unreachableError{d.flags.address, err}
	}
	d.Say("the job %s is told to stop: %s\ngo on with it: %s", job, at, d.command("resume", job))
	return d.sayWorkersFor(ctx, r)
}
