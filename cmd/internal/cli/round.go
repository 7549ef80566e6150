package cli

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"bulkonboard/batch/chunks"
	"bulkonboard/sink"
)

// RoundFlags say which rows of a job are called for again.
type RoundFlags struct{ only, codes []string }

// againStatuses are those that can be called for again.
var againStatuses = []string{string(sink.Failed), string(sink.Rejected)}

// Register gives a command the flags.
func (r *RoundFlags) Register(c *cobra.Command) {
	c.Flags().StringSliceVar(&r.only, "only", nil, "only rows with one of these statuses: failed,rejected")
	c.Flags().StringSliceVar(&r.codes, "error-code", nil, "only rows with one of these error codes")
	_ = c.RegisterFlagCompletionFunc("only", cobra.FixedCompletions(againStatuses, cobra.ShellCompDirectiveNoFileComp))
	TypedOnly(c, "only", "error-code")
}

// Check finds a status that is never called for again.
func (r *RoundFlags) Check(p *Problems) {
	for _, status := range r.only {
		if !slices.Contains(againStatuses, status) {
			p.Add(fmt.Sprintf("--only is %q; it takes failed and rejected", status))
		}
	}
}

// Round is the round, once Check has found nothing.
func (r *RoundFlags) Round() chunks.Round {
	round := chunks.Round{StartedAt: time.Now().UTC(), ErrorCodes: r.codes}
	only := r.only
	if len(only) == 0 {
		only = againStatuses
	}
	for _, status := range only {
		round.Statuses = append(round.Statuses, sink.Status(status))
	}
	return round
}
