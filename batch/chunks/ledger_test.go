package chunks

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch"
	"bulkonboard/batch/disk"
	"bulkonboard/batch/known"
	"bulkonboard/batch/ledger"
	"bulkonboard/batch/state"
	"bulkonboard/sink"
)

// night takes a list through a cluster whose plan asks a ledger, and whose
// merging tells it.
func night(t *testing.T, list, path string) (*cluster, *batch.Summary) {
	t.Helper()
	l, err := ledger.Open(disk.OS{}, path, path+".key", ledger.Owner{})
	require.NoError(t, err)
	defer l.Close()
	known := func() *known.Known { return &known.Known{Ledger: l, Tenant: "tenant", FormID: "form", TTL: -1} }
	c := newCluster(t, list, 2)
	p := c.planner()
	p.Known = known()
	c.m, err = p.Plan(t.Context())
	require.NoError(t, err)
	c.run(1)

	dir, err := state.Open(disk.OS{}, c.merged(1)+".state", state.Options{})
	require.NoError(t, err)
	defer dir.Close()
	g := &Merger{
		Store: c.store, Manifest: c.m, Round: 1, State: dir, Results: c.merged(1), Scratch: scratchFile(t),
		Known: known(), Log: quiet,
	}
	summary, err := g.Merge(t.Context())
	require.NoError(t, err)
	return c, summary
}

func TestALaterRoundCallsForWhomTheLedgerKnewAsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "customers.db")
	_, _ = night(t, rowsOf("aB"), path)
	c, second := night(t, rowsOf("aB"), path)
	require.Empty(t, c.service.calls)
	require.Equal(t, map[sink.Status]int64{sink.Known: 1, sink.Rejected: 1}, second.Status)
	_, err := StartRound(t.Context(), c.store, c.m, sink.Selection{Statuses: []sink.Status{sink.Rejected}})
	require.NoError(t, err)
	c.run(2)
	assert.Equal(t, map[string]int{"b@example.com": 1}, c.service.calls)
	_, err = c.merge(2)
	require.NoError(t, err)
}

func TestWhomTheLedgerKnowsIsNotCalledForByAnyWorker(t *testing.T) {
	path := filepath.Join(t.TempDir(), "customers.db")
	_, first := night(t, rowsOf("abcBda"), path)
	assert.Equal(t, map[sink.Status]int64{sink.OK: 4, sink.Duplicate: 2}, first.Status)

	c, second := night(t, rowsOf("xabcdya"), path)
	assert.Equal(t, map[string]int{"x@example.com": 1, "y@example.com": 1}, c.service.calls)
	assert.Equal(t, map[sink.Status]int64{sink.OK: 2, sink.Known: 4, sink.Duplicate: 1}, second.Status)
	for line := range strings.Lines(read(t, c.merged(1))) {
		if email := strings.Split(line, ",")[1]; strings.Contains(email, "@") {
			assert.Contains(t, line, "session-of-"+email)
		}
	}

	c, third := night(t, rowsOf("xabcdya"), path)
	assert.Empty(t, c.service.calls)
	assert.Equal(t, map[sink.Status]int64{sink.Known: 6, sink.Duplicate: 1}, third.Status)
}
