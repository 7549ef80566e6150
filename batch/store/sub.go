package store

import (
	"context"
	"io"
	"iter"
	"strings"
)

// Sub is the part of a store below a prefix, a store of its own: the object b
// of Sub(s, "a") is a/b of s. Errors name objects as s does.
func Sub(s Store, prefix string) Store {
	return &sub{store: s, prefix: prefix + "/"}
}

type sub struct {
	store  Store
	prefix string
}

// Put implements Store.
func (s *sub) Put(ctx context.Context, name string, content []byte) error {
	return s.store.Put(ctx, s.prefix+name, content)
}

// PutFrom implements Store.
func (s *sub) PutFrom(ctx context.Context, name string, r io.Reader, size int64) error {
	return s.store.PutFrom(ctx, s.prefix+name, r, size)
}

// Get implements Store.
func (s *sub) Get(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	return s.store.Get(ctx, s.prefix+name, offset, length)
}

// List implements Store.
func (s *sub) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		for o, err := range s.store.List(ctx, s.prefix+prefix) {
			o.Name = strings.TrimPrefix(o.Name, s.prefix)
			if !yield(o, err) {
				return
			}
		}
	}
}

// Delete implements Store.
func (s *sub) Delete(ctx context.Context, name string) error {
	return s.store.Delete(ctx, s.prefix+name)
}
