package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"bulkonboard/batch/chunks"
	"bulkonboard/batch/measure"
	"bulkonboard/batch/state"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/cmd/internal/screen"
	"bulkonboard/sink"
)

// merging is what merge was asked for. What it writes is written as run does.
type merging struct {
	folder  jobFolder
	outputs outputs
	round   int // 0: the last one
	ledger  ledgerFile
	log     cli.LogFlags

	shown   map[string]string // all settings, for the summary
	command sink.Command      // with the job and the round that it is about
}

func mergeCommand() *cobra.Command {
	var m merging
	c := &cobra.Command{
		Use:   "merge --job FOLDER --output RESULTS",
		Short: "Merge the results of the chunks of a job",
		Long: `merge makes one results file of a job whose chunks are all done, row for row as
run would have on one machine, with its summary and rejects. It calls no customer.
Interrupted, it resumes with the same command.`,
		Example: `  bulkonboard merge --job /mnt/shared/tonight -o results.csv`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := cli.Settle(c, m.check); err != nil {
				return err
			}
			m.shown = cli.ShownSettings(c)
			return m.log.With(screen.On(c.ErrOrStderr()), func(v *cli.Voice) error { return m.run(c.Context(), v) })
		},
	}
	c.Flags().SortFlags = false
	m.register(c)
	return c
}

func (m *merging) register(c *cobra.Command) {
	f := c.Flags()
	m.folder.register(c, "folder of the job")
	m.outputs.register(c, "merge")
	f.IntVar(&m.round, "round", 0, "the results as they stand after this round (default: the last one)")
	m.ledger.register(c, "file of what is known of each customer from earlier nights, as plan was given it: it is told what became of each")
	m.log.Register(c)
	cli.TakesConfig(c, jobFamily)
	cli.TypedOnly(c, "round")
}

func (m *merging) check() error {
	var p cli.Problems
	m.folder.check(&p)
	p.Need("output", m.outputs.results)
	m.outputs.checkPlaces(&p)
	apart(&p, m.files()...)
	if m.round < 0 {
		p.Add("--round is " + strconv.Itoa(m.round) + "; it takes a number from 1")
	}
	m.ledger.check(&p)
	m.log.Check(&p)
	return p.Err()
}

// files are all files of a merge that are written, or that must not be.
func (m *merging) files() []namedFile {
	files := append(m.outputs.files(), m.ledger.files()...)
	return append(files, namedFile{"--log-file", m.log.File}, m.outputs.summaryFile())
}

// run merges, and says what came of it.
func (m *merging) run(ctx context.Context, v *cli.Voice) error {
	place, manifest, err := m.folder.open(ctx)
	if err != nil {
		return err
	}
	v.Of(manifest.Run)
	round, err := latest(ctx, place, m.round)
	if err != nil {
		return err
	}
	m.command = sink.Command{Name: "merge", Folder: folder(), Set: manifest.Constants(), Job: fmt.Sprintf("%s, round %d", manifest.Run, round)}
	done, err := m.complete()
	if err != nil {
		return err
	}
	if done != nil {
		return m.sayComplete(done, v)
	}
	if err := cli.CheckRetried(m.outputs.results, manifest.Run, cli.Program()); err != nil {
		return err
	}
	if err := m.checkOutputs(); err != nil {
		return err
	}
	opened, err := m.openLedger(ctx, v, &manifest.Job)
	if err != nil {
		return err
	}
	if opened != nil {
		defer func() { _ = opened.Close() }() // what was put is durable already
	}
	merger := m.merger(manifest, round)
	merger.Store, merger.Known, merger.Log = place, cli.KnownOf(opened, &manifest.Job.Service, 0), v.Log
	return m.merge(ctx, v, merger)
}

// complete gives the summary of the merge that has done already what was asked
// for; nil when there is work to do.
func (m *merging) complete() (*sink.Summary, error) {
	if err := m.outputs.finish(); err != nil {
		return nil, err
	}
	sum := m.outputs.sameRun(func(sum *sink.Summary) bool { return sameCommand(m.command, m.shown, sum) })
	if sum == nil {
		return nil, nil //nolint:nilnil // see above
	}
	return m.outputs.standing(sum)
}

// sayComplete removes what is left of a merge that is complete, and says so.
func (m *merging) sayComplete(sum *sink.Summary, v *cli.Voice) error {
	if err := tidy(m.outputs.stateDir()); err != nil {
		return err
	}
	v.Of(sum.Run)
	return m.outputs.sayComplete(sum, v, "--restart --overwrite")
}

// checkOutputs refuses what would overwrite somebody's work.
func (m *merging) checkOutputs() error {
	if err := m.outputs.checkSummary(); err != nil {
		return err
	}
	if err := m.outputs.checkOutput("output", m.outputs.results, nil); err != nil || m.outputs.rejects == "" {
		return err
	}
	return m.outputs.checkOutput("rejects", m.outputs.rejects, nil)
}

// openLedger opens the ledger that the job was planned with, if it was with one.
func (m *merging) openLedger(ctx context.Context, v *cli.Voice, job *chunks.Job) (*cli.OpenedLedger, error) {
	m.ledger.Owner = cli.OwnerOf(&job.Service)
	opened, err := m.ledger.openKnown(ctx, v, "bulkonboard merge "+m.folder.flag())
	if err == nil && m.ledger.id != job.Ledger {
		err = cli.Problems{"--ledger is not the ledger that plan was given: merging tells the ledger that was asked"}
		if opened != nil {
			_ = opened.Close() // nothing was put
		}
	}
	return opened, err
}

func (m *merging) merger(manifest *chunks.Manifest, round int) *chunks.Merger {
	return cli.NewMerger(manifest, round, &cli.MergeOutputs{
		Results: m.outputs.results, Rejects: m.outputs.rejects, Summary: sink.SummaryPath(m.outputs.results),
		Replace: m.outputs.overwrite, ReplaceSummary: m.outputs.replaceSummary,
		Settings: m.shown, Command: m.command, Typed: cli.CommandLine(),
		Retry: func(status sink.Status, code string) string {
			return groupCommand(lastingCommand, m.outputs.results, status, code, m.again([]string{code}))
		},
	})
}

// again is what a retry of the results with these error codes must add.
func (m *merging) again(codes []string) string {
	return again(&sink.Summary{Command: m.command}, codes)
}

// merge merges, with the places of the outputs locked.
func (m *merging) merge(ctx context.Context, v *cli.Voice, merger *chunks.Merger) error {
	release, err := m.outputs.reserve()
	if err != nil {
		return err
	}
	defer release()
	dir, err := state.Open(fileSystem, m.outputs.stateDir(), state.Options{Command: cli.CommandLine()})
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }() // what counts was synced and checked before
	if m.outputs.restart {
		if err := discard(dir, m.outputs.stateDir(), v); err != nil {
			return err
		}
	}
	ctx, _, stopped := cli.UntilSignalled(ctx, 0, v.Say)
	defer stopped()
	scratch, err := scratchIn(dir)
	if err != nil {
		return err
	}
	defer func() { _ = scratch.Close() }() // it is no longer needed
	var monitor measure.Monitor
	merger.State, merger.Scratch, merger.Monitor = dir, scratch, &monitor
	stop := showProgress(&monitor, v.People, v.Log)
	summary, err := merger.Merge(ctx)
	stop()
	if summary == nil {
		return m.refuse(dir, err)
	}
	end := &conclusion{outputs: &m.outputs, again: m.again}
	printSummary(v.People, end, summary)
	logSummary(v, end, summary, cli.ExitCodeOf(summary.News(), err))
	if err == nil {
		m.sayTakenUp(v, merger.Manifest.Run)
	}
	return cli.OutcomeOf(summary.News(), err)
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
