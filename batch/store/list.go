package store

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strings"
)

// List implements Store. It holds the names of one folder in memory, and of
// those above it.
func (d *Dir) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		if err := CheckPrefix(prefix); err != nil {
			yield(Object{}, err)
			return
		}
		w := walk{dir: d, ctx: ctx, prefix: prefix, yield: yield}
		w.folder(prefix[:strings.LastIndexByte(prefix, '/')+1])
	}
}

// walk is one listing under way.
type walk struct {
	dir    *Dir
	ctx    context.Context
	prefix string
	yield  func(Object, error) bool
}

// folder lists a folder, named with a slash at its end, or "" for the root. It
// returns false when the listing is over.
func (w *walk) folder(name string) bool {
	if err := w.ctx.Err(); err != nil {
		w.yield(Object{}, err)
		return false
	}
	entries, err := os.ReadDir(w.dir.path(name))
	if err = w.dir.missing(err); errors.Is(err, fs.ErrNotExist) {
		return true
	}
	if err != nil {
		w.yield(Object{}, w.dir.failed("list", name, err))
		return false
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(key(a), key(b)) })
	for _, e := range entries {
		if !w.entry(name+key(e), e) {
			return false
		}
	}
	return true
}

// key is what an entry is sorted by. With its slash, a folder comes where the
// names in it belong: a.txt, a/b, a0.
func key(e fs.DirEntry) string {
	if e.IsDir() {
		return e.Name() + "/"
	}
	return e.Name()
}

// entry lists a file or a folder. What has no name that an object can have is
// not of the store, as a file system's own files.
func (w *walk) entry(name string, e fs.DirEntry) bool {
	if !strings.HasPrefix(name, w.prefix) || CheckPrefix(name) != nil {
		return true
	}
	if e.IsDir() {
		return w.folder(name)
	}
	info, err := e.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return true // deleted meanwhile
	}
	if err != nil {
		w.yield(Object{}, w.dir.failed("list", name, err))
		return false
	}
	return w.yield(Object{Name: name, Size: info.Size()}, nil)
}
