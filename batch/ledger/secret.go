package ledger

import (
	"crypto/cipher"
	"crypto/hmac"
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
	"syscall"
)

// secretBytes is how long the key of a ledger is.
const secretBytes = 32

// What is hashed: the first byte keeps one kind from passing for another.
const (
	ofCustomer = 'c'
	ofFields   = 'f'
	ofSecret   = 's'
	ofScope    = 'o'
	ofEntry    = 'e'
	ofSeal     = 'l'
	ofCounter  = 'n'
	ofForm     = 'm'
	ofProblem  = 'p'
)

// Hasher makes keys and digests. It is used by one goroutine.
type Hasher struct {
	mac   hash.Hash
	in    []byte
	out   []byte
	scope Scope
	block cipher.Block // nil without a scope

	entries []byte // key for entries; nil before the first
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
	return h.scoped(Key(h.sum()[:len(Key{})]))
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

// readSecret reads the secret of a ledger from its file.
func readSecret(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, fileError("read", path, err)
	}
	secret, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(secret) != secretBytes {
		return nil, &SecretError{Path: path, Reason: fmt.Sprintf("this is not the key of a ledger, which has %d hexadecimal digits", 2*secretBytes)}
	}
	return secret, nil
}

// makeSecret makes the file of a secret, durable before anything is recorded
// under it, never through a link and never over another's file. A crash leaves
// no file, or a temporary one, or the whole.
func makeSecret(path string, secret []byte) error {
	temp := path + ".tmp"
	if err := writeNew(temp, hex.EncodeToString(secret)+"\n"); err != nil {
		return fileError("make", path, err)
	}
	err := os.Link(temp, path) // which fails when there is one
	if err = errors.Join(err, os.Remove(temp)); err != nil {
		return fileError("make", path, err)
	}
	return fileError("sync", filepath.Dir(path), syncDir(filepath.Dir(path)))
}

// writeNew writes a temporary file in the place of one that a crash has left,
// durably.
func writeNew(path, text string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
