package main

import (
	"context"
	"errors"
	"time"

	"bulkonboard/batch/chunks"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/source"
)

// What a worker does for a schedule: it makes the job of each time.

// prepare makes the job of one time that a schedule comes round. It may have
// been made before.
func (a *activities) prepare(ctx context.Context, d due) (prepared, error) {
	p, err := a.makeJob(ctx, d)
	if err == nil {
		return p, nil
	}
	kind := cli.KindOf(err)
	a.log.Warn("the job of a schedule was not made", "schedule", d.Schedule, "due", d.At, "reason", err.Error(), "kind", kind.Name, "final", kind.Final)
	return p, asFailure(err)
}

func (a *activities) makeJob(ctx context.Context, d due) (prepared, error) {
	t, err := readTemplate(ctx, a.root, d.Schedule)
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
	if _, err := r.put(ctx, a.root, job); err != nil {
		return prepared{}, err
	}
	rounds, err := chunks.Rounds(ctx, jobStore(a.root, job))
	if err != nil {
		return prepared{}, err
	}
	p := prepared{State: r.begin(job, len(rounds)), Quota: r.Quota, Patience: t.Patience}
	list, err := r.open(ctx, a.root)
	switch {
	case errors.As(err, new(*source.ListError)):
		p.Late = true
		a.log.Info("the list of a schedule is late", "job", job, "list", r.Input.Object)
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
