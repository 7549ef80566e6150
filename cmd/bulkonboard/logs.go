package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"bulkonboard/batch"
	"bulkonboard/sink"
)

// logFlags say what the log is like and where it goes.
type logFlags struct{ format, level, file string }

var (
	logFormats = []string{"text", "json"}
	logLevels  = []string{"debug", "info", "warn", "error"}
)

func (l *logFlags) register(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&l.format, "log-format", "text", "format of the log: text or json; with json and no --log-file, standard error has the log and nothing else")
	f.StringVar(&l.level, "log-level", "info", "what is logged: debug (every attempt), info, warn or error")
	f.StringVar(&l.file, "log-file", "", "append the log to this file (default: standard error)")
	_ = c.MarkFlagFilename("log-file")
	_ = c.RegisterFlagCompletionFunc("log-format", cobra.FixedCompletions(logFormats, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("log-level", cobra.FixedCompletions(logLevels, cobra.ShellCompDirectiveNoFileComp))
}

func (l *logFlags) check(p *problems) {
	if !slices.Contains(logFormats, l.format) {
		p.add(fmt.Sprintf("--log-format is %q; it takes text or json", l.format))
	}
	if !slices.Contains(logLevels, l.level) {
		p.add(fmt.Sprintf("--log-level is %q; it takes debug, info, warn or error", l.level))
	}
}

// voice is how a run speaks: in words to people, and to the log. Where both are
// text on standard error, the log leaves out what people are told; where the
// log there is JSON, people are told nothing.
type voice struct {
	id     string // of the run
	people io.Writer
	log    *slog.Logger
	told   *slog.Logger // for what people are told as well

	handler slog.Handler
	apart   bool // from what people are told
	silent  bool // people are told nothing
	file    io.Closer
}

// open opens the log. Before of, nothing can be said.
func (l *logFlags) open(stderr io.Writer) (*voice, error) {
	v := &voice{people: stderr}
	out := stderr
	if l.file != "" {
		file, err := os.OpenFile(l.file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return nil, &usageError{[]string{"--log-file cannot be opened: " + err.Error()}}
		}
		out, v.file, v.apart = file, file, true
	}
	var o slog.HandlerOptions
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.level)); err != nil {
		return nil, err
	}
	o.Level = level
	v.handler = slog.NewTextHandler(out, &o)
	if l.format == "json" {
		v.handler = slog.NewJSONHandler(out, &o)
		if !v.apart {
			v.apart, v.silent, v.people = true, true, io.Discard
		}
	}
	return v, nil
}

// of makes every line from here on name a run.
func (v *voice) of(run string) {
	v.id = run
	v.log = slog.New(v.handler).With("run", run)
	v.told = slog.New(slog.DiscardHandler)
	if v.apart {
		v.told = v.log
	}
}

// say tells people, and the log.
func (v *voice) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	fmt.Fprintln(v.people, text)
	v.told.Info(text)
}

// close closes the log after a start that ended with err, and returns err for
// whoever tells people. What cannot be logged any more ends no run.
func (v *voice) close(err error) error {
	message := messageOf(err)
	if message != "" {
		v.told.Error(message, "exit_code", exitCode(err))
	}
	if v.file != nil {
		_ = v.file.Close()
	}
	if message != "" && v.silent {
		return &loggedError{err}
	}
	return err
}

// loggedError has been said.
type loggedError struct{ error }

// Unwrap returns what was said.
func (e *loggedError) Unwrap() error { return e.error }

// logForecast logs what people see as a table.
func (v *voice) logForecast(f *batch.Forecast) {
	v.told.Info("forecast", "rows", f.Rows, "calls", f.Calls, "mailed", f.Mailed, "duplicates", f.Repeated, "kept", f.Kept, "invalid", f.Invalid)
}

// logSummary does the same at the end of a start.
func (v *voice) logSummary(s *settings, sum *batch.Summary, code int) {
	event, level := "complete", slog.LevelInfo
	if !sum.Complete {
		event, level = "stopped", slog.LevelWarn
	} else if sum.Bad() > 0 {
		level = slog.LevelWarn
	}
	attrs := []any{"rows", sum.Rows}
	for _, status := range sink.Statuses() {
		if n := sum.Status[status]; n > 0 {
			attrs = append(attrs, string(status), n)
		}
	}
	attrs = append(attrs, "attempts", sum.Attempts, "resumed", sum.Resumed, "in_doubt", sum.InDoubt,
		"exit_code", code, "summary", sink.SummaryPath(s.output))
	v.told.Log(context.Background(), level, event, attrs...)
}
