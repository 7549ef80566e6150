package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"math"
	"time"

	bolt "go.etcd.io/bbolt"
)

// The pace of the service that was called last is one value of the file's own:
//
//	service u64, a hash | attempts per second f64 | when, in ms i64 | crc u32
//
// All numbers are little-endian; crc is CRC-32C over everything before it. A
// flipped bit could otherwise make a start a thousand times too fast.
var paceKey = []byte("pace")

const (
	paceBody  = 8 + 8 + 8
	paceBytes = paceBody + 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Pace is what PutPace saved for the service, or 0. A value that is damaged
// is as good as none: the pace can be found again.
func (l *Ledger) Pace(service string) (perSecond float64, at time.Time, err error) {
	err = l.db.view(func(tx *bolt.Tx) error {
		perSecond, at = parsePace(tx.Bucket(metaBucket).Get(paceKey), service)
		return nil
	})
	return perSecond, at, err
}

// PutPace saves how many attempts per second a service was found to take, in
// place of what there was.
func (l *Ledger) PutPace(service string, perSecond float64, at time.Time) error {
	return l.db.update(func(tx *bolt.Tx) error {
		return tx.Bucket(metaBucket).Put(paceKey, encodePace(service, perSecond, at))
	})
}

func encodePace(service string, perSecond float64, at time.Time) []byte {
	b := binary.LittleEndian.AppendUint64(nil, serviceHash(service))
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(perSecond))
	b = binary.LittleEndian.AppendUint64(b, uint64(at.UnixMilli()))
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func parsePace(b []byte, service string) (perSecond float64, at time.Time) {
	if len(b) != paceBytes || binary.LittleEndian.Uint32(b[paceBody:]) != crc32.Checksum(b[:paceBody], castagnoli) ||
		binary.LittleEndian.Uint64(b) != serviceHash(service) {
		return 0, time.Time{}
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b[8:])), time.UnixMilli(int64(binary.LittleEndian.Uint64(b[16:])))
}

// serviceHash stands for a service, so that the file tells nobody which one is
// called.
func serviceHash(service string) uint64 {
	sum := sha256.Sum256([]byte(service))
	return binary.LittleEndian.Uint64(sum[:])
}
