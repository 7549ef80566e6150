package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"bulkonboard/sink"
)

// RowFlags say which rows of results a command is about.
type RowFlags struct {
	Only, ErrorCodes []string

	statuses []string // that the command can be about
}

// RegisterRetry gives the flags to a command that sends rows again.
func (r *RowFlags) RegisterRetry(c *cobra.Command) { r.Register(c, sink.Failed, sink.Rejected) }

// Register gives a command the flags.
func (r *RowFlags) Register(c *cobra.Command, statuses ...sink.Status) {
	for _, status := range statuses {
		r.statuses = append(r.statuses, string(status))
	}
	c.Flags().StringSliceVar(&r.Only, "only", nil, "only rows with one of these statuses: "+strings.Join(r.statuses, ","))
	c.Flags().StringSliceVar(&r.ErrorCodes, "error-code", nil, "only rows with one of these error codes")
	_ = c.RegisterFlagCompletionFunc("only", cobra.FixedCompletions(r.statuses, cobra.ShellCompDirectiveNoFileComp))
}

// Check finds a status that the command cannot be about.
func (r *RowFlags) Check(p *Problems) {
	last := len(r.statuses) - 1
	for _, status := range r.Only {
		if !slices.Contains(r.statuses, status) {
			p.Add(fmt.Sprintf("--only is %q; it takes %s and %s", status, strings.Join(r.statuses[:last], ", "), r.statuses[last]))
		}
	}
}

// Selection is what they select, once Check has found nothing.
func (r *RowFlags) Selection() sink.Selection {
	s := sink.Selection{ErrorCodes: r.ErrorCodes}
	only := r.Only
	if len(only) == 0 {
		only = r.statuses
	}
	for _, status := range only {
		s.Statuses = append(s.Statuses, sink.Status(status))
	}
	return s
}
