package batch

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSightingsAreInTheOrderOfTheirHashesAndRows(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for name, hash := range map[string]func(row uint32) uint64{
		"hashes as they come":          func(uint32) uint64 { return r.Uint64() },
		"one hash":                     func(uint32) uint64 { return 1 << 63 },
		"hashes that differ late":      func(uint32) uint64 { return r.Uint64() % 2000 },
		"the rows, from back to front": func(row uint32) uint64 { return uint64(^row) << 32 },
	} {
		t.Run(name, func(t *testing.T) {
			for _, n := range []int{0, 1, fewSightings, fewSightings + 1, 3*chunkSightings + 17} {
				var s sightings
				var want []sighting
				for _, row := range r.Perm(n) {
					h := hash(uint32(row))
					v := sighting{hashHigh: uint32(h >> 32), hashLow: uint32(h), row: uint32(row)}
					s.add(v)
					want = append(want, v)
				}
				slices.SortFunc(want, func(a, b sighting) int {
					return cmp.Or(cmp.Compare(a.hashHigh, b.hashHigh), cmp.Compare(a.hashLow, b.hashLow), cmp.Compare(a.row, b.row))
				})
				s.sort()
				for i := range want {
					if *s.at(i) != want[i] {
						assert.Equal(t, want[i], *s.at(i), "%d of %d", i, n)
						break
					}
				}
			}
		})
	}
}
