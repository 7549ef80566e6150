package preflight

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/measure"
	"bulkonboard/batch/state"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// scratchFile is that of a test.
func scratchFile(t testing.TB) *os.File {
	file, err := state.MakeScratch(filepath.Join(t.TempDir(), "scratch"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	return file
}

// csvList is a list of some customers, c1@example.com and so on.
func csvList(n int) string {
	var b strings.Builder
	b.WriteString("customerType,customerEmail,firstName,lastName\n")
	for i := range n {
		fmt.Fprintf(&b, "Individual,c%d@example.com,First%d,Last\n", i+1, i+1)
	}
	return b.String()
}

// preflightOf reads a list of rows, each of them an e-mail address and, behind
// a space, sendEmail and formId.
func preflightOf(t *testing.T, rows []string, adjust func(*Preflight)) *Forecast {
	var b strings.Builder
	b.WriteString("customerType,customerEmail,firstName,lastName,sendEmail,formId\n")
	for _, row := range rows {
		cells := append(strings.Split(row, " "), "", "")
		fmt.Fprintf(&b, "Individual,%s,A,B,%s,%s\n", cells[0], cells[1], cells[2])
	}
	list, err := source.Open(strings.NewReader(b.String()), source.Options{Name: "list.csv"})
	require.NoError(t, err)
	p := &Preflight{List: list, FormID: "form", Scratch: scratchFile(t)}
	if adjust != nil {
		adjust(p)
	}
	f, _, err := p.Run(context.Background())
	require.NoError(t, err)
	require.Equal(t, f.Rows, f.Kept+f.Invalid+f.Repeated+f.Calls)
	require.Equal(t, int64(b.Len()), f.Bytes)
	return f
}

func TestOfTheRowsOfOneCustomerTheFirstValidOneLeads(t *testing.T) {
	for _, c := range []struct {
		name  string
		rows  []string
		later map[int64]int64
	}{
		{"none", []string{"a@x.io", "b@x.io"}, map[int64]int64{}},
		{"an empty list", nil, map[int64]int64{}},
		{"two", []string{"a@x.io", "b@x.io", "a@x.io"}, map[int64]int64{3: 1}},
		{"as the API compares", []string{"a@x.io", "A@X.io"}, map[int64]int64{2: 1}},
		{"all", []string{"a@x.io", "a@x.io", "a@x.io"}, map[int64]int64{2: 1, 3: 1}},
		{"nested", []string{"a@x.io", "b@x.io", "b@x.io", "a@x.io"}, map[int64]int64{3: 2, 4: 1}},
		{"an invalid row first", []string{"a@x.io maybe", "a@x.io", "a@x.io"}, map[int64]int64{3: 2}},
		{"an invalid row between", []string{"a@x.io", "a@x.io maybe", "a@x.io"}, map[int64]int64{3: 1}},
		{"two forms", []string{"a@x.io", "a@x.io  other", "a@x.io  form"}, map[int64]int64{3: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := preflightOf(t, c.rows, nil)
			assert.Equal(t, c.later, maps.Collect(f.Duplicates.All()))
			assert.Equal(t, int64(len(c.later)), f.Duplicates.Len())
			assert.Equal(t, int64(len(c.later)), f.Repeated)
		})
	}
}

func TestTheForecastCountsWhatWouldBeCalledAndMailed(t *testing.T) {
	rows := []string{"a@x.io true", "b@x.io", "a@x.io true", "nobody true", "c@x.io TRUE", "b@x.io true", "nobody", "d@x.io maybe"}
	f := preflightOf(t, rows, nil)
	assert.Equal(t, int64(3), f.Calls)
	assert.Equal(t, int64(2), f.Mailed, "rows 1 and 5; rows 3 and 6 take another's result")
	assert.Equal(t, int64(3), f.Invalid)
	groups := f.Errors.MostFrequent()
	require.Len(t, groups, 2)
	assert.Equal(t, sink.ErrorGroup{
		Code: "invalid_customer_email", Field: "customerEmail", Status: sink.Invalid, Count: 2, Rows: []int64{4, 7}, Line: 5,
		Message: "customerEmail is not an e-mail address", Shapes: []string{"aaaaaa"},
	}, *groups[0])
}

func TestRowsThatARetryKeepsAreNeitherCalledNorInvalidAndGoodOnesLead(t *testing.T) {
	f := preflightOf(t, []string{"a@x.io", "b@x.io", "a@x.io true", "b@x.io", "nobody", "neither", "a@x.io"}, func(p *Preflight) {
		p.Keep = func(rec *source.Record) (sink.Result, bool) {
			status := map[int64]sink.Status{1: sink.OK, 2: sink.Rejected, 5: sink.Invalid, 7: sink.OK}[rec.Row]
			return sink.Result{Status: status}, status != ""
		}
		p.KnownInvalid = func(rec *source.Record) bool { return rec.Row == 6 }
	})
	assert.Equal(t, int64(4), f.Kept)
	assert.Equal(t, int64(1), f.Calls, "row 4: that row 2 was rejected says nothing about it")
	assert.Equal(t, int64(1), f.Repeated, "row 3, of row 1")
	assert.Zero(t, f.Mailed)
	assert.Equal(t, []int64{1, 1}, []int64{f.Invalid, f.KnownInvalid})
	assert.Equal(t, map[int64]int64{3: 1, 7: 1}, maps.Collect(f.Duplicates.All()))
}

// fullDisk takes some bytes and no more.
type fullDisk struct {
	*os.File
	left int
}

func (d *fullDisk) Write(b []byte) (int, error) {
	if d.left -= len(b); d.left < 0 {
		return 0, errors.New("no space left on device")
	}
	return d.File.Write(b)
}

func (d *fullDisk) ReadAt([]byte, int64) (int, error) { return 0, errors.New("input/output error") }

func TestAScratchFileThatFailsEndsThePreflight(t *testing.T) {
	for _, room := range []int{0, 64 << 10, 1 << 30} {
		list, err := source.Open(strings.NewReader(csvList(150_000)+"Individual,c1@example.com,A,B\n"), source.Options{})
		require.NoError(t, err)
		p := &Preflight{List: list, FormID: "form", Scratch: &fullDisk{File: scratchFile(t), left: room}}
		_, _, err = p.Run(context.Background())
		var wrong *state.IOError
		require.ErrorAs(t, err, &wrong)
		assert.Contains(t, err.Error(), "scratch file")
	}
}

var errInterrupted = errors.New("interrupted")

func TestAPreflightEndsWhenItIsToldTo(t *testing.T) {
	list, err := source.Open(strings.NewReader(csvList(10000)), source.Options{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errInterrupted)
	p := &Preflight{List: list, FormID: "form", Scratch: scratchFile(t), Monitor: new(measure.Monitor)}
	_, _, err = p.Run(ctx)
	require.ErrorIs(t, err, errInterrupted)
	seen := p.Monitor.Progress()
	assert.Equal(t, measure.Reading, seen.State)
	assert.EqualValues(t, progressRows, seen.Rows, "the first look at the context")
	assert.Positive(t, seen.Bytes)
}

func BenchmarkPreflight(b *testing.B) {
	const rows = 100000
	text := csvList(rows)
	for b.Loop() {
		list, err := source.Open(strings.NewReader(text), source.Options{})
		require.NoError(b, err)
		p := &Preflight{List: list, FormID: "form", Scratch: scratchFile(b)}
		_, _, err = p.Run(context.Background())
		require.NoError(b, err)
	}
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
