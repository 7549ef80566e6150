package batch

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"

	"bulkonboard/source"
)

// A forecast is kept in the state folder, so that a run that goes on need not
// read the list again before its first call:
//
//	magic u32 | version u32 | length of head u32 | members u32
//	head: JSON, the binding and the counts
//	members: row u32, other u32, by row
//	crc u32
//
// All numbers are little-endian; crc is CRC-32C over everything before it.
const (
	forecastMagic   = 0x46504b42 // "BKPF"
	forecastVersion = 2
	forecastStart   = 16
	forecastMember  = 8
	forecastTail    = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type forecastHead struct {
	Binding  map[string]string `json:"binding"`
	Forecast *Forecast         `json:"forecast"`
}

// Encode makes the bytes of a forecast that ParseForecast gives back for the
// same binding: what it was made of.
func (f *Forecast) Encode(binding map[string]string) ([]byte, error) {
	head, err := json.Marshal(forecastHead{Binding: binding, Forecast: f})
	if err != nil {
		return nil, fmt.Errorf("encode the forecast: %w", err)
	}
	var members []member
	if f.Duplicates != nil {
		members = f.Duplicates.members
	}
	b := make([]byte, 0, forecastStart+len(head)+forecastMember*len(members)+forecastTail)
	for _, n := range []int{forecastMagic, forecastVersion, len(head), len(members)} {
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	b = append(b, head...)
	for _, m := range members {
		b = binary.LittleEndian.AppendUint32(b, m.row)
		b = binary.LittleEndian.AppendUint32(b, m.other)
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli)), nil
}

// ParseForecast reads what Encode made. It reports false for anything else and
// for another binding: then the list is read again, which is always right.
func ParseForecast(b []byte, binding map[string]string) (*Forecast, bool) {
	head, rest, ok := parseHead(b)
	if !ok || !maps.Equal(head.Binding, binding) {
		return nil, false
	}
	members, ok := parseMembers(rest)
	if !ok {
		return nil, false
	}
	head.Forecast.Duplicates = newDuplicates(members)
	return head.Forecast, true
}

// ForecastEnd is where a list ended when Encode made b, whatever became of the
// list; zero when that cannot be read.
func ForecastEnd(b []byte) source.Position {
	head, _, ok := parseHead(b)
	if !ok {
		return source.Position{}
	}
	return head.Forecast.Ends
}

// parseHead takes the head of a forecast apart, and gives the bytes of its
// members.
func parseHead(b []byte) (head forecastHead, members []byte, ok bool) {
	if len(b) < forecastStart+forecastTail || !sealedForecast(b) {
		return head, nil, false
	}
	length, count := uint64(binary.LittleEndian.Uint32(b[8:])), uint64(binary.LittleEndian.Uint32(b[12:]))
	if uint64(len(b)) != forecastStart+length+forecastMember*count+forecastTail {
		return head, nil, false
	}
	rest := b[forecastStart:]
	if json.Unmarshal(rest[:length], &head) != nil || head.Forecast == nil {
		return head, nil, false
	}
	return head, rest[length : uint64(len(rest))-forecastTail], true
}

// sealedForecast checks what is the same in every whole forecast.
func sealedForecast(b []byte) bool {
	end := len(b) - forecastTail
	return binary.LittleEndian.Uint32(b) == forecastMagic &&
		binary.LittleEndian.Uint32(b[4:]) == forecastVersion &&
		crc32.Checksum(b[:end], castagnoli) == binary.LittleEndian.Uint32(b[end:])
}

// parseMembers reads members and checks what the search in them relies on. The
// rest is the checksum's: a run that goes on has no time to look at each twice.
func parseMembers(b []byte) ([]member, bool) {
	members := make([]member, len(b)/forecastMember)
	before := uint32(0)
	for i := range members {
		m := member{
			row:   binary.LittleEndian.Uint32(b[forecastMember*i:]),
			other: binary.LittleEndian.Uint32(b[forecastMember*i+4:]),
		}
		if m.row <= before || m.other == 0 || m.other == m.row {
			return nil, false
		}
		members[i], before = m, m.row
	}
	return members, true
}
