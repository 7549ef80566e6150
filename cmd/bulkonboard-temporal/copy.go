package main

import (
	"bytes"
	"context"
	"os"

	"bulkonboard/batch/chunks"
	"bulkonboard/batch/disk"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

// What a round came to is put into the store by a worker, and copied from there to
// files. Its summary names the results and the rejects beside which it lies: in
// the store the objects, and of a copy the files.

// naming gives the results and the rejects of a summary their names, from a
// folder; without a name, a summary says nothing of the rejects.
func naming(s *sink.Summary, folder, results, rejects string) ([]byte, error) {
	named := *s
	named.Command.Folder = folder
	named.Output = s.Output.Called(results)
	named.Rejects = s.Rejects.Called(rejects)
	return named.Encode()
}

// conclude says what a round came to, and copies its results. With the summary
// beside them they can be verified, reported and corrected as those of a run.
func (j *jobClient) conclude(ctx context.Context, job string, round int, s *sink.Summary, w *waitFlags) error {
	m, err := chunks.Open(ctx, jobStore(j.root, job))
	if err != nil {
		return err
	}
	j.Say("the job %s is done: %s", job, countsOf(s))
	if err := j.copyAll(ctx, job, round, m.Read.Format, s, w); err != nil {
		return err
	}
	if w.output == "" {
		j.Say("the results are in the store, as %s/%s", jobPrefix(job), resultsName(round, m.Read.Format))
	}
	return cli.OutcomeOf(totalOf(s).Bad, nil)
}

// copyAll copies what was asked for, the results last.
func (j *jobClient) copyAll(ctx context.Context, job string, round int, format string, s *sink.Summary, w *waitFlags) error {
	if err := cli.CheckRetried(w.output, s.Run, "bulkonboard"); err != nil {
		return err
	}
	if w.rejects != "" {
		if err := j.copy(ctx, job, rejectsName(round, format), w.rejects); err != nil {
			return err
		}
	}
	if w.output == "" {
		return nil
	}
	if err := j.copySummary(s, w); err != nil {
		return err
	}
	return j.copy(ctx, job, resultsName(round, format), w.output)
}

func (j *jobClient) copySummary(s *sink.Summary, w *waitFlags) error {
	folder, err := os.Getwd()
	if err != nil {
		return err
	}
	b, err := naming(s, folder, w.output, w.rejects)
	if err != nil {
		return err
	}
	if err := cli.Place(disk.OS{}, w.summary(), true, disk.Copy(bytes.NewReader(b))); err != nil {
		return err
	}
	j.Say("written: %s", w.summary())
	return nil
}

// copy copies an object to a file, which is whole at any moment.
func (j *jobClient) copy(ctx context.Context, job, name, file string) error {
	r, err := jobStore(j.root, job).Get(ctx, name, 0, -1)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // it was only read
	if err := cli.Place(disk.OS{}, file, true, disk.Copy(r)); err != nil {
		return err
	}
	j.Say("written: %s", file)
	return nil
}
