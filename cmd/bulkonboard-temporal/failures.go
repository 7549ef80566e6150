package main

// How errors go through Temporal: as their kind, and as what the kind says. What
// exactly went wrong may name a row or repeat the service's words: that is in
// the worker's log, and in the store. Which kinds end a round is in the table of
// package cli.

import (
	"time"

	"go.temporal.io/sdk/temporal"

	"bulkonboard/cmd/internal/cli"
)

// Kinds that only this program has.
var (
	absent = cli.Kind{Name: "absent", Exit: cli.ExitUsage, Final: true}
	misfit = cli.Kind{Name: "misfit", Exit: cli.ExitUsage}
	sick   = cli.Kind{Name: "sick", Exit: cli.ExitStopped}

	// cancelled and terminated are how a job ends without an error of a part.
	cancelled  = cli.Kind{Name: "cancelled", Exit: cli.ExitInterrupted, Final: true}
	terminated = cli.Kind{Name: "terminated", Exit: cli.ExitStopped, Final: true}
)

// says is what each kind says of a job.
var says = map[cli.Kind]string{
	cli.Refused: "the service refused the credentials or the tenant",
	cli.Address: "what answers is not the service, or it refuses every row in the same words",
	cli.BadList: "the input cannot be read as a customer list, or has too many invalid rows",
	cli.Changed: "the list or the store is not as it was",
	cli.Usage:   "the job and the workers do not go together",
	cli.Other:   "there is a job of that name already, of another list or with other settings",
	cli.Stopped: "the service answered nothing for too long, or too many rows were rejected or failed",
	absent:      "the schedule's settings are not in the workers' store, or damaged: check their --store, or delete the schedule and create it again",
	cancelled:   "it was cancelled",
	terminated:  "it was terminated in Temporal",

	cli.Interrupted: "the worker stopped, and what it did is kept",
	misfit:          "the worker does not fit the job: its --base-url, --app-id or --ledger is another, which its log shows; the part waits for a worker that fits",
	cli.Newer:       "the worker is older than the program that submitted the job, and does not know all of its settings: the part waits for a worker of that version",
	sick:            "the service did not answer the worker, which takes no more parts until it does; its log says why, and another worker continues the part",
	cli.Passing:     "the part could not be done; the worker's log says why",
}

// textOf is what a kind says: of those that say nothing of their own, as
// Passing.
func textOf(k cli.Kind) string {
	if text, ok := says[k]; ok {
		return text
	}
	return says[cli.Passing]
}

const (
	// handOnDelay is after what time another worker takes a part that was
	// handed on.
	handOnDelay = 10 * time.Millisecond

	// misfitDelay is the same for one that its worker did not fit: it may get it
	// again.
	misfitDelay = 2 * time.Second
)

// usageError is a job that no worker can do.
type usageError struct{ reason string }

func (e *usageError) Error() string { return e.reason }

// Kind tells what it means.
func (e *usageError) Kind() cli.Kind { return cli.Usage }

// misfitError is a job that does not fit the worker that was given it. Another
// may do it.
type misfitError struct{ worker, reason string }

func (e *misfitError) Error() string {
	return "the worker " + e.worker + " does not fit the job: " + e.reason
}

// Kind tells what it means.
func (e *misfitError) Kind() cli.Kind { return misfit }

// handedOnError is why a worker stops a part that continues, here or elsewhere,
// unless the job itself was stopped.
type handedOnError string

func (e handedOnError) Error() string { return string(e) }

// Kind tells what it means.
func (e handedOnError) Kind() cli.Kind { return cli.Interrupted }

// asFailure is an error as it goes through Temporal.
func asFailure(err error) error {
	k := cli.KindOf(err)
	o := temporal.ApplicationErrorOptions{NonRetryable: k.Final}
	switch k {
	case cli.Interrupted, sick:
		o.NextRetryDelay = handOnDelay
	case misfit, cli.Newer:
		o.NextRetryDelay = misfitDelay
	}
	return temporal.NewApplicationErrorWithOptions(textOf(k), k.Name, o)
}

// kindNamed is the kind that a history names.
func kindNamed(name string) cli.Kind {
	for _, own := range []cli.Kind{absent, misfit, sick} {
		if own.Name == name {
			return own
		}
	}
	return cli.KindNamed(name)
}
