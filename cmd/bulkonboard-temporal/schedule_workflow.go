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
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/source"
)

// nightPoll is how often a night looks whether its list is there, and then
// whether its quota is free.
const nightPoll = 2 * time.Minute

// scheduledStart is when a workflow of a schedule was due.
var scheduledStart = temporal.NewSearchAttributeKeyTime("TemporalScheduledStartTime")

// night is one time that a schedule comes round: it makes the job of that time,
// and waits for it. While another job has the quota, it waits for that first.
func night(ctx workflow.Context, d due) (course, error) {
	version := workflow.GetVersion(ctx, "night", workflow.DefaultVersion, 2)
	if d.At.IsZero() {
		d.At = workflow.Now(ctx)
		if at, ok := workflow.GetTypedSearchAttributes(ctx).GetTime(scheduledStart); ok {
			d.At = at
		}
	}
	p, err := d.made(ctx, version >= 2)
	if err != nil {
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
		if err := workflow.Sleep(ctx, nightPoll); err != nil {
			return course{}, err
		}
	}
}

// made makes the job of a night, and waits for its list if that is late. The
// memo is for those who ask about the job before it begins. A list that does not
// come is the job's own trouble, where everybody looks for it.
func (d due) made(ctx workflow.Context, memo bool) (prepared, error) {
	making := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: prepareTime, RetryPolicy: patience(0).RetryPolicy,
	})
	for began := workflow.Now(ctx); ; {
		var p prepared
		if err := workflow.ExecuteActivity(making, prepareName, d).Get(ctx, &p); err != nil {
			return p, ending(ctx, err)
		}
		if memo {
			if err := workflow.UpsertMemo(ctx, map[string]any{memoJob: p.Course.Job, memoRound: p.Course.Round}); err != nil {
				return p, err
			}
			memo = false
		}
		if !p.Late || workflow.Now(ctx).Sub(began) >= p.Patience {
			return p, nil
		}
		if err := workflow.Sleep(ctx, nightPoll); err != nil {
			return p, err
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

	// Patience is how long a list is waited for that is late.
	Patience time.Duration `json:"patience,omitempty"`
}

func templateName(schedule string) string { return "schedules/" + schedule + ".json" }

// noScheduleError says that a schedule has nothing to make jobs from.
type noScheduleError struct{ schedule, reason string }

// Kind tells what it means.
func (e *noScheduleError) Kind() cli.Kind { return absent }

func (e *noScheduleError) Error() string {
	return fmt.Sprintf("there is no schedule %s: %s; check --store, or delete the schedule and create it again", e.schedule, e.reason)
}

func readTemplate(ctx context.Context, root store.Store, schedule string) (*template, error) {
	b, err := store.ReadAll(ctx, root, templateName(schedule), maxRequest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &noScheduleError{schedule, "it is not in the store"}
	}
	if err != nil {
		return nil, err
	}
	return parseTemplate(schedule, b)
}

func parseTemplate(schedule string, b []byte) (*template, error) {
	var t template
	err := json.Unmarshal(b, &t)
	if err == nil {
		_, err = time.LoadLocation(t.Zone)
	}
	if err == nil {
		err = checkPattern(t.Pattern)
	}
	if err != nil {
		return nil, &noScheduleError{schedule, "what is in the store of it is damaged: " + err.Error()}
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
	kind := cli.KindOf(err)
	k.log.Warn("the job of a schedule was not made", "schedule", d.Schedule, "due", d.At, "reason", err.Error(), "kind", kind.Name, "final", kind.Final)
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
	if repeats(at) {
		job += d.At.UTC().Format("-1504Z")
	}
	if _, err := r.put(ctx, k.root, job); err != nil {
		return prepared{}, err
	}
	rounds, err := chunks.Rounds(ctx, jobStore(k.root, job))
	if err != nil {
		return prepared{}, err
	}
	p := prepared{Course: r.course(job, len(rounds)), Quota: r.Quota, Patience: t.Patience}
	list, err := r.open(ctx, k.root)
	switch {
	case errors.As(err, new(*source.ListError)):
		p.Late = true
		k.log.Info("the list of a schedule is late", "job", job, "list", r.Input.Object)
	case err != nil:
		return prepared{}, err
	default:
		_ = list.Close() // that it is there was to be known
	}
	return p, nil
}

// around is further than clocks are ever set.
const around = 12 * time.Hour

// repeats reports whether the clocks show this time twice, as they do in the
// night in which they go back. Each of the two is a job of its own.
func repeats(at time.Time) bool {
	_, own := at.Zone()
	for _, near := range []time.Time{at.Add(-around), at.Add(around)} {
		_, offset := near.Zone()
		twin := at.Add(time.Duration(own-offset) * time.Second)
		if _, there := twin.Zone(); offset != own && there == offset {
			return true
		}
	}
	return false
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
