package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"bulkonboard/batch"
	"bulkonboard/batch/disk"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
	"bulkonboard/sink/fixes"
	"bulkonboard/source"
)

// retrying says which rows of a results file are sent again: all that were
// rejected or failed, or of these the ones with a status and a code, and those
// that somebody has corrected.
type retrying struct {
	rows     cli.RowFlags
	fixes    string // the sheet of corrections
	fixesSum string // its SHA-256

	from  *runResults
	sheet *fixes.Sheet // that is applied; nil without one
}

func retryCommand() *cobra.Command {
	s := settings{retry: &retrying{}}
	c := &cobra.Command{
		Use:   "retry RESULTS",
		Short: "Send failed or corrected rows again",
		Long: `retry reads a results file, sends again the rows that failed or were rejected, and
replaces the file when it is done. Rows that succeeded stay as they are, byte for
byte. Corrections come in a file of their own: see bulkonboard fixes --help.

The results must be as their run wrote them. Service, tenant, form, columns and
all other settings are those of the run, which its summary has; rate and limits
may be changed. Interrupted, the same command resumes.`,
		Example: `  bulkonboard retry results.csv
  bulkonboard retry results.csv --fixes fixes.csv
  bulkonboard retry results.csv --error-code http_503`,
		RunE: func(c *cobra.Command, args []string) error { return s.startRetry(c, args[0]) },
		Args: namedResults,
	}
	s.register(c)
	cli.TypedOnly(c, "input", "output", "overwrite", "restart") // variables and files mean those of run
	_ = c.Flags().MarkHidden("input")
	c.Flags().Lookup("output").Usage = "write here and leave RESULTS as it is"
	c.Flags().StringVar(&s.retry.fixes, "fixes", "", "send the corrections in this file, which bulkonboard fixes has made")
	cli.TypedOnly(c, "fixes")
	_ = c.MarkFlagFilename("fixes")
	s.retry.rows.RegisterRetry(c)
	return c
}

// namedResults is the argument of a command that reads a results file.
func namedResults(c *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return cli.Problems{fmt.Sprintf("name the results file: %s RESULTS", c.CommandPath())}
	case len(args) > 1:
		return cli.Problems{fmt.Sprintf("name one results file: %s RESULTS; it was given %d", c.CommandPath(), len(args))}
	case args[0] == "-":
		return cli.Problems{fmt.Sprintf("%s takes a results file and not standard input: name the file", c.Name())}
	}
	return nil
}

// startRetry reads what the run left before it settles anything: the settings
// are the run's.
func (s *settings) startRetry(c *cobra.Command, results string) error {
	_ = c.Flags().Set("input", results) // a text takes any
	if s.outputs.results == "" {
		s.outputs.results = results
	}
	if err := s.outputs.finish(); err != nil {
		return err
	}
	var err error
	if s.retry.from, err = resultsOf(results); err != nil {
		return err
	}
	o := s.retry.from.options()
	s.list.Results = &o
	return s.start(c, func() error { return s.adopt(c) }, s.retry.check, s.check)
}

// adopt takes the settings of the run. Its rejects file is replaced with its
// results, and is not when these go elsewhere.
func (s *settings) adopt(c *cobra.Command) error {
	a := s.retry.from.adoption()
	if !sameFile(s.list.Input, s.outputs.results) {
		a.Own = append(a.Own, "rejects")
	}
	return a.Adopt(c)
}

func (r *retrying) check() error {
	var p cli.Problems
	r.rows.Check(&p)
	if r.fixes == "" {
		return p.Err()
	}
	if len(r.rows.Only)+len(r.rows.ErrorCodes) > 0 {
		p.Add("--fixes says itself which rows are sent: leave out --only and --error-code")
	}
	info, err := os.Stat(r.fixes)
	switch {
	case disk.Absent(err):
		p.Add(fmt.Sprintf("--fixes: there is no file %s; check the name, or make it with bulkonboard fixes", cli.OneLine(r.fixes)))
	case err != nil:
		p.Add(cli.CannotRead("fixes", r.fixes, err))
	case !info.Mode().IsRegular():
		p.Add("--fixes: " + cli.OneLine(r.fixes) + " is not an ordinary file; name the file with the corrections")
	default:
		_, r.fixesSum, err = sumOf(r.fixes)
		return errors.Join(p.Err(), err)
	}
	return p.Err()
}

// String is the selection as a resumed retry must repeat it.
func (r *retrying) String() string {
	return strings.TrimSpace(strings.Join(r.rows.Only, ",") + " " + strings.Join(r.rows.ErrorCodes, ","))
}

// retried writes results again, and reads those that are there.
type retried interface {
	batch.Encoder
	sink.Previous
}

// treatment is how a results file's records are answered.
func (r *retrying) treatment(previous retried) treatment {
	return treatment{encoder: previous, keep: r.keep(previous), knownInvalid: r.knownInvalid(previous)}
}

// keep gives the results that stay: good ones, those not selected, and those of
// rows that are not valid, which nothing has changed. A row that this program
// has written and cannot take apart was not valid either.
func (r *retrying) keep(previous sink.Previous) func(*source.Record) (sink.Result, bool) {
	selects := r.selects()
	return func(rec *source.Record) (sink.Result, bool) {
		res, ok := resultIn(previous, rec)
		return res, !ok || res.Status.Good() || !selects(rec, &res)
	}
}

// resultIn is the result that a record has. One that cannot be taken apart is
// invalid.
func resultIn(previous sink.Previous, rec *source.Record) (res sink.Result, ok bool) {
	if res, ok = previous.Result(rec); !ok {
		res = sink.Result{Status: sink.Invalid, ErrorCode: "unreadable_row", ErrorMessage: "the row cannot be read"}
	}
	return res, ok
}

// knownInvalid reports the rows that were invalid before: who starts a retry
// knows of them.
func (r *retrying) knownInvalid(previous sink.Previous) func(*source.Record) bool {
	return func(rec *source.Record) bool {
		res, ok := previous.Result(rec)
		return ok && res.Status == sink.Invalid
	}
}

// selects finds the rows that are taken up again, of those that need attention.
func (r *retrying) selects() func(*source.Record, *sink.Result) bool {
	if r.sheet != nil {
		return func(rec *source.Record, res *sink.Result) bool { return r.sheet.Sends(rec.Row, res.Status) }
	}
	selected := r.rows.Selection()
	return func(_ *source.Record, res *sink.Result) bool { return selected.Selects(res) }
}
