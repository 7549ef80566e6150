package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
)

// Check tries with a small object whether a store does what a job needs of it,
// and removes the object. Ask it before a job begins: it finds what is not
// permitted while nothing depends on it yet, and a store that takes a name
// twice, as some that call themselves compatible do, would let two machines
// own the same rows.
func Check(ctx context.Context, s Store) (err error) {
	name := "check-" + rand.Text()
	first, second := []byte("first"), []byte("second")
	if err := s.Put(ctx, name, first); err != nil {
		return fmt.Errorf("the store cannot be written: %w", err)
	}
	defer func() {
		if gone := s.Delete(context.WithoutCancel(ctx), name); gone != nil {
			err = errors.Join(err, fmt.Errorf("the store does not let objects be deleted: %w", gone))
		}
	}()
	if err := refused(s.Put(ctx, name, second)); err != nil {
		return err
	}
	if err := refused(s.PutFrom(ctx, name, bytes.NewReader(second), int64(len(second)))); err != nil {
		return err
	}
	content, err := ReadAll(ctx, s, name, int64(len(second)))
	if err != nil {
		return fmt.Errorf("the store cannot be read: %w", err)
	}
	if !bytes.Equal(content, first) {
		return errors.New("the store gave back something else than was put into it: do not use it")
	}
	return listed(ctx, s, name)
}

// refused turns round what a second put under one name returned.
func refused(err error) error {
	if err == nil {
		return errors.New("the store let a second writer replace an object, so it cannot tell two machines apart: use a server that knows If-None-Match, for parts too")
	}
	if errors.Is(err, ErrExists) {
		return nil
	}
	return fmt.Errorf("the store cannot be written: %w", err)
}

func listed(ctx context.Context, s Store, name string) error {
	for o, err := range s.List(ctx, name) {
		if err != nil {
			return fmt.Errorf("the store cannot be listed: %w", err)
		}
		if o.Name == name {
			return nil
		}
	}
	return errors.New("the store does not list an object that was just put: do not use it")
}
