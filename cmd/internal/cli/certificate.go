package cli

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// KeyPair is a certificate and its key, in two PEM files. They are read again
// when they have changed: certificates are renewed while a run continues.
type KeyPair struct {
	CertFile, KeyFile string

	mu     sync.Mutex
	loaded *tls.Certificate // covered by mu, as what follows
	seen   [2]stamp
}

// stamp tells one version of a file from another.
type stamp struct {
	changed time.Time
	size    int64
}

// Check finds files of which one is missing or of no use, by the flags that name
// them, and reads the pair. The warning is empty when there is nothing to say.
func (k *KeyPair) Check(p *Problems, certFlag, keyFlag string) (warning string) {
	switch {
	case k.CertFile == "" && k.KeyFile == "":
		return ""
	case k.CertFile == "" || k.KeyFile == "":
		p.Add(fmt.Sprintf("--%s and --%s go together: name both, or neither", certFlag, keyFlag))
		return ""
	}
	_, warning, err := ReadKeyFile(keyFlag, k.KeyFile)
	if err != nil {
		p.Add(err.Error())
		return ""
	}
	if _, err := k.Get(); err != nil {
		p.Add(fmt.Sprintf("--%s and --%s cannot be used: %v", certFlag, keyFlag, err))
	}
	return warning
}

// Given reports whether there is a pair.
func (k *KeyPair) Given() bool { return k.CertFile != "" }

// Get is the certificate as the files have it. While they are being replaced
// they are of no use, and the one before is.
func (k *KeyPair) Get() (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now, err := k.stamps()
	if err == nil && k.loaded != nil && now == k.seen {
		return k.loaded, nil
	}
	if err == nil {
		var pair tls.Certificate
		if pair, err = k.load(); err == nil {
			k.loaded, k.seen = &pair, now
		}
	}
	if k.loaded == nil {
		return nil, err
	}
	return k.loaded, nil
}

func (k *KeyPair) stamps() (now [2]stamp, err error) {
	for i, name := range []string{k.CertFile, k.KeyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return now, errors.Unwrap(err) // without a name that may be a secret
		}
		now[i] = stamp{info.ModTime(), info.Size()}
	}
	return now, nil
}

func (k *KeyPair) load() (tls.Certificate, error) {
	certificate, err := os.ReadFile(k.CertFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, _, err := secretIn(k.KeyFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(certificate, []byte(key))
}
