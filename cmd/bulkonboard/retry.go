package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"bulkonboard/batch"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// retrySelection says which rows of a results file are sent again: all that
// did not end well, or of these the ones with a status and a code.
type retrySelection struct {
	only  []string
	codes []string
}

func retryCommand() *cobra.Command {
	s := settings{retry: &retrySelection{}}
	c := &cobra.Command{
		Use:   "retry RESULTS",
		Short: "Send again the rows of a results file that did not end well",
		Long: `retry reads a results file, corrected or not, sends again the rows that did not
end well, and replaces the file when it is done. Rows that ended well stay as
they are, byte for byte. Like run, it goes on where it was interrupted.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			_ = c.Flags().Set("input", args[0]) // a text takes any
			return s.start(c, s.retry.check, s.checkRetry)
		},
	}
	s.register(c)
	cli.TypedOnly(c, "input", "output", "overwrite", "restart") // variables and files mean those of run
	_ = c.Flags().MarkHidden("input")
	c.Flags().Lookup("output").Usage = "write here and leave RESULTS as it is"
	c.Flags().StringSliceVar(&s.retry.only, "only", nil, "only rows with one of these statuses: failed,rejected,invalid")
	c.Flags().StringSliceVar(&s.retry.codes, "error-code", nil, "only rows with one of these error codes")
	_ = c.RegisterFlagCompletionFunc("only", cobra.FixedCompletions([]string{"failed", "rejected", "invalid"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// checkRetry is check, where the results that are read are those that are
// replaced.
func (s *settings) checkRetry() error {
	if s.FromStandardInput() {
		return cli.Problems{"retry takes a results file and not standard input: name the file"}
	}
	if s.output == "" {
		s.output = s.Input
	}
	s.Prefixed = s.formulaSafe // what run wrote is read
	return s.check()
}

func (r *retrySelection) check() error {
	for _, status := range r.only {
		if s := sink.Status(status); !slices.Contains(sink.Statuses(), s) || s.Good() {
			return cli.Problems{fmt.Sprintf("--only is %q; it takes failed, rejected and invalid", status)}
		}
	}
	return nil
}

// String is the selection as a resumed retry must repeat it.
func (r *retrySelection) String() string {
	return strings.TrimSpace(strings.Join(r.only, ",") + " " + strings.Join(r.codes, ","))
}

// treatment is how a results file's records are answered.
func (r *retrySelection) treatment(encoder batch.Encoder, previous sink.Previous) treatment {
	return treatment{encoder: encoder, keep: r.keep(previous), knownInvalid: r.knownInvalid(previous)}
}

// keep gives the results that stay: good ones, and those not selected. A row
// without a result is sent.
func (r *retrySelection) keep(previous sink.Previous) func(*source.Record) (sink.Result, bool) {
	return func(rec *source.Record) (sink.Result, bool) {
		res, ok := previous.Result(rec)
		return res, ok && (res.Status.Good() || !r.selects(&res))
	}
}

// knownInvalid reports the rows that were invalid before: who starts a retry
// knows of them.
func (r *retrySelection) knownInvalid(previous sink.Previous) func(*source.Record) bool {
	return func(rec *source.Record) bool {
		res, ok := previous.Result(rec)
		return ok && res.Status == sink.Invalid
	}
}

func (r *retrySelection) selects(res *sink.Result) bool {
	return (len(r.only) == 0 || slices.Contains(r.only, string(res.Status))) &&
		(len(r.codes) == 0 || slices.Contains(r.codes, res.ErrorCode))
}
