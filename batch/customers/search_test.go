package customers

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/state"
)

// scratchFile is that of a test.
func scratchFile(t testing.TB) *os.File {
	file, err := state.MakeScratch(filepath.Join(t.TempDir(), "scratch"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	return file
}

func TestDuplicatesAreThoseOfANaiveSearch(t *testing.T) {
	for round := range 300 {
		r := rand.New(rand.NewPCG(7, uint64(round)))
		rows, distinct, skipped := r.IntN(400), 1+r.IntN(300), r.IntN(3)
		s := NewSearch(NewSpillFile(scratchFile(t)))
		groups := map[string][]int64{}
		for row := int64(1); row <= int64(rows); row++ {
			if r.IntN(3) < skipped {
				continue
			}
			customer := fmt.Sprint("c", r.IntN(distinct))
			groups[customer] = append(groups[customer], row)
			require.NoError(t, s.See(&Sighting{Row: uint32(row), Key: s.Key([]byte(customer))}))
		}
		ended, err := s.End()
		require.NoError(t, err)
		found := ended.Duplicates
		later := int64(0)
		for _, g := range groups {
			last, leads := found.Last(g[0])
			require.Equal(t, len(g) > 1, leads)
			if leads {
				require.Equal(t, g[len(g)-1], last)
			}
			_, ok := found.First(g[0])
			require.False(t, ok)
			for _, row := range g[1:] {
				first, ok := found.First(row)
				require.True(t, ok)
				require.Equal(t, g[0], first)
				_, leads := found.Last(row)
				require.False(t, leads)
				later++
			}
		}
		require.Equal(t, later, found.Len())
		require.Equal(t, later, ended.Repeated)
		for row := int64(-1); row <= int64(rows)+1; row++ {
			_, later := found.First(row)
			_, leads := found.Last(row)
			require.False(t, later && leads)
		}
	}
}

func TestWithoutASearchNoRowsAreOfOneCustomer(t *testing.T) {
	var none *Duplicates
	_, later := none.First(1)
	_, leads := none.Last(1)
	assert.False(t, later || leads)
	assert.Zero(t, none.Len())
	assert.Empty(t, maps.Collect(none.All()))
}

func TestASearchHoldsNothingOfARowThatHasItsCustomerToItself(t *testing.T) {
	assert.Equal(t, uintptr(8), unsafe.Sizeof(member{}), "of a row that shares it")
	const rows = 400_000
	file := scratchFile(t)
	s := NewSearch(NewSpillFile(file))
	var before, after runtime.MemStats
	see := func(from, to int) {
		for row := from; row < to; row++ {
			require.NoError(t, s.See(&Sighting{Row: uint32(row), Key: s.Key(binary.LittleEndian.AppendUint64(nil, uint64(row)))}))
		}
	}
	see(1, rows/2)
	runtime.GC()
	runtime.ReadMemStats(&before)
	see(rows/2, rows)
	runtime.GC()
	runtime.ReadMemStats(&after)
	assert.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(rows), "the second half")
	_, err := s.End()
	require.NoError(t, err)
	assert.Empty(t, s.members)
	written, err := file.Stat()
	require.NoError(t, err)
	assert.Greater(t, int(written.Size()), rows*sightingBytes-SpillParts*spillBytes)
}
