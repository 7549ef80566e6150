package main

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"

	"bulkonboard/batch"
	"bulkonboard/batch/chunks"
	"bulkonboard/batch/ledger"
	"bulkonboard/batch/pace"
	"bulkonboard/batch/preflight"
	"bulkonboard/batch/session"
	"bulkonboard/batch/state"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/source"
)

// failure is a kind of error that goes through Temporal. What exactly went
// wrong may name a row or repeat the service's words: that is in the worker's
// log, and in the store.
type failure struct {
	kind  string // in histories: never change one
	says  string
	exits int // code of a command that waited for the job
}

// Failures that would come again: they end the round.
var (
	refusedFailure = failure{"refused", "the service refused the credentials or the tenant", cli.ExitRefused}
	addressFailure = failure{"address", "what answers is not the service, or it refuses every row in the same words", cli.ExitUsage}
	listFailure    = failure{"list", "the input cannot be read as a customer list, or has too many invalid rows", cli.ExitBadList}
	changedFailure = failure{"changed", "the list or the store is not as it was", cli.ExitState}
	usageFailure   = failure{"usage", "the job and the workers do not go together", cli.ExitUsage}
	otherFailure   = failure{"other", "there is a job of that name already, of another list or with other settings", cli.ExitState}
	absentFailure  = failure{"absent", "the schedule's settings are not in the workers' store, or damaged: check their --store, or delete the schedule and create it again", cli.ExitUsage}
	stoppedFailure = failure{"stopped", "the service answered nothing for too long, or too many rows were rejected or failed", cli.ExitStopped}
)

// Failures that pass: the part is tried again.
var (
	handedOn = failure{"handed on", "the worker stopped, and what it did is kept", cli.ExitStopped}
	misfit   = failure{"misfit", "the worker does not fit the job: its --base-url, --app-id or --ledger is another, which its log shows; the part waits for a worker that fits", cli.ExitUsage}
	passing  = failure{"passing", "the part could not be done; the worker's log says why", cli.ExitIO}
)

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

// misfitError is a job that does not fit the worker that was given it. Another
// may do it.
type misfitError struct{ worker, reason string }

func (e *misfitError) Error() string {
	return "the worker " + e.worker + " does not fit the job: " + e.reason
}

// failureOf is the kind of an error of a part.
func failureOf(err error) (f failure, final bool) {
	var (
		refused  *batch.RefusedError
		refusals *batch.RefusalsError
		list     *source.ListError
		invalid  *preflight.InvalidError
		chunk    *chunks.ChangedError
		changed  *source.ChangedError
		missing  *chunks.MissingError
		damaged  *chunks.DamagedError
		corrupt  *state.CorruptError
		counts   *batch.CountsError
		secret   *ledger.SecretError
		format   *ledger.FormatError
		other    *chunks.OtherJobError
		usage    *usageError
		outage   *pace.OutageError
		wait     *pace.WaitError
		setup    *pace.SetupError
		failures *batch.FailuresError
		taken    *otherRequestError
		absent   *noScheduleError
		unfit    *misfitError
	)
	switch {
	case errors.Is(err, errFenced), errors.Is(err, errTaken), errors.Is(err, errCancelled), errors.Is(err, batch.ErrInterrupted):
		return handedOn, false
	case errors.As(err, &refused) && (refused.Outcome == session.CredentialsRefused || refused.Outcome == session.TenantRefused):
		return refusedFailure, true
	case errors.As(err, &refused), errors.As(err, &refusals), errors.As(err, &setup):
		return addressFailure, true
	case errors.As(err, &list), errors.As(err, &invalid):
		return listFailure, true
	case errors.As(err, &chunk), errors.As(err, &changed), errors.As(err, &missing), errors.As(err, &damaged), errors.As(err, &corrupt), errors.As(err, &counts),
		errors.As(err, &secret), errors.As(err, &format):
		return changedFailure, true
	case errors.As(err, &other), errors.As(err, &usage):
		return usageFailure, true
	case errors.As(err, &unfit):
		return misfit, false
	case errors.As(err, &taken):
		return otherFailure, true
	case errors.As(err, &absent):
		return absentFailure, true
	case errors.As(err, &outage), errors.As(err, &wait), errors.As(err, &failures):
		return stoppedFailure, true
	}
	return passing, false
}

// asFailure is an error as it goes through Temporal.
func asFailure(err error) error {
	f, final := failureOf(err)
	o := temporal.ApplicationErrorOptions{NonRetryable: final}
	switch f {
	case handedOn:
		o.NextRetryDelay = handOnDelay
	case misfit:
		o.NextRetryDelay = misfitDelay
	}
	return temporal.NewApplicationErrorWithOptions(f.says, f.kind, o)
}

// failureNamed is the failure that a history names.
func failureNamed(kind string) failure {
	for _, f := range []failure{refusedFailure, addressFailure, listFailure, changedFailure, usageFailure, otherFailure, absentFailure, stoppedFailure, handedOn, misfit} {
		if f.kind == kind {
			return f
		}
	}
	return passing
}
