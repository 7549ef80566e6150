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

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	"bulkonboard/batch/session"
)

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

// secretBy runs a command whose standard output is the app secret. Its standard
// error goes to stderr; what it printed is never shown.
func secretBy(ctx context.Context, command []string, stderr io.Writer, within time.Duration) (session.Secret, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	out := &bounded{left: maxSecretFile}
	run := &exec.Cmd{
		Path: command[0], Args: command, Env: withoutSecret(os.Environ()), Stdout: out, Stderr: stderr,
		WaitDelay: time.Second, // for what it has started, and left with its output
	}
	if err := run.Start(); err != nil {
		return "", errors.New("it cannot be started; check that the program may be run")
	}
	stop := context.AfterFunc(ctx, func() { _ = run.Process.Kill() })
	err := run.Wait()
	stop()
	secret := strings.TrimRight(out.kept.String(), "\r\n")
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "", fmt.Errorf("it had not ended after %s", within)
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case err != nil:
		return "", fmt.Errorf("it failed (%w)", err)
	case out.left < 0 || strings.ContainsAny(secret, "\r\n"):
		return "", errors.New("it printed more than one line; have it print the secret alone")
	case strings.TrimSpace(secret) == "":
		return "", errors.New("it printed nothing")
	}
	return session.Secret(secret), nil
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
	if b.left -= len(p); b.left >= 0 {
		_, _ = b.kept.Write(p) // to memory
	}
	return len(p), nil
}
