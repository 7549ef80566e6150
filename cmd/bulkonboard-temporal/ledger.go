package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"bulkonboard/batch/chunks"
	"bulkonboard/batch/disk"
	"bulkonboard/batch/known"
	"bulkonboard/cmd/internal/cli"
)

// A ledger is a file that one process has open. So only planning asks it, and
// only merging tells it; both have a task queue of their own, for workers that
// can open the file.

// ledgerQueue is that task queue.
func ledgerQueue(queue string) string { return queue + "-ledger" }

// ledgerUse is what a job makes of what the ledger knows.
type ledgerUse struct {
	TTL time.Duration `json:"ttl"` // of a session id; less than zero: for ever
}

// ledgerUseFlags say whether a job has a ledger.
type ledgerUseFlags struct {
	flags cli.LedgerFlags
	use   bool
}

func (l *ledgerUseFlags) register(c *cobra.Command) {
	c.Flags().BoolVar(&l.use, "use-ledger", false, "have the job planned and merged by a worker that has a --ledger: who is known from earlier nights and has not changed is not called again")
	l.flags.Register(c)
}

// asked is what a job makes of the ledger; nil for one without.
func (l *ledgerUseFlags) asked() *ledgerUse {
	if !l.use {
		return nil
	}
	return &ledgerUse{TTL: l.flags.TTL}
}

// workerLedger is what a worker's ledger is for.
const workerLedger = "file of what is known of each customer from earlier nights, made when there is none: this worker plans and merges the jobs that use it, one at a time; give all that have one the same"

// checkLedger finds a key without its ledger.
func checkLedger(l *cli.LedgerFile, p *cli.Problems) {
	if l.Path == "" && l.KeyFile != "" {
		p.Add("--ledger-key-file without --ledger: name the ledger")
	}
}

// ledgerWait is how long a part waits for the ledger before it is tried again.
const ledgerWait = time.Minute

// withLedger does something with the ledger, if the job has one: nil if not.
func (t *task) withLedger(ctx context.Context, do func(known *known.Known, id string) error) (err error) {
	use := t.request.Ledger
	if use == nil {
		return do(nil, "")
	}
	if t.ledger.Path == "" {
		return &misfitError{t.owner, "the job uses a ledger, and this worker has none"}
	}
	service, file := &t.request.Job.Service, t.ledger
	file.Owner = cli.OwnerOf(service)
	opened, err := file.Open(ctx, disk.OS{}, "bulkonboard-temporal, job "+t.Job, ledgerWait)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	return do(cli.KnownOf(opened, service, use.TTL), opened.ID())
}

// otherLedger refuses to tell one ledger what another was asked.
func (t *task) otherLedger(m *chunks.Manifest, id string) error {
	if m.Job.Ledger == id {
		return nil
	}
	return &misfitError{t.owner, fmt.Sprintf("the job was planned with the ledger %s, and this worker has another, %s: give all workers the same", m.Job.Ledger, id)}
}
