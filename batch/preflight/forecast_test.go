package preflight

import (
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/customers"
	"bulkonboard/batch/measure"
	"bulkonboard/sink"
)

func keptForecast(t testing.TB, f *Forecast) []byte {
	b, err := f.Encode()
	require.NoError(t, err)
	return b
}

// duplicatesOf makes members of pairs.
func duplicatesOf(pairs ...[2]uint32) *customers.Duplicates {
	var b []byte
	for _, pair := range pairs {
		b = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(b, pair[0]), pair[1])
	}
	d, _ := customers.ParseDuplicates(b)
	return d
}

func sampleForecast() *Forecast {
	return &Forecast{
		Rows: 9, Bytes: 400, Invalid: 1, Repeated: 3, Calls: 5, Mailed: 2,
		Errors:     measure.ErrorGroups{"x": {Code: "x", Status: sink.Invalid, Count: 1, Rows: []int64{8}, Line: 9, Message: "no"}},
		Duplicates: duplicatesOf([2]uint32{1, 7}, [2]uint32{2, 4}, [2]uint32{3, 1}, [2]uint32{4, 2}, [2]uint32{7, 1}),
	}
}

func TestAForecastReadsBackWholeOrNotAtAll(t *testing.T) {
	want := sampleForecast()
	b := keptForecast(t, want)
	got, ok := ParseForecast(b)
	require.True(t, ok)
	assert.Equal(t, want, got)

	for i := range b {
		bad := append([]byte(nil), b...)
		bad[i] ^= 1
		_, ok := ParseForecast(bad)
		assert.False(t, ok, "byte %d changed", i)
		_, ok = ParseForecast(b[:i])
		assert.False(t, ok, "cut at byte %d", i)
	}
	_, ok = ParseForecast(append(b, 0))
	assert.False(t, ok, "longer")

	none, ok := ParseForecast(keptForecast(t, &Forecast{Errors: measure.ErrorGroups{}}))
	require.True(t, ok)
	assert.Zero(t, none.Duplicates.Len())
}

func FuzzKeptForecasts(f *testing.F) {
	f.Add(keptForecast(f, sampleForecast()))
	f.Add(keptForecast(f, &Forecast{}))
	f.Add([]byte("BKPF"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= forecastStart+forecastTail { // let the checksum keep nothing out
			b = append([]byte(nil), b...)
			end := len(b) - forecastTail
			binary.LittleEndian.PutUint32(b[end:], crc32.Checksum(b[:end], castagnoli))
		}
		got, ok := ParseForecast(b)
		if !ok {
			return
		}
		for row, first := range got.Duplicates.All() {
			require.Positive(t, first)
			require.Less(t, first, row)
		}
		again, ok := ParseForecast(keptForecast(t, got))
		require.True(t, ok)
		assert.Equal(t, got, again)
	})
}

func TestTheLimitOfInvalidRowsIsExact(t *testing.T) {
	for _, c := range []struct {
		limit                      string
		rows, kept, invalid, known int64
		stops                      bool
	}{
		{"20%", 10, 0, 2, 0, false},
		{"20%", 10, 0, 3, 0, true},
		{"20%", 1, 0, 1, 0, true},
		{"20%", 0, 0, 0, 0, false},
		{"100%", 3, 0, 3, 0, false},
		{"0.1%", 1000, 0, 1, 0, false},
		{"0.1%", 1000, 0, 2, 0, true},
		{"0", 10, 0, 0, 0, false},
		{"0", 10, 0, 1, 0, true},
		{"5", 10, 0, 5, 0, false},
		{"5", 10, 0, 6, 0, true},
		{"20%", 300, 281, 16, 16, false}, // a retry that changes nothing
		{"20%", 300, 290, 3, 0, true},    // and one that makes new mistakes
	} {
		limit, err := measure.ParseLimit(c.limit, 0)
		require.NoError(t, err)
		assert.Equal(t, c.limit, limit.String())
		err = CheckInvalid(limit, &Forecast{Rows: c.rows, Kept: c.kept, Invalid: c.invalid, KnownInvalid: c.known})
		var stopped *InvalidError
		assert.Equal(t, c.stops, err != nil, c)
		if c.stops {
			assert.ErrorAs(t, err, &stopped)
		}
	}
	for _, s := range []string{"", "-1", "0%", "101%", "NaN%", "some"} {
		_, err := measure.ParseLimit(s, 0)
		assert.Error(t, err, s)
	}
}

func TestARefusedListNamesItsReasonsAndWhatToType(t *testing.T) {
	f := preflightOf(t, []string{"a@x.io", "nobody", "b@x.io maybe", "neither"}, nil)
	message := CheckInvalid(measure.Limit{Percent: 20}, f).Error()
	assert.Contains(t, message, "3 of 4 rows (75%) are invalid, more than --max-invalid 20% allows; nothing was sent")
	assert.Contains(t, message, "2        invalid_customer_email: first in row 2 (line 3): customerEmail is not")
	assert.Contains(t, message, "--map FIELD=")
	assert.Contains(t, message, "--max-invalid 75%")
	assert.NotContains(t, message, "nobody")
	assert.NotContains(t, message, "--encoding")

	f = preflightOf(t, []string{"a@x.io", "b\xfc@x.io", "c\xfc@x.io", "neither"}, nil)
	assert.Contains(t, CheckInvalid(measure.Limit{Percent: 20}, f).Error(), "\nif the list is in another encoding, name it, such as --encoding windows-1252;")
}
