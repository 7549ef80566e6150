package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	"bulkonboard/batch/session"
)

// The command that prints the app secret.

// commandTime is how long a password store has to answer.
const commandTime = 30 * time.Second

// commandOf splits a command as a shell would, with quotes and variables, into
// the program and its arguments. It is run without a shell, so there are no
// pipes, lists or substitutions of commands.
func commandOf(text string) ([]string, error) {
	var words []*syntax.Word
	for word, err := range syntax.NewParser().WordsSeq(strings.NewReader(text)) {
		if err != nil {
			return nil, fmt.Errorf("it is one command with arguments, without pipes (%w); put more into a script", err)
		}
		words = append(words, word)
	}
	fields, err := expand.Fields(&expand.Config{Env: expand.FuncEnviron(os.Getenv), NoUnset: true}, words...)
	switch {
	case err != nil:
		return nil, fmt.Errorf("it is one command with arguments, and no other command in them (%w); put more into a script", err)
	case len(fields) == 0:
		return nil, errors.New("it is empty")
	}
	if fields[0], err = exec.LookPath(fields[0]); err != nil {
		return nil, errors.New("there is no such program; write its whole path, or put it on the PATH")
	}
	return fields, nil
}

// secretBy runs a command whose standard output is the app secret. What it printed
// is never shown. Its standard error goes to stderr once it has ended, since only
// then it is known what may not be in it: a shell that shows its steps has it there.
func secretBy(ctx context.Context, command []string, stderr io.Writer, within time.Duration) (session.Secret, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	out, said := &bounded{left: maxSecretFile}, &bounded{left: maxSecretFile}
	run := &exec.Cmd{
		Path: command[0], Args: command, Env: withoutSecret(os.Environ()), Stdout: out, Stderr: said,
		WaitDelay: time.Second, // for what it has started, and left with its output
	}
	if err := run.Start(); err != nil {
		return "", errors.New("it cannot be started; check that the program may be run")
	}
	stop := context.AfterFunc(ctx, func() { _ = run.Process.Kill() })
	err := run.Wait()
	stop()
	_, _ = io.WriteString(stderr, withoutLines(said.kept.String(), out.kept.String())) // who does not listen misses no secret
	secret := strings.TrimRight(out.kept.String(), "\r\n")
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "", fmt.Errorf("it had not ended after %s", within)
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case err != nil && !errors.Is(err, exec.ErrWaitDelay): // what it has started is none of our business
		return "", fmt.Errorf("it failed (%w)", err)
	case out.left < 0 || strings.ContainsAny(secret, "\r\n"):
		return "", errors.New("it printed more than one line; have it print the secret alone")
	case strings.TrimSpace(secret) == "":
		return "", errors.New("it printed nothing")
	case !isText(secret):
		return "", errors.New("it printed what is not text in UTF-8")
	}
	return session.Secret(secret), nil
}

// withoutLines cuts the lines of one text out of another one.
func withoutLines(text, lines string) string {
	for line := range strings.Lines(lines) {
		if line = strings.TrimSpace(line); line != "" {
			text = strings.ReplaceAll(text, line, "[REDACTED]")
		}
	}
	return text
}

// isText reports a secret that can be sent as it is.
func isText(secret string) bool {
	return utf8.ValidString(secret) && !strings.ContainsFunc(secret, unicode.IsControl)
}

// withoutSecret leaves an app secret out of an environment: who fetches the
// secret has no use for another one.
func withoutSecret(environment []string) []string {
	out := make([]string, 0, len(environment))
	for _, v := range environment {
		if !strings.HasPrefix(v, SecretVariable+"=") {
			out = append(out, v)
		}
	}
	return out
}

// bounded keeps what is written to it up to a bound, and is less than zero
// beyond it.
type bounded struct {
	kept bytes.Buffer
	left int
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	_, _ = b.kept.Write(p[:max(0, min(len(p), b.left))]) // to memory
	b.left -= len(p)
	return len(p), nil
}
