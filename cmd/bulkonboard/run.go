package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"bulkonboard/batch"
	"bulkonboard/batch/pace"
	"bulkonboard/batch/session"
	"bulkonboard/batch/state"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// fileSystem is where the state is kept. It is a variable so that tests of the
// real program can kill it at every change of the disk.
var fileSystem state.FS = state.OS{}

func runCommand() *cobra.Command {
	var s settings
	c := &cobra.Command{
		Use:   "run --input LIST --output RESULTS",
		Short: "Send a list, or go on with a run that was interrupted",
		Long: `run asks the service for a session id for every customer of the list and writes
one result row for every input row, in input order. Started again after an
interruption, the same command goes on where it stopped.

Every flag can also be set as an environment variable: --base-url is
` + variableOf("base-url") + `. The app secret is never a flag: it comes from ` + secretVariable + `
or from the file that --app-secret-file names.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := fromEnvironment(c); err != nil {
				return err
			}
			if err := s.check(); err != nil {
				return err
			}
			return runJob(c.Context(), &s, c.ErrOrStderr())
		},
	}
	s.register(c.Flags())
	return c
}

// runJob takes one list through the service, from opening it to the summary.
func runJob(ctx context.Context, s *settings, stderr io.Writer) error {
	if err := s.checkFiles(); err != nil {
		return err
	}
	file, list, err := s.openList()
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	encoder, keep, err := s.encoderFor(list)
	if err != nil {
		return err
	}
	service, err := s.service(ctx, stderr)
	if err != nil {
		return err
	}
	defer service.close()

	dir, err := state.Open(fileSystem, s.stateDir(), state.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }() // what counts was synced and checked before
	if s.restart {
		if err := discard(dir, s.stateDir(), stderr); err != nil {
			return err
		}
	}

	ctx, abort, release := untilSignalled(ctx, s.grace, stderr)
	defer release()
	summary, err := batch.Run(ctx, batch.Config{
		List:    list,
		Encoder: encoder,
		Keep:    keep,
		Origin:  batch.Origin{List: s.input, Command: commandLine(os.Args)},
		Caller:  service.caller,
		Pace:    s.controller(),
		State:   dir,
		Results: s.output,
		Rejects: s.rejects,
		Binding: s.binding(list),
		FormID:  s.formID,

		MaxInFlight: s.maxInFlight,
		MaxAttempts: s.maxAttempts,
		MaxBackoff:  s.maxBackoff,
		Grace:       s.grace,
		MaxFailures: s.limit,
		Abort:       abort,
		Log:         slog.New(slog.NewTextHandler(stderr, nil)),
	})
	if summary.Began || summary.Complete {
		printSummary(stderr, s, summary)
	}
	if err == nil && summary.Bad() > 0 {
		return &badRowsError{summary.Bad()}
	}
	return err
}

// discard begins anew, after saying what that throws away.
func discard(dir *state.Dir, path string, stderr io.Writer) error {
	left, err := state.Inspect(state.OS{}, path)
	if err == nil && left.Checkpoint != nil {
		fmt.Fprintf(stderr, "--restart: throwing away %d rows that were done and %d answers that were not yet written; these customers are called again\n",
			left.Checkpoint.Row, left.Answers)
	}
	return dir.Discard()
}

// controller is the pace that was asked for.
func (s *settings) controller() *pace.Controller {
	return pace.New(pace.Config{Ceiling: s.perSecond, MaxInFlight: s.maxInFlight})
}

func (s *settings) stateDir() string { return s.output + ".state" }

// checkFiles refuses what would overwrite somebody's work, before any file is
// made.
func (s *settings) checkFiles() error {
	in, err := os.Stat(s.input)
	if err != nil {
		return &source.ListError{Reason: err.Error(), Hint: "name the customer list with --input"}
	}
	if in.IsDir() {
		return &source.ListError{Reason: s.input + " is a folder", Hint: "name the customer list with --input"}
	}
	out, err := os.Stat(s.output)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &usageError{[]string{"--output: " + err.Error()}}
	}
	if os.SameFile(in, out) {
		if s.retry != nil {
			return nil
		}
		return &usageError{[]string{"--output is the input; a list is never overwritten: name another file"}}
	}
	// A folder without a checkpoint is what is left of a run that is over.
	left, err := state.Inspect(state.OS{}, s.stateDir())
	if s.overwrite || err == nil && (left.Checkpoint != nil || left.Held) {
		return nil
	}
	var damaged *state.CorruptError
	if errors.As(err, &damaged) && !s.restart {
		return err
	}
	return &usageError{[]string{fmt.Sprintf("%s exists and this run did not make it; name another --output, or replace it with --overwrite", s.output)}}
}

func (s *settings) openList() (*os.File, *source.List, error) {
	file, err := os.Open(s.input)
	if err != nil {
		return nil, nil, &source.ListError{Reason: err.Error(), Hint: "check the name and who may read it"}
	}
	list, err := source.Open(file, s.listOptions())
	if err != nil {
		_ = file.Close()
		return nil, nil, err
	}
	return file, list, nil
}

// encoderFor is what writes results in the form of the list, and, for a retry,
// what finds the results that a record keeps.
func (s *settings) encoderFor(list *source.List) (batch.Encoder, func(*source.Record) (sink.Result, bool), error) {
	if list.Format() == source.FormatJSONL {
		if s.formulaSafe {
			return nil, nil, &source.ListError{Name: s.input, Reason: "the list is JSONL, which no spreadsheet runs", Hint: "leave out --formula-safe"}
		}
		if s.retry == nil {
			return sink.JSONL{}, nil, nil
		}
		edited := sink.EditedJSONL{Recoded: list.Encoding() != source.UTF8}
		return edited, s.retry.keep(edited), nil
	}
	o := dialectOf(list)
	o.FormulaSafe = s.formulaSafe
	if s.retry == nil {
		return sink.NewCSV(list.Header(), o), nil, nil
	}
	edited, err := sink.NewEdited(list.Header(), o)
	if err != nil {
		return nil, nil, &source.ListError{
			Name: s.input, Line: 1, Reason: "this is no results file: " + err.Error(),
			Hint: "put the columns back, or send it as a new list with bulkonboard run",
		}
	}
	return edited, s.retry.keep(edited), nil
}

// dialectOf is the dialect of the results: that of the list, in UTF-8. A list
// that a spreadsheet could read in another encoding gets a byte order mark,
// without which its results could not be read.
func dialectOf(list *source.List) sink.CSVOptions {
	recoded := list.Encoding() != source.UTF8
	o := sink.CSVOptions{Delimiter: list.Delimiter(), LineEnd: list.LineEnd(), BOM: list.BOM() || recoded, Recoded: recoded}
	if o.LineEnd == "\r" {
		o.LineEnd, o.Recoded = "\n", true
	}
	return o
}

// binding is what a resumed run must agree on with the interrupted one. It
// goes into the checkpoint, so no secret may ever be in it.
func (s *settings) binding(list *source.List) map[string]string {
	b := map[string]string{
		"format":    list.Format().String(),
		"mapping":   list.Mapping(),
		"endpoint":  s.baseURL,
		"tenant id": s.tenantID,
		"form id":   s.formID,
		"rejects":   s.rejects,
	}
	if s.sandbox {
		b["endpoint"] = "sandbox"
	}
	if s.formulaSafe {
		b["formula safe"] = "yes"
	}
	b["command"] = "run"
	if s.retry != nil {
		b["command"] = "retry " + s.retry.String()
	}
	return b
}

// service is what the run calls: the vendor's, or the sandbox in this process.
type service struct {
	caller *session.Client
	close  func()
}

func (s *settings) service(ctx context.Context, stderr io.Writer) (*service, error) {
	c := session.Config{
		BaseURL: s.baseURL, AppID: s.appID, AppSecret: s.secret, TenantID: s.tenantID,
		Timeout: s.timeout, MaxInflight: s.maxInFlight, UserAgent: "bulkonboard/" + version(),
	}
	stop := func() {}
	if s.sandbox {
		var err error
		if stop, err = s.startSandbox(ctx, &c, stderr); err != nil {
			return nil, err
		}
	}
	client, err := session.New(c)
	if err != nil {
		stop()
		return nil, &usageError{[]string{err.Error()}}
	}
	return &service{caller: client, close: func() {
		client.CloseIdle()
		stop()
	}}, nil
}
