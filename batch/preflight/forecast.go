package preflight

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"

	"bulkonboard/batch/customers"
)

// The forecast of a planned job is kept beside it, so that its parts need not
// read the whole list:
//
//	magic u32 | version u32 | length of head u32 | members u32
//	head: JSON, the counts
//	members: row u32, other u32, by row
//	crc u32
//
// All numbers are little-endian; crc is CRC-32C over everything before it.
const (
	forecastMagic   = 0x46504b42 // "BKPF"
	forecastVersion = 3
	forecastStart   = 16
	forecastTail    = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Encode makes the bytes of a forecast that ParseForecast gives back.
func (f *Forecast) Encode() ([]byte, error) {
	head, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("encode the forecast: %w", err)
	}
	members := f.Duplicates.Members()
	b := make([]byte, 0, forecastStart+len(head)+customers.MemberBytes*members+forecastTail)
	for _, n := range []int{forecastMagic, forecastVersion, len(head), members} {
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	b = f.Duplicates.AppendTo(append(b, head...))
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli)), nil
}

// ParseForecast reads what Encode made. It reports false for anything else.
func ParseForecast(b []byte) (*Forecast, bool) {
	f, rest, ok := parseHead(b)
	if !ok {
		return nil, false
	}
	f.Duplicates, ok = customers.ParseDuplicates(rest)
	return f, ok
}

// parseHead takes the counts of a forecast apart, and gives the bytes of its
// members.
func parseHead(b []byte) (f *Forecast, members []byte, ok bool) {
	if len(b) < forecastStart+forecastTail || !sealedForecast(b) {
		return nil, nil, false
	}
	length, count := uint64(binary.LittleEndian.Uint32(b[8:])), uint64(binary.LittleEndian.Uint32(b[12:]))
	if uint64(len(b)) != forecastStart+length+customers.MemberBytes*count+forecastTail {
		return nil, nil, false
	}
	rest := b[forecastStart:]
	if json.Unmarshal(rest[:length], &f) != nil || f == nil {
		return nil, nil, false
	}
	return f, rest[length : uint64(len(rest))-forecastTail], true
}

// sealedForecast checks what is the same in every whole forecast.
func sealedForecast(b []byte) bool {
	end := len(b) - forecastTail
	return binary.LittleEndian.Uint32(b) == forecastMagic &&
		binary.LittleEndian.Uint32(b[4:]) == forecastVersion &&
		crc32.Checksum(b[:end], castagnoli) == binary.LittleEndian.Uint32(b[end:])
}
