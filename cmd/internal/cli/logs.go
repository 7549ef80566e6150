package cli

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"bulkonboard/batch"
	"bulkonboard/batch/disk"
)

// LogFlags say what the log is like and where it goes.
type LogFlags struct {
	File          string // "": standard error
	format, level string
}

var (
	logFormats = []string{"text", "json"}
	logLevels  = []string{"debug", "info", "warn", "error"}
)

// Register gives a command the flags.
func (l *LogFlags) Register(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&l.format, "log-format", "text", "`FORMAT` of the log: text or json; json on standard error replaces the messages")
	f.StringVar(&l.level, "log-level", "info", "`LEVEL` of the log: debug (every attempt), info, warn or error")
	f.StringVar(&l.File, "log-file", "", "append the log to this `FILE` (default: standard error)")
	_ = c.MarkFlagFilename("log-file")
	_ = c.RegisterFlagCompletionFunc("log-format", cobra.FixedCompletions(logFormats, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("log-level", cobra.FixedCompletions(logLevels, cobra.ShellCompDirectiveNoFileComp))
}

// Check finds what the flags do not take.
func (l *LogFlags) Check(p *Problems) {
	if !slices.Contains(logFormats, l.format) {
		p.Add(fmt.Sprintf("--log-format is %q; it takes text or json", l.format))
	}
	CheckFolder(p, "log-file", l.File)
	if !slices.Contains(logLevels, l.level) {
		p.Add(fmt.Sprintf("--log-level is %q; it takes debug, info, warn or error", l.level))
	}
}

// runKey is the key of the run's id in every line of the log.
const runKey = "run"

// Voice is how a run speaks: in words to people, and to the log. Where both are
// text on standard error, the log leaves out what people are told; where the
// log there is JSON, people are told nothing.
type Voice struct {
	ID     string // of the run
	People io.Writer
	Log    *slog.Logger
	Told   *slog.Logger // for what people are told as well

	handler slog.Handler
	apart   bool // from what people are told
	silent  bool // people are told nothing
	file    io.Closer
}

// With opens the log, and does something that is told by it, under an id of its
// own until it resumes what has one. An error comes back for the caller that tells
// people.
func (l *LogFlags) With(stderr io.Writer, do func(*Voice) error) error {
	v, err := l.open(stderr)
	if err != nil {
		return err
	}
	v.Of(batch.NewID(time.Now()))
	return v.close(do(v))
}

// ToPeople is a voice without a log.
func ToPeople(w io.Writer) *Voice {
	none := slog.New(slog.DiscardHandler)
	return &Voice{People: w, Log: none, Told: none}
}

// open opens the log. Before Of, nothing can be said.
func (l *LogFlags) open(stderr io.Writer) (*Voice, error) {
	v := &Voice{People: stderr}
	out := stderr
	if l.File != "" {
		if err := disk.CheckLink(l.File); err != nil {
			return nil, Problems{"--log-file: " + err.Error()}
		}
		file, err := os.OpenFile(l.File, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return nil, Problems{fmt.Sprintf("--log-file: %s cannot be opened: %v; name another file", OneLine(l.File), disk.Cause(err))}
		}
		out, v.file, v.apart = Plain{file}, file, true
	}
	var o slog.HandlerOptions
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.level)); err != nil {
		return nil, err
	}
	o.Level = level
	v.handler = slog.NewTextHandler(out, &o)
	if _, screen := out.(Screen); screen {
		v.handler = newPeopleHandler(out, level)
	}
	if l.format == "json" {
		v.handler = slog.NewJSONHandler(out, &o)
		if !v.apart {
			v.apart, v.silent, v.People = true, true, io.Discard
		}
	}
	return v, nil
}

// Of makes every line from here on name a run.
func (v *Voice) Of(run string) {
	v.ID = run
	v.Log = slog.New(v.handler).With(runKey, run)
	v.Told = slog.New(slog.DiscardHandler)
	if v.apart {
		v.Told = v.Log
	}
}

// Say tells people, and the log.
func (v *Voice) Say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	fmt.Fprintln(v.People, text)
	v.Told.Info(text, "event", "message")
}

// aside takes what another program says on its standard error: for people, or
// line by line for the log where that is all there is.
func (v *Voice) aside(of string) io.Writer {
	if !v.silent {
		return v.People
	}
	return asideWriter{v, of}
}

type asideWriter struct {
	*Voice
	of string
}

// Write implements io.Writer.
func (w asideWriter) Write(text []byte) (int, error) {
	for line := range bytes.Lines(text) {
		w.Log.Info(w.of+" says: "+string(bytes.TrimRight(line, "\r\n")), "event", "message")
	}
	return len(text), nil
}

// close closes the log after a start that ended with err, and returns err for
// the caller that tells people. What cannot be logged any more ends no run.
func (v *Voice) close(err error) error {
	message := messageOf(err)
	if message != "" {
		v.Told.Error(message, "event", "end", "exit_code", ExitCode(err))
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
