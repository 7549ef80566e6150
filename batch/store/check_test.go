package store

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// careless is a store that lets a second writer replace an object.
type careless struct {
	*Dir
	partsOnly bool // of PutFrom, as a server may that knows the condition only for whole objects
}

func (c *careless) Put(ctx context.Context, name string, content []byte) error {
	if c.partsOnly {
		return c.Dir.Put(ctx, name, content)
	}
	return errors.Join(c.Delete(ctx, name), c.Dir.Put(ctx, name, content))
}

func (c *careless) PutFrom(ctx context.Context, name string, r io.Reader, size int64) error {
	return errors.Join(c.Delete(ctx, name), c.Dir.PutFrom(ctx, name, r, size))
}

// The check is worth something only if it can fail.
func TestTheCheckFindsAStoreThatTakesANameTwice(t *testing.T) {
	d, err := Open(t.TempDir())
	require.NoError(t, err)
	assert.ErrorContains(t, Check(t.Context(), &careless{Dir: d}), "second writer")
	assert.ErrorContains(t, Check(t.Context(), &careless{Dir: d, partsOnly: true}), "for parts too")
	assert.NoError(t, Check(t.Context(), d))
}
