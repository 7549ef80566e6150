package batch

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"bulkonboard/batch/disk"
	"bulkonboard/batch/pace"
	"bulkonboard/batch/sandbox"
	"bulkonboard/batch/session"
	"bulkonboard/batch/state"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// noJournal forgets everything.
type noJournal struct{}

func (noJournal) Append([]state.Entry) error { return nil }
func (noJournal) Sync() error                { return nil }

// BenchmarkRun takes 20,000 rows through a service without latency, with the
// journal and without: what is between the two is what the journal costs.
func BenchmarkRun(b *testing.B) {
	for _, journal := range []bool{true, false} {
		b.Run(fmt.Sprintf("journal=%v", journal), func(b *testing.B) {
			const rows = 20000
			list := csvList(rows)
			server := httptest.NewServer(sandbox.New(sandbox.Options{}))
			defer server.Close()
			client, err := session.New(session.Config{BaseURL: server.URL, AppID: "a", AppSecret: "s", TenantID: "t", Timeout: time.Minute, MaxInFlight: 64})
			require.NoError(b, err)
			defer client.CloseIdle()
			for b.Loop() {
				benchmarkRun(b, list, client, journal)
			}
			b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func benchmarkRun(b *testing.B, text string, client Caller, journal bool) {
	list, err := source.Open(strings.NewReader(text), source.Options{})
	require.NoError(b, err)
	out := filepath.Join(b.TempDir(), "out.csv")
	dir, err := state.Open(disk.OS{}, out+".state", state.Options{})
	require.NoError(b, err)
	defer dir.Close()
	r := &run{journal: dir, started: time.Now(), Config: Config{
		List: list, Caller: client, State: dir, Results: out, FormID: "f",
		Encoder:     sink.NewCSV(list.Header(), sink.CSVOptions{Delimiter: ',', LineEnd: "\n"}),
		Pace:        pace.Config{MaxInFlight: 64},
		MaxInFlight: 64, MaxAttempts: 8, MaxBackoff: time.Minute, Grace: time.Second,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}}
	if !journal {
		r.journal = noJournal{}
	}
	require.NoError(b, r.whole(context.Background()))
}
