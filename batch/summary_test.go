package batch

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/measure"
	"bulkonboard/batch/session"
	"bulkonboard/batch/state"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// summarised gives a job a summary file in its folder.
func summarised(j *job) string {
	path := sink.SummaryPath(j.results())
	j.adjust = func(c *Config) {
		c.ID = "r1"
		c.SummaryFile = SummaryFile{
			Path: path, Input: func() sink.File { return sink.File{Name: "list", SHA256: "so far"} },
			ExitCode: func(_ int64, err error) int {
				if err != nil {
					return 75
				}
				return 0
			},
			Retry: func(_ sink.Status, code string) string { return "retry " + code },
		}
	}
	return path
}

func summaryAt(t *testing.T, path string) *sink.Summary {
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	s, err := sink.DecodeSummary(b)
	require.NoError(t, err)
	require.Empty(t, s.Check())
	return s
}

func TestASummaryThatCannotBeWrittenIsToldAndLosesNothing(t *testing.T) {
	j := newJob(t, csvList(5), func(_ context.Context, r *source.Customer, _ int) session.Reply { return okFor(r) })
	path := summarised(j)
	var log bytes.Buffer
	usual := j.adjust
	inTheWay := filepath.Join(j.results()+".state", state.Summary+".tmp", "full")
	require.NoError(t, os.MkdirAll(inTheWay, 0o700))
	j.adjust = func(c *Config) {
		usual(c)
		c.SummaryFile.Path = filepath.Join(j.folder, "nowhere", "summary.json")
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(ErrInterrupted)
	_, err := j.run(ctx)
	require.ErrorIs(t, err, ErrInterrupted, "and not what was wrong with the summary")
	assert.Contains(t, log.String(), "the summary could not be written")
	require.NoError(t, os.Remove(inTheWay))

	_, err = j.run(t.Context())
	var failed *state.IOError
	require.ErrorAs(t, err, &failed)
	assert.Contains(t, failed.Path, "nowhere")
	assert.NoFileExists(t, j.results(), "results come last")

	j.adjust = usual
	_, err = j.run(t.Context())
	require.NoError(t, err)
	assert.True(t, summaryAt(t, path).Complete)
	assert.Len(t, j.rows(), 5)
	for _, n := range j.service.calls {
		assert.Equal(t, 1, n)
	}
}

func TestTheSummaryHasThePaceThatWasFound(t *testing.T) {
	totals := newTotals()
	r := &run{totals: totals, meter: measure.NewMeter(totals.Measures, time.Now()), Config: Config{SummaryFile: SummaryFile{
		Input: func() sink.File { return sink.File{} }, ExitCode: func(int64, error) int { return 0 }, Retry: func(sink.Status, string) string { return "" },
	}}}
	r.ID = "run-1"
	var err error
	r.List, err = source.Open(strings.NewReader(csvList(1)), source.Options{})
	require.NoError(t, err)
	learned := func() *sink.Learned {
		b, err := r.document(errors.New("stopped"))
		require.NoError(t, err)
		s, err := sink.DecodeSummary(b)
		require.NoError(t, err)
		return s.Learned
	}
	assert.Nil(t, learned())
	earlier := &sink.Learned{PerSecond: 20, At: time.Now().Add(-time.Hour).UTC()}
	r.SummaryFile.Learned = earlier
	assert.Equal(t, earlier, learned(), "the earlier one, as long as there is no other")
	r.learned.Store(math.Float64bits(47.5))
	assert.InDelta(t, 47.5, learned().PerSecond, 0)
	assert.WithinDuration(t, time.Now(), learned().At, time.Minute)
}
