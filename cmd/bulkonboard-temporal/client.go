package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"bulkonboard/batch/chunks"
	"bulkonboard/batch/store"
	"bulkonboard/cmd/internal/cli"
)

// desk is where jobs are handed in and asked about.
type desk struct {
	root   store.Store
	server client.Client
	flags  *serverFlags
	store  string // its address, for commands to type
	*cli.Voice
}

// untilInterrupted ends a command that only waits: the job goes on without it.
func untilInterrupted(ctx context.Context) (context.Context, context.CancelFunc) {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		signals = append(signals, syscall.SIGHUP)
	}
	return signal.NotifyContext(ctx, signals...)
}

// workflowOf is the workflow of the job that has a quota. One id for all: the
// server lets no second one begin.
func workflowOf(quota string) string { return "bulkonboard-" + quota }

// What a workflow's memo says of the job that it is at.
const (
	memoJob   = "job"
	memoRound = "round"
)

// takenError says that a quota is another job's.
type takenError struct{ quota, job, status string }

func (e *takenError) Error() string {
	return fmt.Sprintf("the quota %s is taken by the job %s; two jobs at once would share its rate: wait for it (%s), or cancel it, and then submit again",
		e.quota, e.job, e.status)
}

// Kind tells what it means.
func (e *takenError) Kind() cli.Kind { return cli.Held }

// free refuses a quota that is another job's.
func (d *desk) free(ctx context.Context, quota, job string) error {
	at, err := d.look(ctx, quota)
	if err == nil && at != nil && at.job != job {
		err = &takenError{quota, at.job, d.command("status", at.job)}
	}
	return err
}

// takeUp starts the newest round of a job that is in the store, or joins it
// where it is under way, or finds it done.
func (d *desk) takeUp(ctx context.Context, job string, r *request, w *waitFlags) error {
	rounds, err := chunks.Rounds(ctx, jobStore(d.root, job))
	if err != nil {
		return err
	}
	round := len(rounds)
	done, err := d.finished(ctx, job, round)
	if err != nil {
		return err
	}
	run := ""
	if done == nil {
		if run, err = d.start(ctx, job, r, round); err != nil {
			return err
		}
	}
	if !w.waits() && done == nil {
		d.Say("ask how far it is:    %s\nstop it:              %s", d.command("status", job), d.command("cancel", job))
		return nil
	}
	if done == nil {
		if done, err = d.wait(ctx, job, r.Quota, round, run); err != nil {
			return err
		}
	}
	return d.conclude(ctx, job, round, done, w)
}

// startTries is how often a round is started while the quota's holder has just
// ended each time.
const startTries = 3

// start starts a round, or joins it where it is under way already. It returns
// the run of the workflow.
func (d *desk) start(ctx context.Context, job string, r *request, round int) (run string, err error) {
	for range startTries {
		if run, err = d.begin(ctx, job, r, round); err == nil {
			d.Say("the job %s has started%s", job, ofRound(round))
			return run, d.sayWorkersFor(ctx, r)
		}
		if !errors.As(err, new(*serviceerror.WorkflowExecutionAlreadyStarted)) {
			break
		}
		at, unseen := d.look(ctx, r.Quota)
		if unseen != nil {
			return "", unseen
		}
		if at != nil {
			return at.run, d.join(ctx, job, r, round, at)
		}
	}
	return "", &unreachableError{d.flags.address, err}
}

// begin has the server start a round, unless the quota is taken.
func (d *desk) begin(ctx context.Context, job string, r *request, round int) (run string, err error) {
	w, err := d.server.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: workflowOf(r.Quota), TaskQueue: d.flags.taskQueue,
		WorkflowIDConflictPolicy:                 enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowIDReusePolicy:                    enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		Memo:                                     map[string]any{memoJob: job, memoRound: round},
	}, onboardName, r.course(job, round))
	if err != nil {
		return "", err
	}
	return w.GetRunID(), nil
}

func ofRound(round int) string {
	if round == 1 {
		return ""
	}
	return fmt.Sprintf(" (round %d)", round)
}

// join joins what has the quota, if it is this very round.
func (d *desk) join(ctx context.Context, job string, r *request, round int, at *whereabouts) error {
	if !at.of(job, round) {
		return &takenError{r.Quota, at.job, d.command("status", at.job)}
	}
	d.Say("the job %s is under way already%s", job, ofRound(round))
	return d.sayWorkersFor(ctx, r)
}

// sayWorkers says when nobody is there to do anything.
func (d *desk) sayWorkers(ctx context.Context) error {
	n, err := d.workers(ctx, d.flags.taskQueue)
	if err != nil {
		return err
	}
	if n == 0 {
		d.Say("no worker is at the task queue %s: nothing is done until there is one; start it with bulkonboard-temporal worker --store %s …",
			d.flags.taskQueue, cli.Quoted(d.store))
	}
	return nil
}

// sayWorkersFor says when nobody is there to do anything, or nobody who has the
// ledger of a job.
func (d *desk) sayWorkersFor(ctx context.Context, r *request) error {
	if err := d.sayWorkers(ctx); err != nil || r.Ledger == nil {
		return err
	}
	n, err := d.workers(ctx, ledgerQueue(d.flags.taskQueue))
	if err == nil && n == 0 {
		d.Say("no worker at the task queue %s has a ledger: the job waits until one is started with --ledger", d.flags.taskQueue)
	}
	return err
}

// workers counts those that asked for work in the last minutes.
func (d *desk) workers(ctx context.Context, queue string) (int, error) {
	q, err := d.server.DescribeTaskQueue(ctx, queue, enums.TASK_QUEUE_TYPE_ACTIVITY)
	if err != nil {
		return 0, &unreachableError{d.flags.address, err}
	}
	return len(q.GetPollers()), nil
}

// command is a command of this program, as it is typed.
func (d *desk) command(name, job string) string {
	c := "bulkonboard-temporal " + name + " " + job + " --store " + cli.Quoted(d.store)
	if d.flags.address != client.DefaultHostPort {
		c += " --address " + cli.Quoted(d.flags.address)
	}
	if d.flags.namespace != client.DefaultNamespace {
		c += " --namespace " + cli.Quoted(d.flags.namespace)
	}
	if d.flags.taskQueue != defaultTaskQueue {
		c += " --task-queue " + cli.Quoted(d.flags.taskQueue)
	}
	return c
}
