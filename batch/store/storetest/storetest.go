// Package storetest tests that a store.Store does what its interface promises.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/store"
)

// Run tests an implementation. Each call of open gives a store without objects.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for _, c := range []struct {
		name string
		test func(*testing.T, store.Store)
	}{
		{"what was put is read back whole and in parts", reads},
		{"a name is taken once", takenOnce},
		{"of eight writers at once one wins", race},
		{"a reader that fails leaves no object", failingReader},
		{"an ended context leaves no object", endedContext},
		{"names are listed in the order of their bytes", order},
		{"a deleted object is gone, and its name free", deletes},
		{"a missing object is said to be missing", missing},
		{"names and prefixes that lead elsewhere are refused", names},
		{"a part of a store is a store", part},
		{"the check of a store passes and leaves nothing", check},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

func reads(t *testing.T, s store.Store) {
	ctx := t.Context()
	large := bytes.Repeat([]byte("0123456789abcdef"), 70_000) // more than a megabyte
	for name, content := range map[string][]byte{"empty": {}, "small": []byte("0123456789"), "a/b/large": large} {
		require.NoError(t, s.Put(ctx, name, content))
		require.NoError(t, s.PutFrom(ctx, name+".from", bytes.NewReader(content), int64(len(content))))
		for _, name := range []string{name, name + ".from"} {
			for _, span := range [][2]int64{{0, -1}, {0, 0}, {0, 4}, {3, 4}, {3, -1}, {9, 1}, {9, 100}, {10, -1}, {10, 5}, {1 << 40, -1}, {5, math.MaxInt64}, {int64(len(content)), 0}} {
				assert.Equal(t, want(content, span[0], span[1]), read(t, s, name, span[0], span[1]), "%s from %d, %d bytes", name, span[0], span[1])
			}
		}
	}
	_, err := s.Get(ctx, "small", -1, 2)
	assert.Error(t, err, "an offset before the beginning")
}

// want is the part of content that a Get must give.
func want(content []byte, offset, length int64) string {
	rest := content[min(offset, int64(len(content))):]
	if length >= 0 {
		rest = rest[:min(length, int64(len(rest)))]
	}
	return string(rest)
}

func read(t *testing.T, s store.Store, name string, offset, length int64) string {
	t.Helper()
	r, err := s.Get(t.Context(), name, offset, length)
	require.NoError(t, err)
	content, err := io.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	return string(content)
}

func takenOnce(t *testing.T, s store.Store) {
	ctx := t.Context()
	require.NoError(t, s.Put(ctx, "a", []byte("first")))
	err := s.Put(ctx, "a", []byte("second"))
	require.ErrorIs(t, err, store.ErrExists)
	var refused *store.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "a", refused.Name)
	require.ErrorIs(t, s.Put(ctx, "a", []byte("first")), store.ErrExists, "the same content is not the same writer")
	require.ErrorIs(t, s.PutFrom(ctx, "a", strings.NewReader("third"), 5), store.ErrExists)
	assert.Equal(t, "first", read(t, s, "a", 0, -1))
}

func race(t *testing.T, s store.Store) {
	const writers, rounds = 8, 100
	for round := range rounds {
		name := fmt.Sprintf("race/%03d", round)
		contents := make([]string, writers)
		errs := make([]error, writers)
		var all sync.WaitGroup
		start := make(chan struct{})
		for w := range writers {
			contents[w] = strings.Repeat(fmt.Sprintf("writer %d, round %d\n", w, round), 100)
			all.Go(func() {
				<-start
				errs[w] = put(t.Context(), s, name, contents[w], w%2 == 0)
			})
		}
		close(start)
		all.Wait()
		winner := oneWinner(t, errs)
		require.Equal(t, contents[winner], read(t, s, name, 0, -1))
	}
}

func put(ctx context.Context, s store.Store, name, content string, whole bool) error {
	if whole {
		return s.Put(ctx, name, []byte(content))
	}
	return s.PutFrom(ctx, name, strings.NewReader(content), int64(len(content)))
}

func oneWinner(t *testing.T, errs []error) int {
	t.Helper()
	winners := []int{}
	for w, err := range errs {
		if err == nil {
			winners = append(winners, w)
			continue
		}
		require.ErrorIs(t, err, store.ErrExists)
	}
	require.Len(t, winners, 1)
	return winners[0]
}

func failingReader(t *testing.T, s store.Store) {
	ctx := t.Context()
	broken := errors.New("the source broke")
	for name, r := range map[string]io.Reader{
		"broken": io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)),
		"short":  strings.NewReader("half"),
	} {
		err := s.PutFrom(ctx, name, r, 8)
		require.Error(t, err)
		assert.NotErrorIs(t, err, store.ErrExists)
	}
	assert.ErrorIs(t, s.PutFrom(ctx, "broken", iotest.ErrReader(broken), 8), broken)
	assert.ErrorIs(t, s.PutFrom(ctx, "short", strings.NewReader("half"), 8), io.ErrUnexpectedEOF)
	assert.Empty(t, list(t, s, ""))
	require.NoError(t, s.PutFrom(ctx, "short", strings.NewReader("more than it"), 4), "only as many bytes as were announced")
	assert.Equal(t, "more", read(t, s, "short", 0, -1))
}

func endedContext(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	stops := readerFunc(func(b []byte) (int, error) {
		cancel()
		return copy(b, "half"), nil
	})
	err := s.PutFrom(ctx, "a", stops, 1<<20)
	assert.ErrorIs(t, err, context.Canceled)
	var failed *store.Error
	assert.NotErrorAs(t, err, &failed, "the store did not fail")
	assert.ErrorIs(t, s.Put(ctx, "b", []byte("b")), context.Canceled)
	_, err = s.Get(ctx, "c", 0, -1)
	assert.ErrorIs(t, err, context.Canceled)
	assert.ErrorIs(t, s.Delete(ctx, "c"), context.Canceled)
	for _, err := range s.List(ctx, "") {
		assert.ErrorIs(t, err, context.Canceled)
	}
	assert.Empty(t, list(t, s, ""))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func list(t *testing.T, s store.Store, prefix string) []store.Object {
	t.Helper()
	objects := []store.Object{}
	for o, err := range s.List(t.Context(), prefix) {
		require.NoError(t, err)
		objects = append(objects, o)
	}
	return objects
}

func listNames(t *testing.T, s store.Store, prefix string) []string {
	t.Helper()
	names := []string{}
	for _, o := range list(t, s, prefix) {
		names = append(names, o.Name)
	}
	return names
}

func order(t *testing.T, s store.Store) {
	ctx := t.Context()
	names := []string{"A", "a-b/x", "a.txt", "a/0", "a/b/c", "a/b/d", "a/b-c", "a/b.c", "a0", "b=1/x_y", "chunk-000002/seg-1", "chunk-000010/seg-1"}
	for i, name := range names {
		require.NoError(t, s.Put(ctx, name, make([]byte, i)))
	}
	slices.Sort(names)
	assert.Equal(t, names, listNames(t, s, ""))
	assert.Contains(t, list(t, s, ""), store.Object{Name: "chunk-000010/seg-1", Size: 11})
	assert.Equal(t, []string{"a/0", "a/b-c", "a/b.c", "a/b/c", "a/b/d"}, listNames(t, s, "a/"))
	assert.Equal(t, []string{"a/b-c", "a/b.c", "a/b/c", "a/b/d"}, listNames(t, s, "a/b"))
	assert.Equal(t, []string{"a/b/c", "a/b/d"}, listNames(t, s, "a/b/"))
	assert.Equal(t, []string{"A"}, listNames(t, s, "A"))
	assert.Empty(t, listNames(t, s, "nothing/here"))
	for o, err := range s.List(ctx, "") {
		require.NoError(t, err)
		assert.Equal(t, "A", o.Name)
		break
	}
}

func deletes(t *testing.T, s store.Store) {
	ctx := t.Context()
	require.NoError(t, s.Put(ctx, "a/b", []byte("old")))
	require.NoError(t, s.Put(ctx, "a/c", []byte("other")))
	require.NoError(t, s.Delete(ctx, "a/b"))
	require.NoError(t, s.Delete(ctx, "a/b"), "it may be gone")
	require.NoError(t, s.Delete(ctx, "never/was"))
	_, err := s.Get(ctx, "a/b", 0, -1)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, s.Put(ctx, "a/b", []byte("new")))
	assert.Equal(t, "new", read(t, s, "a/b", 0, -1))
	assert.Equal(t, "other", read(t, s, "a/c", 0, -1))
}

func missing(t *testing.T, s store.Store) {
	require.NoError(t, s.Put(t.Context(), "a/b", []byte("x")))
	for _, name := range []string{"a", "b", "a/c", "a/b/c", "x/y/z"} {
		for _, length := range []int64{-1, 0, 1} {
			_, err := s.Get(t.Context(), name, 0, length)
			require.ErrorIs(t, err, fs.ErrNotExist, name)
		}
		require.NoError(t, s.Delete(t.Context(), name))
	}
	assert.Equal(t, []string{"a/b"}, listNames(t, s, ""))
	_, err := store.ReadAll(t.Context(), s, "a/c", 10)
	assert.ErrorIs(t, err, fs.ErrNotExist)
}

func names(t *testing.T, s store.Store) {
	ctx := t.Context()
	for _, name := range []string{"", "/", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/../b", ".tmp/x", "a/.b", "a b", "a\\b", "a\x00b", "ü", "a:b", "a%2fb", "a*", strings.Repeat("a", 256), strings.Repeat("a/", 500) + "a"} {
		assert.Error(t, s.Put(ctx, name, []byte("x")), "%q", name)
		assert.Error(t, s.PutFrom(ctx, name, strings.NewReader("x"), 1), "%q", name)
		_, err := s.Get(ctx, name, 0, -1)
		assert.Error(t, err, "%q", name)
		assert.NotErrorIs(t, err, fs.ErrNotExist, "%q", name)
		assert.Error(t, s.Delete(ctx, name), "%q", name)
	}
	for _, prefix := range []string{"/", "/a", "a//", "..", "../", "a/../", ".", "a/.", "a b"} {
		var last error
		for _, err := range s.List(ctx, prefix) {
			last = err
		}
		assert.Error(t, last, "%q", prefix)
	}
	assert.Empty(t, list(t, s, ""))
}

func part(t *testing.T, s store.Store) {
	ctx := t.Context()
	sub := store.Sub(s, "jobs/one")
	require.NoError(t, sub.Put(ctx, "a/b", []byte("one")))
	require.NoError(t, store.Sub(s, "jobs/one-more").Put(ctx, "a", []byte("two")))
	require.ErrorIs(t, sub.PutFrom(ctx, "a/b", strings.NewReader("x"), 1), store.ErrExists)
	assert.Equal(t, "one", read(t, s, "jobs/one/a/b", 0, -1))
	assert.Equal(t, "ne", read(t, sub, "a/b", 1, -1))
	assert.Equal(t, []string{"a/b"}, listNames(t, sub, ""))
	assert.Equal(t, []string{"a/b"}, listNames(t, sub, "a/"))
	assert.Error(t, sub.Put(ctx, "../two", []byte("x")))
	assert.Error(t, sub.Put(ctx, "", []byte("x")))
	require.NoError(t, sub.Delete(ctx, "a/b"))
	assert.Equal(t, []string{"jobs/one-more/a"}, listNames(t, s, ""))
}

func check(t *testing.T, s store.Store) {
	require.NoError(t, store.Check(t.Context(), s))
	require.NoError(t, store.Check(t.Context(), store.Sub(s, "job")))
	assert.Empty(t, list(t, s, ""))
	require.NoError(t, s.Put(t.Context(), "long", []byte("0123456789")))
	_, err := store.ReadAll(t.Context(), s, "long", 9)
	assert.ErrorContains(t, err, "longer than the 9 bytes")
}
