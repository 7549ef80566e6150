package chunks

import (
	"context"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/store"
)

// reads is a store that counts the bytes that are asked for, by name.
type reads struct {
	store.Store
	mu    sync.Mutex // covers bytes
	bytes map[string]int64
}

func (r *reads) Get(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	got, err := r.Store.Get(ctx, name, offset, length)
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.bytes[name] += length
	}
	return got, err
}

func (c *cluster) counted() *reads {
	r := &reads{Store: c.store, bytes: map[string]int64{}}
	c.store = r
	return r
}

func TestAPartReadsWhatItNeedsOfTheList(t *testing.T) {
	c := newCluster(t, rowsOf("aabbccXdeefgghhXiijj"), 2)
	c.plan()
	r := c.counted()
	for i := range c.m.Chunks {
		clear(r.bytes)
		require.NoError(t, c.worker(1).RunChunk(t.Context(), i))
		assert.NotContains(t, r.bytes, c.m.forecastName())
		assert.Equal(t, c.m.Chunks[i].Bytes, r.bytes[c.m.listName()])
		own := c.m.familiesName(chunkName(i))
		for name := range r.bytes {
			assert.True(t, !strings.HasPrefix(name, c.m.Folder+"/families-") || name == own, name)
		}
	}
	clear(r.bytes)
	require.NoError(t, c.worker(1).RunRest(t.Context()))
	assert.NotContains(t, r.bytes, c.m.forecastName())
	between := int64(0) // from the chunk of the first row of X to that of its last
	for _, chunk := range c.m.Chunks[3:8] {
		between += chunk.Bytes
	}
	assert.Equal(t, between, r.bytes[c.m.listName()])

	_, err := c.merge(1)
	require.NoError(t, err)
	c.requireAsSingle(1)
}

func TestWhatPartsReadOfFamiliesGrowsAsTheListDoes(t *testing.T) {
	var letters strings.Builder
	for range 300 { // one customer in every chunk, and some within
		letters.WriteString("zaab")
	}
	c := newCluster(t, rowsOf(letters.String()), 4)
	c.plan()
	var all int64
	for name, o := range c.m.Objects {
		if strings.HasPrefix(name, c.m.Folder+"/families-") {
			all += o.Size
		}
	}
	assert.LessOrEqual(t, all, int64(4*8*letters.Len()))
}

func TestAPlanOfTheVersionBeforeGoesOn(t *testing.T) {
	c := newCluster(t, rowsOf("abAbAaA"), 2)
	c.plan()
	old := *c.m
	old.Version = uncutVersion
	old.Objects = maps.Clone(c.m.Objects)
	for _, name := range slices.Collect(maps.Keys(old.Objects)) {
		if strings.HasPrefix(name, old.Folder+"/families-") {
			delete(old.Objects, name)
			require.NoError(t, c.store.Delete(t.Context(), name))
		}
	}
	c.replan(&old)
	c.run(1)
	_, err := c.merge(1)
	require.NoError(t, err)
	c.requireAsSingle(1)

	old.Version = uncutVersion - 1
	text, err := sealText(&old)
	require.NoError(t, err)
	_, err = parseManifest(text)
	assert.ErrorContains(t, err, "use the release that planned the job")
}

// replan has the store have another plan.
func (c *cluster) replan(m *Manifest) {
	c.t.Helper()
	text, err := sealText(m)
	require.NoError(c.t, err)
	require.NoError(c.t, c.store.Delete(c.t.Context(), manifestName))
	require.NoError(c.t, c.store.Put(c.t.Context(), manifestName, text))
	c.m, err = Open(c.t.Context(), c.store)
	require.NoError(c.t, err)
}
