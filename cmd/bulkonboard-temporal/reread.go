package main

import (
	"os"
	"sync"
	"time"
)

// reread is what a file says, read again when the file changes: keys and
// certificates are renewed while a worker continues. It is safe for concurrent
// use.
type reread[T any] struct {
	read func() (T, error)
	file string

	mu      sync.Mutex // covers what follows
	loaded  T
	known   bool // loaded is what the file said when it had these
	changed time.Time
	size    int64
}

// get gives what the file says. While it is being replaced it is of no use, and
// what it said before is.
func (r *reread[T]) get() (T, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	info, err := os.Stat(r.file)
	if err == nil && r.known && info.ModTime().Equal(r.changed) && info.Size() == r.size {
		return r.loaded, nil
	}
	now, unread := r.read()
	switch {
	case err == nil && unread == nil:
		r.loaded, r.known, r.changed, r.size = now, true, info.ModTime(), info.Size()
	case !r.known:
		return now, unread
	}
	return r.loaded, nil
}
