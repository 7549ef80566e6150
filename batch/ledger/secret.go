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
	"strings"

	"bulkonboard/batch/disk"
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
func readSecret(fsys disk.FS, path string) ([]byte, error) {
	b, err := disk.ReadFile(fsys, path)
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
