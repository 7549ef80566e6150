package chunks

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAWorkerReadsAManifestOnceForAllChunks(t *testing.T) {
	c := newCluster(t, rowsOf("aabbccddeeff"), 2)
	var plans Plans
	_, err := plans.Open(t.Context(), c.store)
	require.ErrorAs(t, err, new(*NoJobError))
	c.plan()
	r := c.counted()
	first, err := plans.Open(t.Context(), c.store)
	require.NoError(t, err)
	assert.Equal(t, c.m.Chunks, first.Chunks)
	clear(r.bytes)
	_, err = plans.Open(t.Context(), c.store)
	require.NoError(t, err)
	assert.EqualValues(t, identifying, r.bytes[manifestName])

	c.job.Rate = 7
	require.NoError(t, c.job.put(t.Context(), c.store))
	again, err := plans.Open(t.Context(), c.store)
	require.NoError(t, err)
	assert.InDelta(t, 7, again.Job.Rate, 0, "bounds may change")
	assert.Zero(t, first.Job.Rate)

	c.job.Rate = 0
	other := newCluster(t, rowsOf("aabb"), 2)
	other.plan()
	m, err := plans.Open(t.Context(), other.store)
	require.NoError(t, err)
	assert.Equal(t, other.m.Run, m.Run)
	require.NoError(t, other.store.Delete(t.Context(), manifestName))
	other.plan()
	m, err = plans.Open(t.Context(), other.store)
	require.NoError(t, err)
	assert.Equal(t, other.m.Run, m.Run, "planned again under the same name")
}
