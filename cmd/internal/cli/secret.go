package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"bulkonboard/batch/session"
)

// Where the app secret and other keys come from, and who else may read their
// files.

// SecretVariable holds the app secret, which is never a flag: flags are
// visible to every user of the machine.
const SecretVariable = envPrefix + "APP_SECRET"

// maxSecretFile bounds, in bytes, what is read of a file that is named by
// mistake. A real one has some dozens.
const maxSecretFile = 64 << 10

// secretSource is where the app secret is from: a command, a file or a variable.
type secretSource struct {
	file, command string // as they were given; "" for none

	words   []string // of the command
	warning string   // about the file
	people  io.Writer
	within  time.Duration // for the command

	mu     sync.Mutex
	secret session.Secret // the last one; covered by mu
}

// check finds what is wrong, and reads the secret unless a command has it: that
// is run when the secret is needed.
func (s *secretSource) check(p *Problems) {
	s.within = commandTime
	switch {
	case s.command != "" && s.file != "":
		p.Add("--app-secret-command and --app-secret-file contradict each other: leave one out")
	case s.command != "":
		var err error
		if s.words, err = commandOf(s.command); err != nil {
			p.Add("--app-secret-command cannot be used: " + err.Error())
		}
	default:
		var err error
		if s.secret, s.warning, err = readSecret(s.file); err != nil {
			p.Add(err.Error())
		}
	}
}

// get is the secret. The command is run for the first one.
func (s *secretSource) get(ctx context.Context) (session.Secret, error) {
	s.mu.Lock()
	known := s.secret
	s.mu.Unlock()
	if known != "" || len(s.words) == 0 {
		return known, nil
	}
	return s.renew(ctx)
}

// last is the secret that was read last.
func (s *secretSource) last() session.Secret {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.secret
}

// renewable reports whether another secret may be had where this one was.
func (s *secretSource) renewable() bool {
	if len(s.words) > 0 {
		return true
	}
	info, err := os.Stat(s.file)
	return s.file != "" && err == nil && info.Mode().IsRegular()
}

// renew reads the secret again.
func (s *secretSource) renew(ctx context.Context) (secret session.Secret, err error) {
	if len(s.words) > 0 {
		if secret, err = secretBy(ctx, s.words, s.people, s.within); err != nil {
			return "", fmt.Errorf("--app-secret-command %s gave no secret: %w", OneLine(s.words[0]), err)
		}
	} else if secret, _, err = readSecret(s.file); err != nil {
		return "", err
	}
	s.mu.Lock()
	s.secret = secret
	s.mu.Unlock()
	return secret, nil
}

// origin says where the secret is from, and never what it is.
func (s *secretSource) origin() string {
	switch {
	case s.command != "":
		return "printed by the command of appSecretCommand"
	case s.last() == "":
		return "not set"
	case s.file != "":
		return "set, from the file of appSecretFile"
	default:
		return "set, from " + SecretVariable
	}
}

// readSecret takes the app secret from the file, or else from the environment.
// The warning is empty when there is nothing to say about the file.
func readSecret(file string) (_ session.Secret, warning string, err error) {
	secret := os.Getenv(SecretVariable)
	if file != "" {
		if secret, warning, err = secretIn(file); err != nil {
			return "", "", keyFileError("app-secret-file", err)
		}
	}
	if strings.TrimSpace(secret) == "" {
		return "", "", fmt.Errorf("the app secret is missing: name a file with --app-secret-file (or %s), a command with --app-secret-command, or set %s",
			VariableOf("app-secret-file"), SecretVariable)
	}
	if !isText(secret) {
		return "", "", errors.New("the app secret is not text in UTF-8, or has a control character in it: save it as text, alone on one line")
	}
	return session.Secret(secret), warning, nil
}

// keyFileError says why the file of a flag cannot be read. The name of one that
// cannot be opened is not repeated: it may be the secret itself.
func keyFileError(flag string, err error) error {
	var path *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the file named by --%s does not exist (its name is not shown: it may be the secret)", flag)
	case errors.As(err, &path) && path.Op == "open":
		return fmt.Errorf("the file named by --%s cannot be opened: %w (its name is not shown: it may be the secret)", flag, path.Err)
	case errors.Is(err, syscall.EISDIR):
		return fmt.Errorf("--%s names a folder; name a file in it", flag)
	}
	return fmt.Errorf("--%s cannot be read: %w", flag, err)
}

// ReadKeyFile reads a file that a flag names and that holds a key or a secret,
// and refuses one that others may read. The warning is empty when there is
// nothing to say about the file.
func ReadKeyFile(flag, name string) (key, warning string, err error) {
	key, warning, err = secretIn(name)
	if err != nil {
		return "", "", keyFileError(flag, err)
	}
	if strings.TrimSpace(key) == "" {
		return "", "", fmt.Errorf("--%s names a file that is empty", flag)
	}
	return key, warning, nil
}

func secretIn(name string) (secret, warning string, err error) {
	file, err := os.Open(name)
	if err != nil {
		return "", "", err
	}
	defer func() { _ = file.Close() }() // it was only read
	if warning, err = exposedFile(file, "secret"); err != nil {
		return "", "", err
	}
	b, err := io.ReadAll(io.LimitReader(file, maxSecretFile+1))
	if err != nil {
		return "", "", err
	}
	if len(b) > maxSecretFile {
		return "", "", fmt.Errorf("%s is larger than any secret", OneLine(name))
	}
	return strings.TrimRight(string(b), "\r\n"), warning, nil
}

// exposedFile is exposed for a file that is open.
func exposedFile(file *os.File, what string) (warning string, err error) {
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() { // others, such as a pipe, are private
		return "", err
	}
	return exposed(file.Name(), what, info.Mode().Perm(), isOurs(info) && !onReadOnlyMount(file))
}

// exposed says who but its owner may read a secret's file. ssh has the same
// rule for its keys: a file that this user could close, and did not, is
// refused. One that somebody else put there is his to close: systemd,
// Kubernetes and Docker hand secrets over with modes such as 0440 and 0444, on
// read-only mounts or owned by root.
func exposed(name, what string, mode fs.FileMode, fixable bool) (warning string, err error) {
	switch {
	case mode&0o077 != 0 && fixable:
		return "", fmt.Errorf("other users may read or change %s (mode %04o); close it with: chmod 600 %s", OneLine(name), mode, Quoted(name))
	case mode&0o007 != 0:
		return fmt.Sprintf("warning: every user of this machine may read the %s in %s (mode %04o)", what, OneLine(name), mode), nil
	}
	return "", nil
}

// readAuthorities takes the certificates of --ca-file; nil when there is none.
func readAuthorities(name string) (*x509.CertPool, error) {
	if name == "" {
		return nil, nil //nolint:nilnil // no file is not an error: the system's are used
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, errors.New(CannotRead("ca-file", name, err))
	}
	pool, err := session.ParseAuthorities(text)
	if err != nil {
		return nil, errors.New("--ca-file is of no use: " + err.Error())
	}
	return pool, nil
}
