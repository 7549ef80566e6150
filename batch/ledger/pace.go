package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"time"
)

// The pace of the service that was called last is one value of the file's own,
// little-endian:
//
//	service u64, a hash | attempts per second f64 | when, in ms i64
var paceKey = []byte("pace")

const paceBytes = 8 + 8 + 8

// Pace is what PutPace saved for the service, or 0. A value that is damaged
// is as good as none: the pace can be found again.
func (l *Ledger) Pace(service string) (perSecond float64, at time.Time) {
	return parsePace(l.pace, service)
}

// PutPace saves how many attempts per second a service was found to take, in
// place of what there was.
func (l *Ledger) PutPace(service string, perSecond float64, at time.Time) error {
	pace := encodePace(service, perSecond, at)
	err := l.update(func(s *sealed) error { return s.put(metaBucket, paceKey, l.pace, pace) })
	if err == nil {
		l.pace = pace
	}
	return err
}

func encodePace(service string, perSecond float64, at time.Time) []byte {
	b := binary.LittleEndian.AppendUint64(nil, serviceHash(service))
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(perSecond))
	return binary.LittleEndian.AppendUint64(b, uint64(at.UnixMilli()))
}

func parsePace(b []byte, service string) (perSecond float64, at time.Time) {
	if len(b) != paceBytes || binary.LittleEndian.Uint64(b) != serviceHash(service) {
		return 0, time.Time{}
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b[8:])), time.UnixMilli(int64(binary.LittleEndian.Uint64(b[16:])))
}

// serviceHash stands for a service, so that the file does not tell which one is
// called.
func serviceHash(service string) uint64 {
	sum := sha256.Sum256([]byte(service))
	return binary.LittleEndian.Uint64(sum[:])
}
