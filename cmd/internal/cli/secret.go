package cli

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"bulkonboard/batch/session"
)

// SecretVariable holds the app secret, which is never a flag: flags are
// visible to every user of the machine.
const SecretVariable = envPrefix + "APP_SECRET"

// maxSecretFile bounds, in bytes, what is read of a file that is named by
// mistake. A real one has some dozens.
const maxSecretFile = 64 << 10

// readSecret takes the app secret from the file, or else from the environment.
// The warning is empty when there is nothing to say about the file.
func readSecret(file string) (_ session.Secret, warning string, err error) {
	secret := os.Getenv(SecretVariable)
	if file != "" {
		if secret, warning, err = secretIn(file); err != nil {
			return "", "", fmt.Errorf("--app-secret-file cannot be read: %w", err)
		}
	}
	if strings.TrimSpace(secret) == "" {
		return "", "", fmt.Errorf("the app secret is missing: name a file with --app-secret-file (or %s), or set %s", VariableOf("app-secret-file"), SecretVariable)
	}
	return session.Secret(secret), warning, nil
}

func secretIn(name string) (secret, warning string, err error) {
	file, err := os.Open(name)
	if err != nil {
		return "", "", err
	}
	defer func() { _ = file.Close() }() // it was only read
	if warning, err = exposedFile(file, "app secret"); err != nil {
		return "", "", err
	}
	b, err := io.ReadAll(io.LimitReader(file, maxSecretFile+1))
	if err != nil {
		return "", "", err
	}
	if len(b) > maxSecretFile {
		return "", "", fmt.Errorf("%s is larger than any secret", name)
	}
	return strings.TrimRight(string(b), "\r\n"), warning, nil
}

// exposedFile is exposed for a file that is open.
func exposedFile(file *os.File, what string) (warning string, err error) {
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() { // others, such as a pipe, are nobody else's
		return "", err
	}
	return exposed(file.Name(), what, info.Mode().Perm(), isOurs(info) && !onReadOnlyMount(file))
}

// exposed says who but its owner may read a secret's file. ssh has the same
// rule for its keys: a file that this user could close, and did not, is
// refused. One that somebody else put there is his to close: systemd,
// Kubernetes and Docker hand secrets over with modes such as 0440 and 0444, on
// read-only mounts or owned by root.
func exposed(name, what string, mode fs.FileMode, mendable bool) (warning string, err error) {
	switch {
	case mode&0o077 != 0 && mendable:
		return "", fmt.Errorf("other users may read or change %s (mode %04o); close it with: chmod 600 %s", name, mode, Quoted(name))
	case mode&0o007 != 0:
		return fmt.Sprintf("warning: every user of this machine may read the %s in %s (mode %04o)", what, name, mode), nil
	}
	return "", nil
}

// readAuthorities takes the certificates of --ca-file; nil when there is none.
func readAuthorities(name string) (*x509.CertPool, error) {
	if name == "" {
		return nil, nil //nolint:nilnil // no file is no error: the system's are used
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("--ca-file cannot be read: %w", err)
	}
	pool, err := session.ParseAuthorities(text)
	if err != nil {
		return nil, errors.New("--ca-file is no use: " + err.Error())
	}
	return pool, nil
}
