package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"bulkonboard/batch/chunks"
	"bulkonboard/batch/store"
	"bulkonboard/cmd/internal/cli"
)

// jobClient starts jobs, stops them, and tells how far they are.
type jobClient struct {
	root   store.Store
	server client.Client
	flags  *serverFlags
	store  string // its address, for commands to type
	*cli.Voice
}

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
func (j *jobClient) free(ctx context.Context, quota, job string) error {
	running, err := j.look(ctx, quota)
	if err == nil && running != nil && running.job != job {
		err = &takenError{quota, running.job, j.command("status", running.job)}
	}
	return err
}

// takeUp starts the newest round of a job that is in the store, or joins it
// where it is under way, or finds it done.
func (j *jobClient) takeUp(ctx context.Context, job string, r *request, w *waitFlags) error {
	rounds, err := chunks.Rounds(ctx, jobStore(j.root, job))
	if err != nil {
		return err
	}
	round := len(rounds)
	done, err := j.finished(ctx, job, round)
	if err != nil {
		return err
	}
	run := ""
	if done == nil {
		if run, err = j.start(ctx, job, r, round); err != nil {
			return err
		}
	}
	if !w.waits() && done == nil {
		j.Say("ask how far it is:    %s\nstop it:              %s", j.command("status", job), j.command("cancel", job))
		return nil
	}
	if done == nil {
		if done, err = j.wait(ctx, job, r.Quota, round, run); err != nil {
			return err
		}
	}
	return j.conclude(ctx, job, round, done, w)
}

// startTries is how often a round is started while the quota's holder has just
// ended each time.
const startTries = 3

// start starts a round, or joins it where it is under way already. It returns
// the run of the workflow.
func (j *jobClient) start(ctx context.Context, job string, r *request, round int) (run string, err error) {
	for range startTries {
		if run, err = j.begin(ctx, job, r, round); err == nil {
			j.Say("the job %s has started%s", job, ofRound(round))
			return run, j.sayWorkersFor(ctx, job, r)
		}
		if !errors.As(err, new(*serviceerror.WorkflowExecutionAlreadyStarted)) {
			break
		}
		running, unseen := j.look(ctx, r.Quota)
		if unseen != nil {
			return "", unseen
		}
		if running != nil {
			return running.run, j.join(ctx, job, r, round, running)
		}
	}
	return "", &unreachableError{j.flags.address, err}
}

// begin has the server start a round, unless the quota is taken.
func (j *jobClient) begin(ctx context.Context, job string, r *request, round int) (run string, err error) {
	w, err := j.server.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: workflowOf(r.Quota), TaskQueue: j.flags.taskQueue,
		WorkflowIDConflictPolicy:                 enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowIDReusePolicy:                    enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		Memo:                                     map[string]any{memoJob: job, memoRound: round},
		StaticSummary:                            "job " + job + ofRound(round),
	}, holdName, r.begin(job, round))
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
func (j *jobClient) join(ctx context.Context, job string, r *request, round int, running *execution) error {
	if !running.of(job, round) {
		return &takenError{r.Quota, running.job, j.command("status", running.job)}
	}
	j.Say("the job %s is under way already%s", job, ofRound(round))
	return j.sayWorkersFor(ctx, job, r)
}

// sayWorkers says when no worker is there, and who takes no parts.
func (j *jobClient) sayWorkers(ctx context.Context) error {
	_, err := j.lookAtWorkers(ctx)
	return err
}

func (j *jobClient) lookAtWorkers(ctx context.Context) (*workerPool, error) {
	c, err := j.workerPool(ctx)
	if err != nil {
		return nil, err
	}
	if len(c.names) == 0 {
		j.Say("no worker is at the task queue %s: nothing is done until there is one; start it with bulkonboard-temporal worker --store %s …",
			j.flags.taskQueue, cli.Quoted(j.store))
	}
	for _, text := range c.sick {
		j.Say("%s", text)
	}
	return c, nil
}

// sayWorkersFor says when no worker is there, or too few to do a job
// at its rate, or none that has its ledger.
func (j *jobClient) sayWorkersFor(ctx context.Context, job string, r *request) error {
	c, err := j.lookAtWorkers(ctx)
	if err != nil {
		return err
	}
	parallel, err := parallelOf(ctx, jobStore(j.root, job), r)
	if err != nil {
		return err
	}
	if text := c.tooFew(parallel); text != "" && len(c.names) > 0 {
		j.Say("%s", text)
	}
	if r.Ledger == nil {
		return nil
	}
	q, err := j.server.DescribeTaskQueue(ctx, ledgerQueue(j.flags.taskQueue), enums.TASK_QUEUE_TYPE_ACTIVITY)
	if err != nil {
		return &unreachableError{j.flags.address, err}
	}
	if len(lately(q.GetPollers(), time.Now())) == 0 {
		j.Say("no worker at the task queue %s has a ledger: the job waits until one is started with --ledger", j.flags.taskQueue)
	}
	return nil
}

// parallelOf is how many parts of a job run at once: as planned, or at most.
func parallelOf(ctx context.Context, place store.Store, r *request) (int, error) {
	m, err := chunks.Open(ctx, place)
	if errors.As(err, new(*chunks.NoJobError)) {
		return r.Job.Parallel, nil
	}
	if err != nil {
		return 0, err
	}
	return m.Parallel, nil
}

// command is a command of this program, as it is typed.
func (j *jobClient) command(name, job string) string {
	c := "bulkonboard-temporal " + name + " " + job + " --store " + cli.Quoted(j.store)
	if j.flags.address != client.DefaultHostPort {
		c += " --address " + cli.Quoted(j.flags.address)
	}
	if j.flags.namespace != client.DefaultNamespace {
		c += " --namespace " + cli.Quoted(j.flags.namespace)
	}
	if j.flags.taskQueue != defaultTaskQueue {
		c += " --task-queue " + cli.Quoted(j.flags.taskQueue)
	}
	return c
}
