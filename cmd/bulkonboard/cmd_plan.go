package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"bulkonboard/batch/chunks"
	"bulkonboard/batch/ledger"
	"bulkonboard/batch/measure"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/cmd/internal/screen"
)

// planning is the flags of plan.
type planning struct {
	job     cli.JobFlags
	folder  jobFolder
	scratch string
	ledger  ledgerSettings
	log     cli.LogFlags

	shown map[string]string // all settings, for the summary
}

func planCommand() *cobra.Command {
	var p planning
	c := &cobra.Command{
		Use:   "plan --input LIST --job FOLDER --rate N",
		Short: "Divide a list into chunks for several machines",
		Long: `plan reads a list once, cuts it into chunks between its rows, finds the rows that
are of one customer, and puts all of it into a folder that every machine sees. It
sends nothing and needs no secret. It prints how many chunks there are.

Then bulkonboard run-chunk sends each of them, on any machine and in any order,
and bulkonboard merge puts the results together. For one machine there is
bulkonboard run, which needs none of this.`,
		Example: `  bulkonboard plan customers.csv --job /mnt/shared/tonight --rate 1000 --parallel 4 --config job.yaml`,
		Args:    cli.ListArgument,
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := cli.Settle(c, p.check); err != nil {
				return err
			}
			p.shown = cli.ShownSettings(c)
			return p.log.With(screen.On(c.ErrOrStderr()), func(v *cli.Voice) error { return p.run(c.Context(), v, c.OutOrStdout()) })
		},
	}
	c.Flags().SortFlags = false
	p.register(c)
	return c
}

func (p *planning) register(c *cobra.Command) {
	p.folder.register(c, "folder to put the job into, which every machine sees; made when there is none")
	p.job.Register(c)
	p.ledger.register(c)
	cli.RegisterScratch(c, &p.scratch, "the list, decompressed, and some 100 bytes a row")
	p.log.Register(c)
	cli.TakesConfig(c, jobFamily)
}

func (p *planning) check() error {
	var wrong cli.Problems
	p.job.Check(&wrong)
	p.folder.check(&wrong)
	p.ledger.check(&wrong)
	p.log.Check(&wrong)
	if p.job.List.FromStandardInput() {
		wrong.Add("--input: a list for several machines is a file, not standard input")
	}
	return wrong.Err()
}

// run plans the job, and says what to type next.
func (p *planning) run(ctx context.Context, v *cli.Voice, stdout io.Writer) error {
	list, err := p.job.List.OpenInput()
	if err != nil {
		return err
	}
	list.Close() // it is a list; it is read from its beginning
	m, err := p.plan(ctx, v)
	if err != nil {
		return err
	}
	cli.PrintForecast(v.People, m.Forecast, p.job.List.Name(), cli.ExpectedPace{PerSecond: m.Job.Rate})
	p.printNext(v, m)
	fmt.Fprintln(stdout, len(m.Chunks))
	return nil
}

func (p *planning) plan(ctx context.Context, v *cli.Voice) (*chunks.Manifest, error) {
	ctx, _, release := cli.UntilSignalled(ctx, 0, v.Say)
	defer release()
	p.ledger.Owner = ledger.Owner{Service: p.job.Service.BaseURL, Application: p.job.Service.AppID}
	opened, err := p.ledger.openKnown(ctx, v, "bulkonboard plan "+p.folder.flag())
	if err != nil {
		return nil, err
	}
	if opened != nil {
		defer func() { _ = opened.Close() }() // what was put is durable already
	}
	place, err := p.folder.make()
	if err != nil {
		return nil, err
	}
	scratch, remove, err := scratchFolder(p.scratch)
	if err != nil {
		return nil, err
	}
	defer remove()
	file, share, err := p.job.List.OpenFile()
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	var monitor measure.Monitor
	stop := showProgress(&monitor, v.People, v.Log)
	defer stop()
	job := p.job.Job(p.shown)
	job.Ledger = p.ledger.id
	planner := chunks.Planner{
		Store: place, Job: job, List: file, Scratch: scratch, Invalid: p.job.Invalid, Rows: p.job.Rows,
		Known: p.ledger.known(opened, p.job.Service.TenantID, p.job.Service.FormID, false), Monitor: &monitor, Share: share,
	}
	return planner.Plan(ctx)
}

// printNext says what to type next.
func (p *planning) printNext(v *cli.Voice, m *chunks.Manifest) {
	v.Say("job %s: %s, %d at once", m.Run, cli.Counted(len(m.Chunks), "chunk"), m.Parallel)
	if len(m.Chunks) > 0 {
		v.Say("  next: %s --index N, with N from 0 to %d", p.folder.command("run-chunk"), len(m.Chunks)-1)
	}
	if m.Rest {
		v.Say("  then: %s", p.folder.runPart(restIndex))
	}
	v.Say("  last: %s --output RESULTS", p.folder.command("merge"))
}
