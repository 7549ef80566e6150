package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/chunks"
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
	assert.Equal(t, "results.csv", done.Output.Name, "as it is called beside its summary in the store")
	assert.Equal(t, "rejects.csv", done.Rejects.Name)
	assert.Empty(t, done.Command.Folder)
	t.Chdir(t.TempDir())
	here, err := os.Getwd()
	require.NoError(t, err)
	w := &waitFlags{output: "out.csv", rejects: "rejected.csv"}
	var bad *cli.BadRowsError
	require.ErrorAs(t, j.conclude(t.Context(), "night", 1, done, w), &bad)

	summary := summaryOf(t, w)
	assert.Equal(t, here, summary.Command.Folder)
	assert.Equal(t, "out.csv", summary.Output.Name)
	assert.Equal(t, "rejected.csv", summary.Rejects.Name)
	results, err := os.ReadFile(w.output)
	require.NoError(t, err)
	sum := sha256.Sum256(results)
	assert.Equal(t, hex.EncodeToString(sum[:]), summary.Output.SHA256)

	w.rejects = ""
	require.ErrorAs(t, j.conclude(t.Context(), "night", 1, done, w), &bad)
	assert.Nil(t, summaryOf(t, w).Rejects, "they were not copied")

	require.NoError(t, os.Remove(w.output))
	assert.ErrorContains(t, w.checkFiles(), sink.SummaryPath(w.output)+" exists")
	w.overwrite = true
	assert.NoError(t, w.checkFiles())
}

func TestResultsThatWereRetriedAreNotCopiedOver(t *testing.T) {
	s, r := newSite(t), &registry{}
	s.submit("night", listOf(4)+"Individual,r@example.com,Refused,Last\n")
	_, err := s.run("night", 1)
	require.NoError(t, err)
	j, _ := s.client(r)
	done, err := j.finished(t.Context(), "night", 1)
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	w := waitFlags{output: "out.csv", overwrite: true}
	require.ErrorAs(t, j.conclude(t.Context(), "night", 1, done, &w), new(*cli.BadRowsError))
	require.ErrorAs(t, j.conclude(t.Context(), "night", 1, done, &w), new(*cli.BadRowsError), "nobody has retried them")

	retried := *summaryOf(t, &w)
	retried.Run, retried.Command.Name, retried.Command.FirstRun = "20260201T020000Z-retry", "retry", done.Run
	b, err := retried.Encode()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(w.summary(), b, 0o600))
	for _, err := range []error{
		j.conclude(t.Context(), "night", 1, done, &w),
		(&retrySettings{waiting: w}).retry(t.Context(), j, "night"),
	} {
		require.ErrorAs(t, err, new(cli.Problems))
		require.ErrorContains(t, err, "bulkonboard retry out.csv, or name another --output")
	}
	assert.Equal(t, retried.Run, summaryOf(t, &w).Run)
	rounds, err := chunks.Rounds(t.Context(), jobStore(j.root, "night"))
	require.NoError(t, err)
	assert.Len(t, rounds, 1, "no other round has begun")
	w.output = "another.csv"
	require.ErrorAs(t, j.conclude(t.Context(), "night", 1, done, &w), new(*cli.BadRowsError))
}

func summaryOf(t *testing.T, w *waitFlags) *sink.Summary {
	t.Helper()
	text, err := os.ReadFile(w.summary())
	require.NoError(t, err)
	summary, err := sink.DecodeSummary(text)
	require.NoError(t, err)
	return summary
}
