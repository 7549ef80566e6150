package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"github.com/spf13/cobra"

	"bulkonboard/batch"
	"bulkonboard/batch/chunks"
	"bulkonboard/batch/ledger"
	"bulkonboard/batch/state"
	"bulkonboard/batch/store"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

// merging is the flags of merge. What it writes is written as run does.
type merging struct {
	settings // of which it has the outputs, the ledger and the log
	jobFolder
	round, at int // that was asked for, and that it is
}

func mergeCommand() *cobra.Command {
	var m merging
	c := &cobra.Command{
		Use:   "merge --job FOLDER --output RESULTS",
		Short: "Put the results of a job's chunks together",
		Long: `merge makes one results file of a job whose chunks are all done, row for row as
run would have on one machine, with its summary and rejects. It calls nobody.
Interrupted, it goes on with the same command.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := cli.Settle(c, m.check); err != nil {
				return err
			}
			m.shown = cli.ShownSettings(c)
			return m.logs.With(terminalOr(c.ErrOrStderr()), func(v *cli.Voice) error { return m.run(c.Context(), v) })
		},
	}
	c.Flags().SortFlags = false
	m.register(c)
	return c
}

func (m *merging) register(c *cobra.Command) {
	f := c.Flags()
	m.jobFolder.register(c, "folder of the job")
	f.StringVarP(&m.output, "output", "o", "", "results file to write; OUTPUT.state keeps the state of a merge under way")
	f.StringVar(&m.rejects, "rejects", "", "also write the records that did not end well to this file, as the very bytes of the input")
	f.BoolVar(&m.overwrite, "overwrite", false, "replace an output that another run made")
	f.BoolVar(&m.restart, "restart", false, "throw away what an interrupted merge left and begin anew")
	f.IntVar(&m.round, "round", 0, "the results as they stand after this round (default: the last one)")
	m.ledger.ledgerFile.register(c, "file of what is known of each customer from earlier nights, as plan was given it: it is told what became of each")
	m.logs.Register(c)
	cli.TakesConfig(c, jobFamily)
	cli.TypedOnly(c, "round")
	for _, name := range []string{"output", "rejects"} {
		_ = c.MarkFlagFilename(name)
	}
}

func (m *merging) check() error {
	var p cli.Problems
	m.jobFolder.check(&p)
	p.Need("output", m.output)
	m.checkPlaces(&p)
	apart(&p, m.files()...)
	if m.round < 0 {
		p.Add("--round is " + strconv.Itoa(m.round) + "; it takes a number from 1")
	}
	m.ledger.ledgerFile.check(&p)
	m.logs.Check(&p)
	return p.Err()
}

// run merges, and says what came of it.
func (m *merging) run(ctx context.Context, v *cli.Voice) error {
	place, manifest, err := m.open(ctx)
	if err != nil {
		return err
	}
	v.Of(manifest.Run)
	m.Input = manifest.Source.Name
	if m.at, err = latest(ctx, place, m.round); err != nil {
		return err
	}
	m.set = manifest.Constants()
	m.job = fmt.Sprintf("%s, round %d", manifest.Run, m.at)
	if err := m.finish(); err != nil {
		return err
	}
	if sum := m.sameRun(); sum != nil {
		if sum, err = m.standing(sum); err != nil {
			return err
		} else if sum != nil {
			return m.sayComplete(ctx, sum, v)
		}
	}
	if err := m.checkOutputs(); err != nil {
		return err
	}
	service := &manifest.Job.Service
	m.ledger.Owner = ledger.Owner{Service: service.BaseURL, Application: service.AppID}
	opened, err := m.ledger.openKnown(ctx, v, "bulkonboard merge "+m.flag())
	if err != nil {
		return err
	}
	if opened != nil {
		defer func() { _ = opened.Close() }() // what was put is durable already
	}
	if m.ledger.id != manifest.Job.Ledger {
		return cli.Problems{"--ledger is not the one that plan was given: merging tells the ledger that was asked"}
	}
	release, err := m.reserve()
	if err != nil {
		return err
	}
	defer release()
	dir, err := state.Open(fileSystem, m.stateDir(), state.Options{Command: cli.CommandLine()})
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }() // what counts was synced and checked before
	if m.restart {
		if err := discard(dir, m.stateDir(), v); err != nil {
			return err
		}
	}
	return m.merge(ctx, v, place, manifest, dir, opened)
}

// checkOutputs refuses what would overwrite somebody's work.
func (m *merging) checkOutputs() error {
	if err := m.checkSummary(); err != nil {
		return err
	}
	if err := m.checkOutput("output", m.output, nil); err != nil || m.rejects == "" {
		return err
	}
	return m.checkOutput("rejects", m.rejects, nil)
}

func (m *merging) merge(ctx context.Context, v *cli.Voice, place store.Store, manifest *chunks.Manifest, dir *state.Dir, opened *cli.OpenedLedger) error {
	ctx, _, release := cli.UntilSignalled(ctx, 0, v.Say)
	defer release()
	j := &job{settings: &m.settings, Voice: v, dir: dir}
	scratch, err := j.scratch()
	if err != nil {
		return err
	}
	defer func() { _ = scratch.Close() }() // nobody wants it any more
	stop := showProgress(&j.monitor, v.People, v.Log)
	merger := chunks.Merger{
		Store: place, Manifest: manifest, Round: m.at, State: dir, Results: m.output, Rejects: m.rejects, ReplaceResults: m.overwrite, ReplaceRejects: m.overwrite,
		SummaryFile: m.summaryOf(manifest), Scratch: scratch, Origin: batch.Origin{List: manifest.Source.Name, Command: cli.CommandLine()},
		Known: m.ledger.known(opened, manifest.Job.Service.TenantID, manifest.Job.Service.FormID), Monitor: &j.monitor, Log: v.Log,
	}
	summary, err := merger.Merge(ctx)
	stop()
	if summary == nil {
		return m.refuse(dir, err)
	}
	printSummary(v.People, &m.settings, summary)
	logSummary(v, &m.settings, summary, cli.ExitCode(cli.OutcomeOf(summary.Bad(), err)))
	return cli.OutcomeOf(summary.Bad(), err)
}

// refuse leaves no state of a merge that could not begin.
func (m *merging) refuse(dir *state.Dir, reason error) error {
	if !errors.As(reason, new(*chunks.NotDoneError)) {
		return reason
	}
	if _, began, err := dir.Began(); began || err != nil {
		return reason
	}
	return errors.Join(reason, dir.Dismantle())
}

// summaryOf is what the summary file is to say: the settings are those of the
// plan, but for the outputs.
func (m *merging) summaryOf(manifest *chunks.Manifest) batch.SummaryFile {
	shown := maps.Clone(manifest.Job.Settings)
	maps.Copy(shown, m.shown)
	return batch.SummaryFile{
		Path: sink.SummaryPath(m.output), Replace: m.replaceSummary, Tool: cli.Version(), Settings: shown, Command: m.commandNow(),
		ExitCode: func(bad int64, err error) int { return cli.ExitCode(cli.OutcomeOf(bad, err)) },
		Retry:    m.groupCommand,
	}
}
