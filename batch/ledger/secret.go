package ledger

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// secretBytes is how long the key of a ledger is.
const secretBytes = 32

// What is hashed: the first byte keeps one kind from passing for another.
const (
	ofCustomer = 'c'
	ofFields   = 'f'
	ofSecret   = 's'
)

// Hasher makes keys and digests. It is used by one goroutine.
type Hasher struct {
	mac hash.Hash
	in  []byte
	out []byte
}

func newHasher(secret []byte) *Hasher {
	return &Hasher{mac: hmac.New(sha256.New, secret)}
}

// Customer is the key of a customer of a tenant: form and e-mail, as the run
// compares customers.
func (h *Hasher) Customer(tenant string, customer []byte) Key {
	h.begin(ofCustomer)
	h.part(tenant)
	h.in = append(binary.AppendUvarint(h.in, uint64(len(customer))), customer...)
	return Key(h.sum()[:len(Key{})])
}

// Fields is the digest of the fields that are sent, in the order of the
// request.
func (h *Hasher) Fields(fields ...string) Digest {
	h.begin(ofFields)
	for _, field := range fields {
		h.part(field)
	}
	return Digest(h.sum()[:len(Digest{})])
}

// check tells secrets apart without giving one away.
func (h *Hasher) check() []byte {
	h.begin(ofSecret)
	return h.sum()[:8]
}

func (h *Hasher) begin(kind byte) { h.in = append(h.in[:0], kind) }

func (h *Hasher) part(s string) {
	h.in = append(binary.AppendUvarint(h.in, uint64(len(s))), s...)
}

// sum is good until the next one.
func (h *Hasher) sum() []byte {
	h.mac.Reset()
	h.mac.Write(h.in)
	h.out = h.mac.Sum(h.out[:0])
	return h.out
}

// readSecret reads the secret of a ledger from its file, and makes one for a
// ledger that is new.
func readSecret(path string, fresh bool) ([]byte, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if !fresh {
			return nil, &SecretError{Path: path, Reason: "the key of the ledger is not there, and without it nobody in the ledger can be recognised"}
		}
		return makeSecret(path)
	}
	if err != nil {
		return nil, fileError("read", path, err)
	}
	secret, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(secret) != secretBytes {
		return nil, &SecretError{Path: path, Reason: fmt.Sprintf("this is no key of a ledger: it takes %d hexadecimal digits", 2*secretBytes)}
	}
	return secret, nil
}

// makeSecret makes a secret and its file, durable before anything is put down
// under it. A crash leaves no file, or a temporary one, or the whole.
func makeSecret(path string) ([]byte, error) {
	secret := make([]byte, secretBytes)
	_, _ = rand.Read(secret) // never fails
	temp := path + ".tmp"
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fileError("make", path, err)
	}
	_, err = fmt.Fprintln(f, hex.EncodeToString(secret))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return nil, fileError("make", path, err)
	}
	return secret, fileError("sync", filepath.Dir(path), syncDir(filepath.Dir(path)))
}
