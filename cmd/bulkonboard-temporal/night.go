package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"bulkonboard/batch/chunks"
	"bulkonboard/batch/store"
)

// quotaPoll is how often a night looks whether its quota is free.
const quotaPoll = 2 * time.Minute

// scheduledStart is when a workflow of a schedule was due.
var scheduledStart = temporal.NewSearchAttributeKeyTime("TemporalScheduledStartTime")

// night is one time that a schedule comes round: it makes the job of that time,
// and waits for it. While another job has the quota, it waits for that first.
func night(ctx workflow.Context, d due) (course, error) {
	workflow.GetVersion(ctx, "night", workflow.DefaultVersion, 1)
	if d.At.IsZero() {
		d.At = workflow.Now(ctx)
		if at, ok := workflow.GetTypedSearchAttributes(ctx).GetTime(scheduledStart); ok {
			d.At = at
		}
	}
	var p prepared
	making := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: prepareTime, RetryPolicy: patience(0).RetryPolicy,
	})
	if err := workflow.ExecuteActivity(making, prepareName, d).Get(ctx, &p); err != nil {
		return course{}, err
	}
	for {
		c, err := p.run(ctx)
		if !temporal.IsWorkflowExecutionAlreadyStartedError(err) {
			return c, err
		}
		if long(ctx) {
			return course{}, workflow.NewContinueAsNewError(ctx, nightName, d)
		}
		if err := workflow.Sleep(ctx, quotaPoll); err != nil {
			return course{}, err
		}
	}
}

// run runs the job, unless another has the quota.
func (p *prepared) run(ctx workflow.Context) (c course, err error) {
	child := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: workflowOf(p.Quota), WaitForCancellation: true, ParentClosePolicy: enums.PARENT_CLOSE_POLICY_REQUEST_CANCEL,
		Memo: map[string]any{memoJob: p.Course.Job, memoRound: p.Course.Round},
	})
	err = workflow.ExecuteChildWorkflow(child, onboardName, p.Course).Get(ctx, &c)
	return c, err
}

// prepareTime is more than making a job takes.
const prepareTime = time.Minute

// template is what a schedule makes its jobs from.
type template struct {
	Request request `json:"request"`
	Pattern string  `json:"pattern"` // of the list's name in the store
	Zone    string  `json:"zone"`    // that the pattern is filled in by
}

func templateName(schedule string) string { return "schedules/" + schedule + ".json" }

// noScheduleError says that a schedule has nothing to make jobs from.
type noScheduleError struct{ schedule string }

func (e *noScheduleError) Error() string {
	return fmt.Sprintf("there is no schedule %s in the store; check its name and --store", e.schedule)
}

func readTemplate(ctx context.Context, root store.Store, schedule string) (*template, error) {
	b, err := store.ReadAll(ctx, root, templateName(schedule), maxRequest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &noScheduleError{schedule}
	}
	if err != nil {
		return nil, err
	}
	return parseTemplate(b)
}

func parseTemplate(b []byte) (*template, error) {
	var t template
	err := json.Unmarshal(b, &t)
	if err == nil {
		_, err = time.LoadLocation(t.Zone)
	}
	if err == nil {
		err = checkPattern(t.Pattern)
	}
	if err != nil {
		return nil, fmt.Errorf("this is no schedule's template: %w", err)
	}
	return &t, nil
}

// prepare makes the job of one time that a schedule comes round. It may have
// been made before.
func (k *crew) prepare(ctx context.Context, d due) (prepared, error) {
	p, err := k.makeJob(ctx, d)
	if err == nil {
		return p, nil
	}
	f, final := failureOf(err)
	k.log.Warn("the job of a schedule was not made", "schedule", d.Schedule, "due", d.At, "reason", err.Error(), "kind", f.kind, "final", final)
	return p, asFailure(err)
}

func (k *crew) makeJob(ctx context.Context, d due) (prepared, error) {
	t, err := readTemplate(ctx, k.root, d.Schedule)
	if err != nil {
		return prepared{}, err
	}
	zone, err := time.LoadLocation(t.Zone)
	if err != nil {
		return prepared{}, &usageError{err.Error()}
	}
	at := d.At.In(zone)
	r := t.Request
	r.Input = input{Object: expand(t.Pattern, at)}
	r.Job.List.Name = r.Input.Object
	job := d.Schedule + at.Format("-2006-01-02T1504")
	list, err := r.open(ctx, k.root)
	if err != nil {
		return prepared{}, err
	}
	_ = list.Close() // that it is there was to be known
	if _, err := r.put(ctx, k.root, job); err != nil {
		return prepared{}, err
	}
	rounds, err := chunks.Rounds(ctx, jobStore(k.root, job))
	return prepared{Course: r.course(job, len(rounds)), Quota: r.Quota}, err
}

// fields are what a pattern's letters stand for.
var fields = map[byte]string{'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04"}

// expand fills a time into a pattern.
func expand(pattern string, at time.Time) string {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != '%' || i+1 == len(pattern) {
			b.WriteByte(pattern[i])
			continue
		}
		i++
		b.WriteString(at.Format(fields[pattern[i]]))
	}
	return b.String()
}

// checkPattern finds what expand does not fill in, and names that no store has.
func checkPattern(pattern string) error {
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != '%' {
			continue
		}
		if i++; i == len(pattern) || fields[pattern[i]] == "" {
			return fmt.Errorf("the pattern %q has a %% that is none of %%Y, %%m, %%d, %%H and %%M", pattern)
		}
	}
	return store.CheckName(expand(pattern, time.Unix(0, 0)))
}
