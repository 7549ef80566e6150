package main

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/session"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/source"
)

// submitWithLedger puts a job into the store that uses the ledger.
func (s *site) submitWithLedger(job, list string) {
	r := s.request()
	r.Input = input{Object: "lists/" + job}
	r.Ledger = &ledgerUse{TTL: -1}
	require.NoError(s.t, s.root.Put(s.t.Context(), r.Input.Object, []byte(list)))
	_, err := r.put(s.t.Context(), s.root, job)
	require.NoError(s.t, err)
}

func TestTheLedgerIsAskedAndTold(t *testing.T) {
	s := newSite(t)
	path := filepath.Join(t.TempDir(), "ledger.db")
	s.activities.ledger = cli.LedgerFile{Path: path, KeyFile: path + ".key"}
	s.submitWithLedger("monday", listOf(20))
	c, err := s.run("monday", 1)
	require.NoError(t, err)
	assert.Equal(t, total{Rows: 20}, c.Total)
	assert.True(t, c.Ledger)
	assert.Len(t, s.calls, 20)

	s.calls = map[string]int{}
	s.submitWithLedger("tuesday", listOf(20)+"Individual,new@example.com,New,Last\n")
	_, err = s.run("tuesday", 1)
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"new@example.com": 1}, s.calls)
	assert.Contains(t, s.read("jobs/tuesday/round-1/results.csv"), "c3@example.com,First3,Last,known,session-of-c3@example.com")
}

func TestAWorkerWithAnotherLedgerMergesNothing(t *testing.T) {
	s := newSite(t)
	s.activities.ledger = cli.LedgerFile{Path: filepath.Join(t.TempDir(), "a"), KeyFile: filepath.Join(t.TempDir(), "a.key")}
	s.submitWithLedger("monday", listOf(5))
	s.answer = func(r *source.Customer) session.Reply {
		other := filepath.Join(t.TempDir(), "b")
		s.activities.ledger = cli.LedgerFile{Path: other, KeyFile: other + ".key"}
		return session.Reply{Recognised: true, Outcome: session.OK, SessionID: "x-" + r.Email}
	}
	_, err := s.run("monday", 1)
	assert.Equal(t, misfit.Name, kindOf(t, err))
}

func TestAJobWithALedgerWantsAWorkerThatHasOne(t *testing.T) {
	s := newSite(t)
	s.submitWithLedger("monday", listOf(5))
	_, err := s.run("monday", 1)
	assert.Equal(t, misfit.Name, kindOf(t, err))
	assert.Empty(t, s.calls)
	assert.Equal(t, "q-ledger", ledgerQueue("q"))
	assert.Equal(t, time.Duration(-1), (&ledgerUse{TTL: -1}).TTL)
}
