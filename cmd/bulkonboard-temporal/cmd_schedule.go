package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	_ "time/tzdata" // time zones are understood in a container without a zone database, too

	"github.com/spf13/cobra"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"bulkonboard/cmd/internal/cli"
)

func scheduleCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "schedule",
		Short: "Have a job run every night, or whenever it is due",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(
		scheduleCreateCommand(), scheduleListCommand(),
		ofSchedule("pause", "Let a schedule rest", "rests; its job comes round again after: schedule unpause", func(ctx context.Context, h client.ScheduleHandle) error {
			return h.Pause(ctx, client.SchedulePauseOptions{})
		}),
		ofSchedule("unpause", "Let a schedule continue", "continues", func(ctx context.Context, h client.ScheduleHandle) error {
			return h.Unpause(ctx, client.ScheduleUnpauseOptions{})
		}),
		ofSchedule("trigger", "Run the job of a schedule now", "comes round now", func(ctx context.Context, h client.ScheduleHandle) error {
			return h.Trigger(ctx, client.ScheduleTriggerOptions{})
		}),
		scheduleDeleteCommand(),
	)
	return c
}

// scheduleOf is a schedule's id in Temporal.
func scheduleOf(name string) string { return schedulePrefix + name }

const schedulePrefix = "bulkonboard-"

// scheduleError says what the server made of a command about a schedule.
func (j *jobClient) scheduleError(name string, err error) error {
	var none *serviceerror.NotFound
	switch {
	case err == nil:
		return nil
	case errors.As(err, &none):
		return cli.Problems{fmt.Sprintf("there is no schedule %s; bulkonboard-temporal schedule list shows them", name)}
	}
	return &unreachableError{j.flags.address, err}
}

// ofSchedule makes a command that does something with a schedule.
func ofSchedule(verb, short, says string, do func(context.Context, client.ScheduleHandle) error) *cobra.Command {
	var f clientFlags
	c := &cobra.Command{
		Use: verb + " NAME --store STORE", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.with(c, func(ctx context.Context, j *jobClient) error {
				if err := do(ctx, j.server.ScheduleClient().GetHandle(ctx, scheduleOf(args[0]))); err != nil {
					return j.scheduleError(args[0], err)
				}
				j.Say("the schedule %s %s", args[0], says)
				return j.sayWorkers(ctx)
			})
		},
	}
	c.Flags().SortFlags = false
	f.register(c)
	return c
}

func scheduleDeleteCommand() *cobra.Command {
	var f clientFlags
	c := &cobra.Command{
		Use: "delete NAME --store STORE", Short: "Remove a schedule; its jobs stay, and one under way continues", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.with(c, func(ctx context.Context, j *jobClient) error {
				err := j.server.ScheduleClient().GetHandle(ctx, scheduleOf(args[0])).Delete(ctx)
				if err != nil && !errors.As(err, new(*serviceerror.NotFound)) {
					return j.scheduleError(args[0], err)
				}
				if gone := j.root.Delete(ctx, templateName(args[0])); gone != nil {
					return gone
				}
				if err == nil {
					j.Say("the schedule %s is gone", args[0])
				}
				return j.scheduleError(args[0], err)
			})
		},
	}
	c.Flags().SortFlags = false
	f.register(c)
	return c
}

func scheduleListCommand() *cobra.Command {
	var f clientFlags
	c := &cobra.Command{
		Use: "list --store STORE", Short: "Show the schedules, and when each is due next", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return f.with(c, func(ctx context.Context, j *jobClient) error { return j.listSchedules(ctx, c.OutOrStdout()) })
		},
	}
	c.Flags().SortFlags = false
	f.register(c)
	return c
}

func (j *jobClient) listSchedules(ctx context.Context, stdout io.Writer) error {
	schedules, err := j.server.ScheduleClient().List(ctx, client.ScheduleListOptions{})
	if err != nil {
		return &unreachableError{j.flags.address, err}
	}
	for schedules.HasNext() {
		s, err := schedules.Next()
		if err != nil {
			return &unreachableError{j.flags.address, err}
		}
		name, ours := strings.CutPrefix(s.ID, schedulePrefix)
		if !ours || s.WorkflowType.Name != scheduledName {
			continue
		}
		next := "never"
		switch {
		case s.Paused:
			next = "paused"
		case len(s.NextActionTimes) > 0:
			next = s.NextActionTimes[0].Format(time.RFC3339)
		}
		fmt.Fprintf(stdout, "%s\tnext: %s\n", name, next)
	}
	return nil
}

// scheduleSettings are the flags of schedule create.
type scheduleSettings struct {
	job                 jobFlags
	client              clientFlags
	pattern, cron, zone string
	catchUp, patience   time.Duration
	shown               map[string]string
}

func scheduleCreateCommand() *cobra.Command {
	var s scheduleSettings
	c := &cobra.Command{
		Use:   "create NAME --store STORE --store-input PATTERN --cron CRON --rate RATE",
		Short: "Have a list taken through whenever it is due",
		Long: `create makes a schedule. Whenever it is due, the list whose name --store-input
gives for that time is taken from the store; %Y, %m, %d, %H and %M stand for the
time that was due, in --time-zone, however late the job begins. Each time is a job
of its own, NAME-YYYY-MM-DDTHHMM (with the time in UTC, such as -0030Z, where the
clocks go back and show a time twice): see status, and resume for one that has failed.

While a job is under way, at most one more waits. What was due while the server
was away is made up for, for as long as --catch-up says.`,
		Example: `  bulkonboard-temporal schedule create nightly --store /mnt/share --cron '30 4 * * *' --time-zone Europe/Berlin \
    --store-input 'exports/customers-%Y-%m-%d.csv' --rate 50 --base-url … --app-id … --tenant-id … --form-id …`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return s.client.with(c, func(ctx context.Context, j *jobClient) error {
				s.shown = settingsOf(c)
				return s.create(ctx, j, args[0])
			}, func() error { return s.problems(args[0]) })
		},
	}
	s.registerAll(c)
	return c
}

func (s *scheduleSettings) registerAll(c *cobra.Command) {
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&s.cron, "cron", "", "when it is due, such as '30 4 * * *': minute, hour, day of the month, month, day of the week")
	f.StringVar(&s.zone, "time-zone", "UTC", "time zone of --cron and --store-input, such as Europe/Berlin")
	f.StringVar(&s.pattern, "store-input", "", "name of the list in the store, with %Y %m %d %H %M for the time that is due")
	f.DurationVar(&s.catchUp, "catch-up", 6*time.Hour, "how late a job may begin that was due while the server was away")
	f.DurationVar(&s.patience, "wait-for-input", time.Hour, "how long a list is waited for that is not in the store yet; without it the job fails")
	s.job.register(c)
	_ = f.MarkHidden("input")
	s.client.register(c)
}

// problems finds what is missing or wrong.
func (s *scheduleSettings) problems(name string) error {
	var p cli.Problems
	checkJobName(&p, name)
	p.Need("cron", s.cron)
	p.Need("store-input", s.pattern)
	if s.pattern != "" {
		if err := checkPattern(s.pattern); err != nil {
			p.Add("--store-input: " + err.Error())
		}
	}
	if s.job.flags.List.Input != "" {
		p.Add("--input has no place in a schedule: name a list in the store with --store-input")
	}
	s.job.flags.List.Input = s.pattern
	if _, err := time.LoadLocation(s.zone); err != nil {
		p.Add("--time-zone: " + err.Error())
	}
	if s.catchUp < time.Minute {
		p.Add(fmt.Sprintf("--catch-up is %s; it takes a minute or more", s.catchUp))
	}
	if s.patience < 0 || s.patience > maxPatience {
		p.Add(fmt.Sprintf("--wait-for-input is %s; it takes zero to %s", s.patience, maxPatience))
	}
	s.job.check(&p)
	return p.Err()
}

// maxPatience is as long as one workflow can look for a list.
const maxPatience = 24 * time.Hour

// create makes the schedule: first what its jobs are made from.
func (s *scheduleSettings) create(ctx context.Context, j *jobClient, name string) error {
	t := template{Request: *s.job.request(s.shown), Pattern: s.pattern, Zone: s.zone, Patience: s.patience}
	b, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return err
	}
	there := cli.Problems{fmt.Sprintf("there is a schedule %s already; delete it first, or take another name", name)}
	if _, err := putOnce(ctx, j.root, templateName(name), b, there); err != nil {
		return err
	}
	_, err = j.server.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID:      scheduleOf(name),
		Spec:    client.ScheduleSpec{CronExpressions: []string{s.cron}, TimeZoneName: s.zone},
		Overlap: enums.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE, CatchupWindow: s.catchUp,
		Action: &client.ScheduleWorkflowAction{
			ID: scheduledIDs + name, Workflow: scheduledName, Args: []any{due{Schedule: name}}, TaskQueue: j.flags.taskQueue,
		},
	})
	switch {
	case errors.Is(err, temporal.ErrScheduleAlreadyRunning):
		return there
	case err != nil:
		return j.refusedSchedule(ctx, name, err)
	}
	j.Say("the schedule %s is made: %s in %s", name, s.cron, s.zone)
	return j.sayWorkers(ctx)
}

// refusedSchedule leaves nothing of a schedule that the server does not take.
func (j *jobClient) refusedSchedule(ctx context.Context, name string, err error) error {
	if !errors.As(err, new(*serviceerror.InvalidArgument)) {
		return &unreachableError{j.flags.address, err} // it may have been made
	}
	return errors.Join(cli.Problems{"--cron or --time-zone: " + err.Error()}, j.root.Delete(ctx, templateName(name)))
}
