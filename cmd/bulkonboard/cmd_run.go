package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"bulkonboard/batch"
	"bulkonboard/batch/disk"
	"bulkonboard/batch/session"
	"bulkonboard/batch/state"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/cmd/internal/screen"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// fileSystem is where the state is kept. It is a variable so that tests of the
// real program can kill it at every change of the disk.
var fileSystem disk.FS = disk.OS{}

func runCommand() *cobra.Command { return runCommandFor(new(settings)) }

func runCommandFor(s *settings) *cobra.Command {
	c := &cobra.Command{
		Use:   "run LIST --output RESULTS",
		Short: "Send a list, or resume an interrupted run",
		Long: `run sends every customer of a list to the service and writes one result row for
every row of the list, in the same order. After an interruption, the same command
resumes.

A flag overrides its environment variable (--base-url is ` + cli.VariableOf("base-url") + `),
which overrides the config file (baseUrl; bulkonboard config init writes one). The
app secret is never a flag: it comes from ` + cli.SecretVariable + `, from
--app-secret-file, or from --app-secret-command.`,
		Example: `  # try it; no real service is called
  bulkonboard run customers.csv -o results.csv --sandbox

  # send a list; the service is named by environment variables or flags
  bulkonboard run customers.csv -o results.csv --base-url https://auth.example.com \
    --app-id APP --tenant-id TENANT --form-id FORM --app-secret-file /etc/app-secret

  # every night: send only customers that are new or have changed
  bulkonboard run customers.csv -o results.csv --overwrite --ledger customers.db --config job.yaml`,
		Args: cli.ListArgument,
		RunE: func(c *cobra.Command, _ []string) error {
			return s.start(c, s.check)
		},
	}
	s.register(c)
	c.Flags().Lookup("output").Usage = "results file to write, such as results.csv, or results-%Y-%m-%d.csv with the day on which the run began; OUTPUT.state keeps the state of a run under way"
	return c
}

// start settles the settings and takes the list through the service, or, when
// that is all that was asked for, shows the settings.
func (s *settings) start(c *cobra.Command, checks ...func() error) error {
	from, err := cli.Settle(c, checks...)
	if s.printConfig {
		from.Show(c, s.secretOrigin())
		return err
	}
	if err != nil {
		s.metrics.refused(err, slog.New(slog.DiscardHandler))
		return err
	}
	s.shown = cli.ShownSettings(c)
	return s.log.With(screen.On(c.ErrOrStderr()), func(v *cli.Voice) error {
		err := runJob(c.Context(), s, c.InOrStdin(), v)
		if errors.Is(err, errAnotherDay) {
			s.outputs.restart = false // which it has done
			err = runJob(c.Context(), s, c.InOrStdin(), v)
		}
		s.metrics.refused(err, v.Log)
		return err
	})
}

// runJob takes one list through the service, from the first look at it to the
// summary.
func runJob(ctx context.Context, s *settings, stdin io.Reader, v *cli.Voice) error {
	if sum, err := s.look(stdin); sum != nil || err != nil {
		if err != nil {
			return err
		}
		return s.sayComplete(ctx, sum, v)
	}
	service, err := s.openService(ctx, v)
	if err != nil {
		return err
	}
	defer service.close()

	// Before the state: a run that is refused here leaves none.
	known, err := s.openLedger(ctx, v)
	if err != nil {
		return err
	}
	defer known.close()
	release, err := s.outputs.reserve()
	if err != nil {
		return err
	}
	defer release()
	dir, err := state.Open(fileSystem, s.outputs.stateDir(), state.Options{Command: cli.CommandLine()})
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }() // what counts was synced and checked before
	j := &job{settings: s, dir: dir, known: known.Known, opened: known.opened, caller: service.caller, askAccess: service.caller.AskToken, voice: v}
	if s.outputs.restart {
		if err := discard(dir, s.outputs.stateDir(), v); err != nil {
			return err
		}
		if err := j.today(time.Now()); err != nil {
			return err
		}
	}
	return j.run(ctx, stdin)
}

// look finds out what is to be done, before anything is made: the summary is
// that of a run which has done all of it.
func (s *settings) look(stdin io.Reader) (*sink.Summary, error) {
	if err := s.outputs.finish(); err != nil {
		return nil, err
	}
	s.outputs.redate(time.Now())
	if s.list.FromStandardInput() {
		if sum, err := s.completeStream(stdin); sum != nil || err != nil {
			return sum, err
		}
		err := s.checkFiles()
		if err != nil && s.spooled {
			err = errors.Join(err, tidy(s.outputs.stateDir()))
		}
		return nil, err
	}
	if _, err := s.list.CheckInput(); err != nil {
		return nil, err
	}
	if sum, err := s.complete(s.list.Input); sum != nil || err != nil {
		return sum, err
	}
	if err := s.checkFiles(); err != nil {
		return nil, err
	}
	if err := s.checkTakenUp(); err != nil {
		return nil, err
	}
	return nil, s.checkList()
}

// checkList refuses a file that is not a list before anything is made. Standard
// input can be looked at only once there is a place to keep it.
func (s *settings) checkList() error {
	if s.list.FromStandardInput() {
		return nil
	}
	list, err := s.list.Open(s.list.Input)
	if err != nil {
		return err
	}
	defer list.Close()
	_, err = s.treatmentOf(list.List)
	return err
}

// discard starts over, after saying what that throws away.
func discard(dir *state.Dir, path string, v *cli.Voice) error {
	left, err := state.Inspect(disk.OS{}, path)
	if err == nil && left.Checkpoint != nil {
		v.Say("--restart: throwing away %s already done and %s not yet written; these customers may be called again",
			cli.Counted(left.Checkpoint.Row, "row"), cli.Counted(left.Answers, "answer"))
	}
	return dir.Discard()
}

// checkFiles refuses what would overwrite somebody's work, before any file is
// made.
func (s *settings) checkFiles() error {
	var in os.FileInfo
	if !s.list.FromStandardInput() {
		var err error
		if in, err = s.list.CheckInput(); err != nil {
			return err
		}
	}
	if err := s.outputs.checkSummary(); err != nil {
		return err
	}
	if err := s.outputs.checkOutput("output", s.outputs.results, in); err != nil {
		return err
	}
	if s.outputs.rejects == "" {
		return nil
	}
	own, err := s.ownRejects()
	if s.outputs.replaceRejects = own || s.outputs.overwrite; own || err != nil {
		return err
	}
	return s.outputs.checkOutput("rejects", s.outputs.rejects, nil)
}

// treatment is how the records of a list are answered.
type treatment struct {
	encoder      batch.Encoder
	keep         func(*source.Record) (sink.Result, bool) // nil for run, as the next
	knownInvalid func(*source.Record) bool
}

// treatmentOf gives what writes results in the form of the list, and, for a
// retry, what finds the results that a record has.
func (s *settings) treatmentOf(list *source.List) (treatment, error) {
	if s.retry == nil {
		encoder, err := batch.EncoderFor(list, s.formulaSafe)
		return treatment{encoder: encoder}, err
	}
	previous, err := previousOf(list)
	if err != nil {
		return treatment{}, notResults(s.list.Input, err)
	}
	return s.retry.treatment(previous), nil
}

// service is what the run calls: the vendor's, or the sandbox in this process.
type service struct {
	caller *session.Client
	close  func()
}

func (s *settings) openService(ctx context.Context, v *cli.Voice) (*service, error) {
	c := s.service.ClientConfig(&s.limits.calls, s.limits.pace.paced())
	stop := func() {}
	if s.sandbox {
		var err error
		if stop, err = s.startSandbox(ctx, &c, v); err != nil {
			return nil, err
		}
	}
	client, err := s.service.Access.Client(ctx, c, v)
	if err != nil {
		stop()
		return nil, err
	}
	return &service{caller: client, close: func() {
		client.CloseIdle()
		stop()
	}}, nil
}
