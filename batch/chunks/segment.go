package chunks

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"bulkonboard/batch/measure"
	"bulkonboard/batch/state"
)

// A segment is what became of some rows of a part: an object that is written
// once.
//
//	magic u32 | version u32 | length of head u32
//	head: JSON | crc u32
//	entries: kind u8 | row uvarint | length uvarint | payload
//	crc u32
//
// All numbers but the uvarints are little-endian; each crc is CRC-32C over
// everything before it: that of the head is for a reader that stops there. The
// payload is that of the engine's journal.
const (
	segmentMagic   = 0x53534b42 // "BKSS"
	segmentVersion = 2
	segmentStart   = 12
	segmentTail    = 4

	maxHead = 1 << 20 // bytes, with the start: more than any has
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errSegment = errors.New("it is not whole, or another version wrote it")

// head is what a segment says of itself.
type head struct {
	Owner string `json:"owner,omitempty"` // who wrote it, for people

	// Of the segment that ends a part.
	Rows     int64             `json:"rows,omitempty"` // that were read
	Measures *measure.Measures `json:"measures,omitempty"`
}

// newSegment begins one with its head.
func newSegment(h head) ([]byte, error) {
	text, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encode a segment: %w", err)
	}
	b := make([]byte, 0, segmentStart+len(text)+2*segmentTail)
	for _, n := range []int{segmentMagic, segmentVersion, len(text)} {
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	return sealed(append(b, text...)), nil
}

func appendEntry(dst []byte, kind state.Kind, row int64, payload []byte) []byte {
	dst = append(dst, byte(kind))
	dst = binary.AppendUvarint(dst, uint64(row))
	dst = binary.AppendUvarint(dst, uint64(len(payload)))
	return append(dst, payload...)
}

// sealed ends a segment, or its head.
func sealed(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// parseSegment takes a segment apart. The payloads share b's memory.
func parseSegment(b []byte, take func(kind state.Kind, row int64, payload []byte) error) error {
	end := len(b) - segmentTail
	if end < 0 || crc32.Checksum(b[:end], castagnoli) != binary.LittleEndian.Uint32(b[end:]) {
		return errSegment
	}
	_, b, err := parseHead(b[:end])
	for err == nil && len(b) > 0 {
		b, err = parseEntry(b, take)
	}
	return err
}

// parseHead takes the head off a segment, and returns what is behind it.
func parseHead(b []byte) (h head, entries []byte, err error) {
	if len(b) < segmentStart || binary.LittleEndian.Uint32(b) != segmentMagic || binary.LittleEndian.Uint32(b[4:]) != segmentVersion {
		return h, nil, errSegment
	}
	end := segmentStart + int64(binary.LittleEndian.Uint32(b[8:]))
	if end+segmentTail > int64(len(b)) || crc32.Checksum(b[:end], castagnoli) != binary.LittleEndian.Uint32(b[end:]) {
		return h, nil, errSegment
	}
	if json.Unmarshal(b[segmentStart:end], &h) != nil {
		return h, nil, errSegment
	}
	return h, b[end+segmentTail:], nil
}

// parseEntry takes the first entry, and returns what is behind it.
func parseEntry(b []byte, take func(kind state.Kind, row int64, payload []byte) error) ([]byte, error) {
	kind := state.Kind(b[0])
	row, n := binary.Uvarint(b[1:])
	if n <= 0 || row > math.MaxInt64 {
		return nil, errSegment
	}
	b = b[1+n:]
	length, n := binary.Uvarint(b)
	if n <= 0 || length > uint64(len(b)-n) {
		return nil, errSegment
	}
	b = b[n:]
	return b[length:], take(kind, int64(row), b[:length:length])
}
