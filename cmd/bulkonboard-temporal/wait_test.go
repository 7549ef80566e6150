package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

func TestResultsAreCopiedWithTheSummaryThatTellsThemFromOthers(t *testing.T) {
	s, r := newSite(t), &registry{}
	s.submit("night", listOf(4)+"Individual,r@example.com,Refused,Last\n")
	_, err := s.run("night", 1)
	require.NoError(t, err)
	j, _ := s.client(r)
	done, err := j.finished(t.Context(), "night", 1)
	require.NoError(t, err)
	w := &waitFlags{output: filepath.Join(t.TempDir(), "out.csv")}
	var bad *cli.BadRowsError
	require.ErrorAs(t, j.conclude(t.Context(), "night", 1, done, w), &bad)

	text, err := os.ReadFile(sink.SummaryPath(w.output))
	require.NoError(t, err)
	summary, err := sink.DecodeSummary(text)
	require.NoError(t, err)
	results, err := os.ReadFile(w.output)
	require.NoError(t, err)
	sum := sha256.Sum256(results)
	assert.Equal(t, hex.EncodeToString(sum[:]), summary.Output.SHA256)

	require.NoError(t, os.Remove(w.output))
	assert.ErrorContains(t, w.checkFiles(), sink.SummaryPath(w.output)+" exists")
	w.overwrite = true
	assert.NoError(t, w.checkFiles())
}
