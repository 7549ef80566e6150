package ledger

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	bolt "go.etcd.io/bbolt"
)

// Every customer's value ends with a tag, and the seal is over all entries of
// the file, so that one that is changed, missing, or from another day is
// noticed. Both are made under the secret: of an entry's hash one part is the
// tag and another, which is nowhere in the file, is added up.
const tagBytes = 8

// sum adds up entries, in whatever order.
type sum [2]uint64

func (s *sum) add(o sum) {
	s[0] += o[0]
	s[1] += o[1]
}

func (s *sum) subtract(o sum) {
	s[0] -= o[0]
	s[1] -= o[1]
}

// entry gives the tag of an entry and what it adds to the sum. It is a SHA-256
// of the key for entries and the entry, of which most is never shown, so it
// cannot be resumed as a whole one could; an HMAC would be the same in twice
// the time, which a night of ten million known customers spends mostly here.
func (h *Hasher) entry(bucket, key, value []byte) (tag [tagBytes]byte, adds sum) {
	if h.entries == nil {
		h.begin(ofEntry)
		h.entries = bytes.Clone(h.sum())
	}
	h.in = append(append(append(h.in[:0], h.entries...), bucket...), 0)
	h.in = append(append(binary.AppendUvarint(h.in, uint64(len(key))), key...), value...)
	out := sha256.Sum256(h.in)
	return [tagBytes]byte(out[:]), sum{binary.LittleEndian.Uint64(out[16:]), binary.LittleEndian.Uint64(out[24:])}
}

// seal is what the file says of all its entries. The count of changes goes up
// with each transaction.
type seal struct {
	Customers uint64
	Changes   uint64
	sum       sum // of the customers
	rest      sum // of everything else
}

const (
	sealVersion = 2 // of the file, since when it is as it is

	sealBody  = 6 * 8
	sealBytes = sealBody + 16
)

func (s *seal) encode(h *Hasher, id []byte) []byte {
	var b []byte
	for _, n := range []uint64{s.Customers, s.Changes, s.sum[0], s.sum[1], s.rest[0], s.rest[1]} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return append(b, h.ofSeal(id, b)...)
}

func (h *Hasher) ofSeal(id, b []byte) []byte {
	h.begin(ofSeal)
	h.in = append(append(append(h.in, sealVersion), id...), b...)
	return h.sum()[:16]
}

// parseSeal reports false for what was not made under this secret for this
// ledger.
func parseSeal(b []byte, h *Hasher, id []byte) (s seal, ok bool) {
	if len(b) != sealBytes || !hmac.Equal(b[sealBody:], h.ofSeal(id, b[:sealBody])) {
		return s, false
	}
	field := func(i int) uint64 { return binary.LittleEndian.Uint64(b[8*i:]) }
	return seal{field(0), field(1), sum{field(2), field(3)}, sum{field(4), field(5)}}, true
}

// sealed makes changes in a transaction and keeps the seal right.
type sealed struct {
	tx *bolt.Tx
	h  *Hasher
	seal
}

// get gives a value without its tag, nil when there is none.
func (s *sealed) get(bucket, key []byte) (value []byte, err error) {
	value = s.tx.Bucket(bucket).Get(key)
	if value == nil || !bytes.Equal(bucket, customerBucket) {
		return value, nil
	}
	return untagged(s.h, bucket, key, value, nil)
}

// untagged gives a customer's value without its tag, and adds the entry up.
func untagged(h *Hasher, bucket, key, value []byte, to *sum) ([]byte, error) {
	n := len(value) - tagBytes
	if n < 0 {
		return nil, damaged("an entry is cut short")
	}
	tag, adds := h.entry(bucket, key, value[:n])
	if !hmac.Equal(tag[:], value[n:]) {
		return nil, damaged("an entry is not as it was written")
	}
	if to != nil {
		to.add(adds)
	}
	return value[:n], nil
}

// put puts a value in the place of the value that get gave, nil for none.
func (s *sealed) put(bucket, key, before, value []byte) error {
	customer, to := bytes.Equal(bucket, customerBucket), &s.rest
	if customer {
		to = &s.sum
	}
	if before != nil {
		_, adds := s.h.entry(bucket, key, before)
		to.subtract(adds)
	} else if customer {
		s.Customers++
	}
	tag, adds := s.h.entry(bucket, key, value)
	to.add(adds)
	if customer {
		value = append(value, tag[:]...)
	}
	return s.tx.Bucket(bucket).Put(key, value)
}

// end puts the seal.
func (s *sealed) end() error {
	s.Changes++
	meta := s.tx.Bucket(metaBucket)
	return meta.Put(sealKey, s.encode(s.h, meta.Get(idKey)))
}
