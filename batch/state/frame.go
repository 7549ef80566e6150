package state

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// Kind says what an entry of the journal records.
type Kind byte

// The kinds of entry.
const (
	Intent  Kind = 1 + iota // an attempt is about to be sent
	Ended                   // an attempt came back without a final result
	Outcome                 // the final result of a row
	doubted                 // a row was in flight at interruptions; Attempt counts them
	synced                  // the bytes of the segment before offset Row are durable
	Charged                 // Attempt attempts count against a row
)

// Entry is one fact in the journal.
type Entry struct {
	Kind    Kind
	Row     int64
	Attempt int
	Payload []byte // of an Outcome; opaque here
}

// A segment of the journal is frames, one behind the other:
//
//	magic u32 | len u32 | kind u8 | row u64 | attempt u32 | payload | crc u32
//
// All numbers are little-endian. len counts kind to payload; crc is CRC-32C
// over len to payload. Zeros are never a frame, so a hole that a crash left is
// seen.
const (
	frameMagic    = 0x314a4b42 // "BKJ1"
	frameHead     = 8
	frameBody     = 13
	frameTail     = 4
	frameOverhead = frameHead + frameBody + frameTail
	maxPayload    = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendFrame appends the frame of an entry to dst.
func appendFrame(dst []byte, e *Entry) []byte {
	from := len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, frameMagic)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(frameBody+len(e.Payload)))
	dst = append(dst, byte(e.Kind))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(e.Row))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(e.Attempt))
	dst = append(dst, e.Payload...)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[from+4:], castagnoli))
}

// parseFrame reads the frame at the start of b. It reports false when there is
// no whole and valid frame. The payload shares b's memory.
func parseFrame(b []byte) (e Entry, size int, ok bool) {
	if len(b) < frameOverhead || binary.LittleEndian.Uint32(b) != frameMagic {
		return Entry{}, 0, false
	}
	length := int(binary.LittleEndian.Uint32(b[4:]))
	if length < frameBody || length > frameBody+maxPayload || len(b) < frameHead+length+frameTail {
		return Entry{}, 0, false
	}
	end := frameHead + length
	if !crcMatches(b[4:end], binary.LittleEndian.Uint32(b[end:])) {
		return Entry{}, 0, false
	}
	e = Entry{
		Kind:    Kind(b[8]),
		Row:     int64(binary.LittleEndian.Uint64(b[9:])),
		Attempt: int(binary.LittleEndian.Uint32(b[17:])),
		Payload: b[frameHead+frameBody : end],
	}
	return e, end + frameTail, true
}

func crcMatches(b []byte, want uint32) bool {
	return crc32.Checksum(b, castagnoli) == want
}

// readFrames calls f with every entry of a segment and returns where the valid
// frames end. A crash of the process leaves half a frame at the end; a power
// cut leaves anything behind the last fsync, holes among good frames too. Both
// are cut. damaged reports that bytes are bad which a later frame says were
// durable: no crash does that.
func readFrames(b []byte, f func(Entry)) (valid int, damaged bool) {
	for valid < len(b) {
		e, size, ok := parseFrame(b[valid:])
		if !ok {
			return valid, syncedBehind(b[valid+1:], int64(valid))
		}
		if e.Kind != synced {
			f(e)
		}
		valid += size
	}
	return valid, false
}

// syncedBehind looks in b for a frame that says that the bytes at an offset
// were durable.
func syncedBehind(b []byte, offset int64) bool {
	magic := binary.LittleEndian.AppendUint32(nil, frameMagic)
	for {
		i := bytes.Index(b, magic)
		if i < 0 {
			return false
		}
		if e, _, ok := parseFrame(b[i:]); ok && e.Kind == synced && e.Row > offset {
			return true
		}
		b = b[i+1:]
	}
}
