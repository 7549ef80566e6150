package chunks

import (
	"context"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/state"
	"bulkonboard/batch/store"
)

// distant is a store that takes its time for each object.
type distant struct{ store.Store }

const distance = 30 * time.Millisecond

func (d distant) Get(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	time.Sleep(distance)
	return d.Store.Get(ctx, name, offset, length)
}

func (d distant) Delete(ctx context.Context, name string) error {
	time.Sleep(distance)
	return d.Store.Delete(ctx, name)
}

// A part of five minutes has a thousand segments. Its share of the rate idles
// while they are put together.
func TestAPartOfManySegmentsEndsSoonThoughTheStoreIsDistant(t *testing.T) {
	const segments = 1000
	dir, err := store.Open(t.TempDir())
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		p := &part{store: distant{dir}, folder: "round-1/chunk-000000", name: "chunk-000000"}
		for i := range segments {
			entry := appendEntry(nil, state.Result, int64(i%(segments-1)+1), []byte(fmt.Sprint(i))) // one row twice
			require.NoError(t, p.putSegment(t.Context(), i, "someone", entry))
		}
		began := time.Now()
		require.NoError(t, p.finish(t.Context(), head{}))
		assert.Less(t, time.Since(began), 5*time.Second)

		o, ok, err := p.done(t.Context())
		require.NoError(t, err)
		require.True(t, ok)
		assert.Len(t, o, segments-1)
		assert.Equal(t, "0", string(o[1]), "the first outcome stands")
		left, err := p.taken(t.Context())
		require.NoError(t, err)
		assert.Zero(t, left)
	})
}
