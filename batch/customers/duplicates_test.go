package customers

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// families are {1, 4, 9}, {2, 3} and {5, 8}.
func severalFamilies() *Duplicates {
	return newDuplicates([]member{{1, 9}, {2, 3}, {3, 2}, {4, 1}, {5, 8}, {8, 5}, {9, 1}})
}

func pairsOf(d *Duplicates) map[int64]int64 {
	pairs := map[int64]int64{}
	for row, first := range d.All() {
		pairs[row] = first
	}
	return pairs
}

func TestAPartHasTheCustomersThatAreWhollyInIt(t *testing.T) {
	d := severalFamilies()
	within, beyond := d.Part(1, 4)
	assert.Equal(t, map[int64]int64{3: 2}, pairsOf(within))
	assert.Equal(t, map[int64]bool{4: true}, beyond, "its customer continues in another part")

	within, beyond = d.Part(5, 9)
	assert.Equal(t, map[int64]int64{8: 5}, pairsOf(within))
	assert.Equal(t, map[int64]bool{9: true}, beyond)

	within, beyond = (*Duplicates)(nil).Part(1, 9)
	assert.Zero(t, within.Len())
	assert.Empty(t, beyond)
}

func TestFamiliesAreChosenByTheRowThatLeads(t *testing.T) {
	var asked []int64
	left := severalFamilies().Led(func(lead int64) bool { asked = append(asked, lead); return lead != 2 })
	assert.Equal(t, map[int64]int64{4: 1, 9: 1, 8: 5}, pairsOf(left))
	assert.Equal(t, []int64{1, 2, 5}, asked)
	last, leads := left.Last(1)
	assert.True(t, leads)
	assert.EqualValues(t, 9, last)
	assert.Zero(t, severalFamilies().Led(func(int64) bool { return false }).Len())
}

func TestMembersThatDoNotFitAreNotTaken(t *testing.T) {
	for name, members := range map[string][]member{
		"not in order": {{3, 1}, {1, 3}},
		"twice":        {{1, 3}, {1, 3}, {3, 1}},
		"of itself":    {{1, 1}},
		"of no row":    {{1, 0}},
		"no row":       {{0, 3}},
	} {
		_, ok := ParseDuplicates((&Duplicates{members: members}).AppendTo(nil))
		assert.False(t, ok, name)
	}
}

func TestWhatIsKnownOfAPartIsAllThatTheWholeKnowsOfIt(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		const rows = 40
		leads, lasts := map[int]int64{}, map[int64]int64{}
		owner := make([]int, rows+1)
		for row := 1; row <= rows; row++ {
			owner[row] = random.IntN(20)
			if lead, there := leads[owner[row]]; there {
				lasts[lead] = int64(row)
			} else {
				leads[owner[row]] = int64(row)
			}
		}
		var members []member
		for row := int64(1); row <= rows; row++ {
			switch lead := leads[owner[row]]; {
			case lasts[lead] == 0:
			case lead == row:
				members = append(members, member{uint32(row), uint32(lasts[lead])})
			default:
				members = append(members, member{uint32(row), uint32(lead)})
			}
		}
		whole := newDuplicates(members)
		first := int64(1 + random.IntN(rows))
		last := first + random.Int64N(rows-first+1)
		part, ok := ParseDuplicates(whole.Of(first, last).AppendTo(nil))
		require.True(t, ok)
		within, beyond := whole.Part(first, last)
		partWithin, partBeyond := part.Part(first, last)
		require.Equal(t, within, partWithin)
		require.Equal(t, beyond, partBeyond)
		for row := first; row <= last; row++ {
			require.Equal(t, whole.Family(row), part.Family(row))
		}
		assert.LessOrEqual(t, part.Members(), 2*int(last-first+1))
	}
}
