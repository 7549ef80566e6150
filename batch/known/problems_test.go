package known

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/disk"
	"bulkonboard/batch/ledger"
	"bulkonboard/sink"
	"bulkonboard/source"
)

func knownBy(t *testing.T) *Known {
	path := filepath.Join(t.TempDir(), "customers.db")
	l, err := ledger.Open(disk.OS{}, path, path+".key", ledger.Owner{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return &Known{Ledger: l, Tenant: "tenant", FormID: "form", TTL: -1, Concludes: true}
}

func record(row int64, bytes string) *source.Record {
	return &source.Record{Row: row, Raw: []byte(bytes + "\r\n"), Customer: source.Customer{Email: bytes + "@x.io"}}
}

// night takes rows that need attention, and gives those that are news. The run is
// concluded unless it is interrupted.
func night(t *testing.T, k *Known, run string, kept []byte, complete bool, rows ...string) (news []string, keep []byte) {
	t.Helper()
	p, err := NewRecords(k, run, time.Now()).NewProblems(kept)
	require.NoError(t, err)
	for i, bytes := range rows {
		var since time.Time
		if since, keep = p.Take(record(int64(i+1), bytes), &sink.Result{Status: sink.Invalid, ErrorCode: "code"}, false, keep); since.IsZero() {
			news = append(news, bytes)
		}
	}
	if complete {
		_, err = p.Conclude(0, 10)
		require.NoError(t, err)
	}
	return news, keep
}

func TestAProblemIsNewsUntilACompleteNightHasReportedIt(t *testing.T) {
	k := knownBy(t)
	news, _ := night(t, k, "run-1", nil, false, "a", "b")
	assert.Equal(t, []string{"a", "b"}, news)
	news, _ = night(t, k, "run-2", nil, true, "a", "b")
	assert.Equal(t, []string{"a", "b"}, news, "run 1 was not complete")
	news, _ = night(t, k, "run-3", nil, true, "b", "c")
	assert.Equal(t, []string{"c"}, news)
	news, _ = night(t, k, "run-4", nil, true, "a", "b")
	assert.Equal(t, []string{"a"}, news, "it was gone for a night")
	last, complete := k.LastNight()
	assert.True(t, complete)
	assert.EqualValues(t, 10, last.Rows)
}

func TestARunThatIsResumedReportsWhatItHasFoundBefore(t *testing.T) {
	k := knownBy(t)
	_, kept := night(t, k, "run-1", nil, false, "a", "b")
	news, _ := night(t, k, "run-1", kept, true, "c")
	assert.Equal(t, []string{"c"}, news)
	news, _ = night(t, k, "run-1", kept, true, "c")
	assert.Equal(t, []string{"c"}, news, "of its own run nothing is old, though it was killed right before it was complete")
	news, _ = night(t, k, "run-2", nil, true, "a", "b", "c")
	assert.Empty(t, news)
}

func TestWhatWasCalledIsNewsEachTime(t *testing.T) {
	k := knownBy(t)
	night(t, k, "run-1", nil, true, "a")
	p, err := NewRecords(k, "run-2", time.Now()).NewProblems(nil)
	require.NoError(t, err)
	since, _ := p.Take(record(1, "a"), &sink.Result{Status: sink.Failed, ErrorCode: "code", Attempts: 8}, true, nil)
	assert.Zero(t, since)
	since, _ = p.Take(record(1, "a"), &sink.Result{Status: sink.Rejected, ErrorCode: "other"}, false, nil)
	assert.Zero(t, since, "another code is another problem")
}

func TestRefusalsThatARunDidNotBelieveHaveNoEffectWhenItIsAbandoned(t *testing.T) {
	refusal := &sink.Result{Status: sink.Rejected, ErrorCode: "no", Attempts: 1, ProcessedAt: time.UnixMilli(5)}
	success := &sink.Result{Status: sink.OK, SessionID: "s", Attempts: 1, ProcessedAt: time.UnixMilli(5)}
	for name, c := range map[string]struct {
		results  []*sink.Result
		believed bool
		want     int
	}{
		"refusals alone":              {[]*sink.Result{refusal, refusal}, false, 0},
		"refusals after written rows": {[]*sink.Result{refusal, refusal}, true, 2},
		"refusals and another answer": {[]*sink.Result{refusal, success, refusal}, false, 3},
		"what did not come of a call": {[]*sink.Result{{Status: sink.Duplicate}, {Status: sink.Invalid}}, true, 0},
		"nothing":                     {nil, true, 0},
	} {
		k := knownBy(t)
		a := k.Abandon("run-1", time.Now(), c.believed)
		h := k.Ledger.Hasher(k.Owner)
		for i, res := range c.results {
			a.Take(res, k.Identify(h, record(int64(i+1), string(rune('a'+i)))))
		}
		answers, err := a.Put()
		require.NoError(t, err, name)
		assert.Equal(t, c.want, answers, name)
		assert.EqualValues(t, c.want, k.Ledger.Len(), name)
	}
}

func FuzzProblemsAreReadOrRefused(f *testing.F) {
	f.Add(appendProblem(nil, &ledger.Problem{Row: 3, Code: "code"}))
	f.Add(make([]byte, 40))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := readProblems(b)
		if err != nil {
			return
		}
		var again []byte
		for i := range all {
			again = appendProblem(again, &all[i])
		}
		same, err := readProblems(again)
		require.NoError(t, err)
		assert.Equal(t, all, same)
	})
}

func FuzzAnIdentityIsReadOrRefused(f *testing.F) {
	f.Add((&Identity{form: "form"}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		i, ok := ParseIdentity(b)
		if !ok {
			return
		}
		same, ok := ParseIdentity(i.Append(nil))
		require.True(t, ok)
		assert.Equal(t, i, same)
	})
}
