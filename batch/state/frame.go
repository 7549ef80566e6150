package state

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

// Kind says what an entry of the journal records.
type Kind byte

// The kinds of entry.
const (
	Intent  Kind = 1 + iota // an attempt is about to be sent
	Ended                   // an attempt came back without a final result
	Result                  // the final result of a row
	doubted                 // a row was in flight at interruptions; Attempt counts them
	synced                  // the bytes of the segment before offset Row are durable
	Charged                 // Attempt attempts count against a row
)

// Entry is one fact in the journal.
type Entry struct {
	Kind    Kind
	Row     int64
	Attempt int
	Payload []byte // of a Result; opaque here
}

// A segment of the journal is frames, one behind the other:
//
//	magic u32 | len u32 | headcrc u32 | kind u8 | row u64 | attempt u32 | payload | crc u32
//
// All numbers are little-endian. len counts kind to payload. Both checksums are
// CRC-32C: headcrc over magic and len, crc over everything before it. So the
// length of a frame that is not whole can be trusted. Zeros are never a frame,
// so a hole that a crash left is seen.
const (
	frameMagic    = 0x324a4b42 // "BKJ2"
	frameHead     = 12
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
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[from:], castagnoli))
	dst = append(dst, byte(e.Kind))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(e.Row))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(e.Attempt))
	dst = append(dst, e.Payload...)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[from:], castagnoli))
}

// parseFrame reads the frame at the start of b. It reports false when there is
// no whole and valid frame. The payload shares b's memory.
func parseFrame(b []byte) (e Entry, size int, ok bool) {
	size, ok = frameSize(b)
	if !ok || len(b) < size {
		return Entry{}, 0, false
	}
	end := size - frameTail
	if !crcMatches(b[:end], b[end:]) {
		return Entry{}, 0, false
	}
	e = Entry{
		Kind:    Kind(b[frameHead]),
		Row:     int64(binary.LittleEndian.Uint64(b[frameHead+1:])),
		Attempt: int(binary.LittleEndian.Uint32(b[frameHead+9:])),
		Payload: b[frameHead+frameBody : end],
	}
	return e, size, true
}

// frameSize is the size of the frame at the start of b, by its head.
func frameSize(b []byte) (size int, ok bool) {
	const sealed = frameHead - 4
	if len(b) < frameHead || binary.LittleEndian.Uint32(b) != frameMagic || !crcMatches(b[:sealed], b[sealed:]) {
		return 0, false
	}
	length := int(binary.LittleEndian.Uint32(b[4:]))
	return frameHead + length + frameTail, length >= frameBody && length <= frameBody+maxPayload
}

func crcMatches(b, crc []byte) bool {
	return crc32.Checksum(b, castagnoli) == binary.LittleEndian.Uint32(crc)
}

// readFrames calls f with every entry of a segment and returns where the valid
// frames end. The death of the process leaves a part of a frame at the end; a
// power cut leaves anything behind the last fsync, holes among good frames too.
// Both are cut. damaged reports what no crash does: bytes are bad which a later
// frame says were durable, or a frame is whole but for one bit.
func readFrames(b []byte, f func(Entry)) (valid int, damaged bool) {
	for valid < len(b) {
		e, size, ok := parseFrame(b[valid:])
		if !ok {
			return valid, syncedBehind(b[valid+1:], int64(valid)) || flipped(b[valid:])
		}
		if e.Kind != synced {
			f(e)
		}
		valid += size
	}
	return valid, false
}

// flipped reports that what b begins with is a frame with one wrong bit.
func flipped(b []byte) bool {
	const sealed = frameHead - 4
	if len(b) < frameHead {
		return false
	}
	size, ok := frameSize(b)
	if !ok {
		return oneBitOff(b[:sealed], b[sealed:frameHead])
	}
	return len(b) >= size && oneBitOff(b[:size-frameTail], b[size-frameTail:size])
}

// oneBitOff reports that bytes fit their checksum once a single bit of either is
// turned. A wrong bit changes the checksum by what depends on nothing but its
// distance from the end.
func oneBitOff(b, crc []byte) bool {
	wrong := crc32.Checksum(b, castagnoli) ^ binary.LittleEndian.Uint32(crc)
	if bits.OnesCount32(wrong) == 1 {
		return true
	}
	var changes [8]uint32
	for bit := range changes {
		changes[bit] = castagnoli[1<<bit]
	}
	for range b {
		for bit, change := range changes {
			if change == wrong {
				return true
			}
			changes[bit] = castagnoli[byte(change)] ^ change>>8
		}
	}
	return false
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
