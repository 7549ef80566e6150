// Package store keeps what several machines share of one job: named objects,
// each written once and whole. That a name can be taken only once is what the
// machines agree by: who writes an object first owns what it stands for.
//
// Dir is a store in a shared folder; the package s3 has one in a bucket.
package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
)

// ErrExists is satisfied by the error of a put whose name is taken.
var ErrExists = errors.New("the object is there already")

// Store is a flat space of named objects, each written once and whole. It is
// safe for concurrent use, by any number of processes and machines. Names are
// as CheckName wants them. No name may be the folder of another: a and a/b do
// not go together.
//
// An error that says neither ErrExists nor fs.ErrNotExist means that the store
// could not be asked. After such an error of a put the object is there, whole,
// or it is not, and only looking says which.
type Store interface {
	// Put stores an object under a name that has none yet. When it has one,
	// Put changes nothing and the error satisfies errors.Is(err, ErrExists).
	// Of several at once exactly one succeeds. Once Put has returned nil, the
	// object survives the loss of power.
	Put(ctx context.Context, name string, content []byte) error
	// PutFrom does the same with size bytes of r, holding few of them in
	// memory. When r fails, gives less, or ctx ends, there is no object.
	PutFrom(ctx context.Context, name string, r io.Reader, size int64) error
	// Get opens an object for reading length bytes from an offset, or as many
	// as it has; a negative length reads to the end. The error of a missing
	// object satisfies errors.Is(err, fs.ErrNotExist). The caller closes it;
	// ctx holds until then.
	Get(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error)
	// List yields the objects whose names begin with a prefix, in ascending
	// order of the bytes of their names. An error is the last thing it yields.
	// What is put or deleted meanwhile may be in it or not.
	List(ctx context.Context, prefix string) iter.Seq2[Object, error]
	// Delete removes an object. One that is missing is not an error.
	Delete(ctx context.Context, name string) error
}

// Error says that a store could not do what it was asked, or what is in its way.
// Every error of a store is one, but for a bad name and for an ended context.
type Error struct {
	Op    string // write, read, list, delete
	Name  string // of the object
	Store string // its address
	Err   error
}

func (e *Error) Error() string { return fmt.Sprintf("%s %s in %s: %v", e.Op, e.Name, e.Store, e.Err) }

// Unwrap returns what went wrong.
func (e *Error) Unwrap() error { return e.Err }

// Object is what a store knows of an object without reading it.
type Object struct {
	Name string
	Size int64 // in bytes
}

// ReadAll reads a whole object of at most limit bytes.
func ReadAll(ctx context.Context, s Store, name string, limit int64) ([]byte, error) {
	r, err := s.Get(ctx, name, 0, limit+1)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, err
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("%s is longer than the %d bytes that it may have: it is not what it should be", name, limit)
	}
	return content, nil
}
