package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"bulkonboard/batch/chunks"
	"bulkonboard/batch/measure"
	"bulkonboard/batch/store"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/cmd/internal/screen"
)

const (
	// restIndex names the part that the chunks leave.
	restIndex = "rest"

	// indexVariable is how an Indexed Job of Kubernetes tells a pod its index.
	indexVariable = "JOB_COMPLETION_INDEX"
)

// chunkRun is the flags of run-chunk.
type chunkRun struct {
	folder         jobFolder
	access         cli.AccessFlags
	index, scratch string
	round          int
	grace          time.Duration
	flushEvery     time.Duration
	log            cli.LogFlags
}

func runChunkCommand() *cobra.Command {
	var r chunkRun
	c := &cobra.Command{
		Use:   "run-chunk --job FOLDER --index N",
		Short: "Send one chunk of a job, or resume it",
		Long: `run-chunk sends one chunk of a job that plan has made, at its share of the rate,
and puts what becomes of each row into the folder of the job. Started again, on
this machine or another, it continues where the chunk stopped; one that is done is
left alone. Of two that run one chunk at once, the first one stops.

At most as many chunks may run at once as plan was told with --parallel: their
shares are what keeps the job to its rate. When plan says so, --index rest runs
after all chunks.`,
		Example: `  bulkonboard run-chunk --job /mnt/shared/tonight --index 0`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := cli.Settle(c, r.check); err != nil {
				return err
			}
			return r.log.With(screen.On(c.ErrOrStderr()), func(v *cli.Voice) error { return r.run(c.Context(), v) })
		},
	}
	c.Flags().SortFlags = false
	r.registerFlags(c)
	return c
}

func (r *chunkRun) registerFlags(c *cobra.Command) {
	r.folder.register(c, "folder of the job")
	f := c.Flags()
	f.StringVar(&r.index, "index", os.Getenv(indexVariable), "which chunk: a number from 0, or rest (default: "+indexVariable+", as Kubernetes sets it)")
	f.IntVar(&r.round, "round", 0, "of the job's rounds, this one (default: the last one)")
	r.access.Register(c)
	cli.RegisterGrace(f, &r.grace)
	cli.RegisterFlushEvery(f, &r.flushEvery, "the folder")
	cli.RegisterScratch(c, &r.scratch, "the chunk; of the rest, the list")
	r.log.Register(c)
	cli.TakesConfig(c, jobFamily)
	cli.TypedOnly(c, "index", "round")
}

func (r *chunkRun) check() error {
	var p cli.Problems
	r.folder.check(&p)
	if r.index == "" {
		p.Add("--index is missing")
	} else if n, err := strconv.Atoi(r.index); r.index != restIndex && (err != nil || n < 0) {
		p.Add(fmt.Sprintf("--index is %q; it takes a number from 0, or rest", r.index))
	}
	if r.round < 0 {
		p.Add(fmt.Sprintf("--round is %d; it takes a number from 1", r.round))
	}
	cli.CheckFlushEvery(&p, r.flushEvery)
	r.access.Check(&p)
	cli.CheckGrace(&p, r.grace)
	r.log.Check(&p)
	return p.Err()
}

// run runs the chunk.
func (r *chunkRun) run(ctx context.Context, v *cli.Voice) error {
	place, m, err := r.folder.open(ctx)
	if err != nil {
		return err
	}
	v.Of(m.Run)
	client, err := r.access.Client(ctx, r.access.AccessFor(&m.Job), v)
	if err != nil {
		return err
	}
	defer client.CloseIdle()
	ctx, abort, release := cli.UntilSignalled(ctx, r.grace, v.Say)
	defer release()
	scratch, remove, err := scratchFolder(r.scratch)
	if err != nil {
		return err
	}
	defer remove()
	w, err := r.worker(ctx, place, m)
	if err != nil {
		return err
	}
	var monitor measure.Monitor
	w.Caller, w.Scratch, w.Abort, w.Monitor, w.Log = client, scratch, abort, &monitor, v.Log
	stop := showProgress(&monitor, v.People, v.Log)
	err = r.part(ctx, w)
	stop()
	if err == nil {
		v.Say("chunk %s of job %s is done", r.index, m.Run)
	}
	return err
}

func (r *chunkRun) worker(ctx context.Context, place store.Store, m *chunks.Manifest) (*chunks.Worker, error) {
	round, err := latest(ctx, place, r.round)
	if err != nil {
		return nil, err
	}
	host, _ := os.Hostname() // for people only
	return &chunks.Worker{
		Store: place, Manifest: m, Round: round, Owner: fmt.Sprintf("%s, process %d", host, os.Getpid()),
		FlushEvery: r.flushEvery, Grace: r.grace, Linger: lingerTime,
	}, nil
}

// lingerTime is for putting the last answers into the folder of a job.
const lingerTime = time.Minute

func (r *chunkRun) part(ctx context.Context, w *chunks.Worker) error {
	if r.index == restIndex {
		return w.RunRest(ctx)
	}
	index, err := strconv.Atoi(r.index)
	if err != nil {
		return err
	}
	return w.RunChunk(ctx, index)
}
