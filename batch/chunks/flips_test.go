package chunks

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/sink"
)

func TestAFlippedBitInAJobIsRefusedOrDoesNoHarm(t *testing.T) { flipBits(t, 60) }

// flipBits runs some of a job, turns one bit of what is in the store, and runs
// the rest.
func flipBits(t *testing.T, times int) {
	const list = "AbBax!yAqB"
	alone := newService()
	results, rejects := single(t, rowsOf(list), &newCluster(t, rowsOf(list), 3).job, alone)
	once, refused := 0, 0
	for _, n := range alone.calls {
		once += n
	}
	for seed := range uint64(times) {
		r := rand.New(rand.NewPCG(seed, 18))
		c := newCluster(t, rowsOf(list), 3)
		c.plan()
		ran := r.IntN(len(c.m.Chunks) + 1)
		for i := range ran {
			require.NoError(t, c.worker(1).RunChunk(t.Context(), i))
		}
		where := flipOne(t, filepath.Join(c.folder, "store"), r)
		err := c.finish()
		if err != nil {
			refused++
			require.True(t, errors.As(err, new(*DamagedError)) || errors.As(err, new(*ChangedError)), "seed %d, %s: %v", seed, where, err)
			assert.NoFileExists(t, c.merged(1), "seed %d, %s", seed, where)
			continue
		}
		assert.Equal(t, withoutTimes(results), withoutTimes(read(t, c.merged(1))), "seed %d, %s", seed, where)
		assert.Equal(t, rejects, read(t, c.merged(1)+".rejects"), "seed %d, %s", seed, where)
		calls := 0
		for _, n := range c.service.calls {
			calls += n
		}
		assert.Equal(t, once, calls, "seed %d, %s", seed, where)
	}
	assert.Positive(t, refused)
}

// finish is what everybody does who finds the job in the store.
func (c *cluster) finish() (err error) {
	if c.m, err = Open(c.t.Context(), c.store); err != nil {
		return err
	}
	for i := range c.m.Chunks {
		if err := c.worker(1).RunChunk(c.t.Context(), i); err != nil {
			return err
		}
	}
	if err := c.worker(1).RunRest(c.t.Context()); err != nil {
		return err
	}
	_, err = c.merge(1)
	return err
}

// flipOne turns one bit of one object, and says where.
func flipOne(t *testing.T, folder string, r *rand.Rand) string {
	var names []string
	require.NoError(t, filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			names = append(names, path)
		}
		return err
	}))
	name := names[r.IntN(len(names))]
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	at, bit := r.IntN(len(b)), r.IntN(8)
	b[at] ^= 1 << bit
	require.NoError(t, os.WriteFile(name, b, 0o600))
	return fmt.Sprintf("bit %d of byte %d of %s", bit, at, name)
}

func TestWhatAJobIsGivenLaterIsCheckedToo(t *testing.T) {
	c := newCluster(t, listOf(3), 10)
	c.plan()
	c.job.Rate = 7
	c.plan()
	c.run(1)
	_, err := StartRound(t.Context(), c.store, c.m, sink.Selection{Statuses: []sink.Status{sink.Failed}})
	require.NoError(t, err)
	for _, name := range []string{boundsName(0), roundName(2), c.m.listName()} {
		path := filepath.Join(c.folder, "store", filepath.FromSlash(name))
		whole, err := os.ReadFile(path)
		require.NoError(t, err)
		for at := range whole {
			b := append([]byte(nil), whole...)
			b[at] ^= 1
			require.NoError(t, os.WriteFile(path, b, 0o600))
			err := c.finish()
			if err != nil {
				require.ErrorAs(t, err, new(*DamagedError), "byte %d of %s: %v", at, name, err)
				continue
			}
			assert.NotEqual(t, c.m.listName(), name)
			assert.InDelta(t, 7, c.m.Job.Rate, 0)
		}
		require.NoError(t, os.WriteFile(path, append(whole, '\n'), 0o600))
		if err := c.finish(); name == c.m.listName() {
			require.ErrorAs(t, err, new(*DamagedError))
		} else {
			require.NoError(t, err)
		}
		require.NoError(t, os.WriteFile(path, whole, 0o600))
		require.NoError(t, os.RemoveAll(c.merged(1)))
		require.NoError(t, os.RemoveAll(c.merged(1)+".rejects"))
	}
}
