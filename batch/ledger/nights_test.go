package ledger

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	bolt "go.etcd.io/bbolt"
)

var (
	ofTest = Form{Tenant: "tenant", ID: "form"}
	other  = Form{Tenant: "tenant", ID: "other"}
)

// concluded saves a complete run with problems of these rows.
func concluded(t *testing.T, l *Ledger, run string, f Form, rows ...int64) {
	t.Helper()
	require.NoError(t, l.Conclude(conclusion(l, run, f, rows...)))
}

func conclusion(l *Ledger, run string, f Form, rows ...int64) *Conclusion {
	c := &Conclusion{RunID: run, Began: night, Form: f, Rows: 100, At: night.Add(time.Hour)}
	for _, row := range rows {
		id := l.Hasher(Owner{}).Problem(f.Tenant, f.ID, fmt.Append(nil, row), "code")
		c.Problems = append(c.Problems, Problem{ID: id, Customer: Key{byte(row)}, Row: row, Code: "code"})
	}
	return c
}

// since gives, by row, the run that each problem of a form has been open since.
func since(l *Ledger, f Form) map[int64]uint64 {
	all := map[int64]uint64{}
	for _, p := range l.Problems(f) {
		all[p.Row] = p.Since
	}
	return all
}

func TestAProblemIsOpenSinceTheFirstCompleteRunThatReportedIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "customers.db")
	l := opened(t, path)
	_, known := l.Night(ofTest)
	assert.False(t, known)
	concluded(t, l, "run-1", ofTest, 1, 2)
	concluded(t, l, "run-2", ofTest, 2, 3)
	assert.Equal(t, map[int64]uint64{2: 1, 3: 2}, since(l, ofTest))
	concluded(t, l, "run-3", ofTest, 1, 2)
	assert.Equal(t, map[int64]uint64{1: 3, 2: 1}, since(l, ofTest), "a problem that was gone and comes back is new")
	concluded(t, l, "run-4", other, 1)
	want := Night{Run: 3, Rows: 100, At: night.Add(time.Hour)}

	for range 2 {
		n, known := l.Night(ofTest)
		assert.True(t, known)
		assert.Equal(t, want, n)
		assert.Equal(t, map[int64]uint64{1: 3, 2: 1}, since(l, ofTest))
		assert.Equal(t, map[int64]uint64{1: 4}, since(l, other), "each form has its own")
		require.NoError(t, l.Close())
		l = opened(t, path)
		require.NoError(t, l.Walk(func(Key, []byte) error { return nil }))
	}
}

func TestConcludingTwiceComesToTheSame(t *testing.T) {
	l := fresh(t)
	concluded(t, l, "run-1", ofTest, 1)
	concluded(t, l, "run-2", ofTest, 1, 2)
	before := l.Problems(ofTest)
	concluded(t, l, "run-2", ofTest, 1, 2)
	assert.Equal(t, before, l.Problems(ofTest))
	assert.Len(t, l.Runs(), 2)
}

func TestWhatARunWasAboutToReportIsNewsWhenItIsAbandoned(t *testing.T) {
	path := filepath.Join(t.TempDir(), "customers.db")
	l := opened(t, path)
	concluded(t, l, "run-1", ofTest, 1)
	concluded(t, l, "run-2", ofTest, 1, 2)
	for range 2 {
		require.NoError(t, l.Put(&News{RunID: "run-2", Began: night, Abandoned: true, Changes: []Change{{keyOf(l, 1), okEntry("s-1")}}}))
		assert.Equal(t, map[int64]uint64{1: 1}, since(l, ofTest))
		require.NoError(t, l.Close())
		l = opened(t, path)
	}
}

func TestWhoIsForgottenHasNoProblemsAnyMore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "customers.db")
	l := opened(t, path)
	put(t, l, Change{Key{1}, okEntry("s-1")}, Change{Key{9}, okEntry("s-9")})
	concluded(t, l, "run-1", ofTest, 1, 2)
	erased, err := l.Forget(func(key Key) bool { return key == Key{1} })
	require.NoError(t, err)
	assert.EqualValues(t, 1, erased)
	assert.Equal(t, map[int64]uint64{2: 1}, since(l, ofTest))
	_, err = l.Erase(func(_ Key, e *Entry) { *e = Entry{} })
	require.NoError(t, err)
	assert.Equal(t, map[int64]uint64{2: 1}, since(opened(t, path), ofTest), "what expires is customers")
	n, _ := l.Night(ofTest)
	assert.EqualValues(t, 100, n.Rows)
}

func TestALedgerOfVersion2BecomesThisOneOnceItHasProblems(t *testing.T) {
	path := filepath.Join(t.TempDir(), "customers.db")
	l := opened(t, path)
	put(t, l, Change{keyOf(l, 1), okEntry("s-1")})
	require.NoError(t, l.db.update(func(tx *bolt.Tx) error { // as version 2 was
		s := sealed{tx: tx, h: newHasher(l.secret), seal: l.seal}
		require.NoError(t, tx.DeleteBucket(problemsBucket))
		require.NoError(t, s.put(metaBucket, versionKey, []byte{version}, []byte{versionWithoutProblems}))
		s.Changes--
		return s.end()
	}))
	require.NoError(t, l.Close())

	l = opened(t, path)
	put(t, l, Change{keyOf(l, 2), okEntry("s-2")})
	require.NoError(t, l.Put(&News{RunID: "run-9", Began: night, Abandoned: true}))
	assert.Empty(t, l.Problems(ofTest))
	concluded(t, l, "run-1", ofTest, 7)
	require.NoError(t, l.Close())
	l = opened(t, path)
	assert.Len(t, l.Problems(ofTest), 1)
	assert.EqualValues(t, 2, l.Len())
	require.NoError(t, l.Walk(func(Key, []byte) error { return nil }))
}

func TestAProblemIsKnownByItsRowItsCodeAndItsForm(t *testing.T) {
	h := fresh(t).Hasher(Owner{Service: "https://a", Application: "app"})
	id := h.Problem("tenant", "form", []byte("row"), "code")
	assert.Equal(t, id, h.Problem("tenant", "form", []byte("row"), "code"))
	for what, different := range map[string]ProblemID{
		"form":   h.Problem("tenant", "form2", []byte("row"), "code"),
		"tenant": h.Problem("tenant2", "form", []byte("row"), "code"),
		"row":    h.Problem("tenant", "form", []byte("row2"), "code"),
		"code":   h.Problem("tenant", "form", []byte("row"), "code2"),
		"owner":  h.of(Owner{Service: "https://b"}).Problem("tenant", "form", []byte("row"), "code"),
		"ledger": fresh(t).Hasher(Owner{Service: "https://a", Application: "app"}).Problem("tenant", "form", []byte("row"), "code"),
	} {
		assert.NotEqual(t, id, different, what)
	}
}

func FuzzAProblemOfALedgerIsReadOrRefused(f *testing.F) {
	whole := Problem{Customer: Key{1}, Since: 3, Row: 4, Code: "code"}
	f.Add(make([]byte, 24), whole.value())
	f.Fuzz(func(t *testing.T, key, value []byte) {
		l := &Ledger{problems: map[formKey][]Problem{}}
		if l.takeProblem(key, value) != nil {
			return
		}
		for form, problems := range l.problems {
			assert.Equal(t, key, problems[0].key(form))
			assert.LessOrEqual(t, len(problems[0].value()), len(value))
		}
		_, _ = parseNight(value)
	})
}
