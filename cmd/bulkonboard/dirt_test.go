package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/sandbox"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
	"bulkonboard/source"
)

func TestDirtyRowsGoThroughRetryRejectsAndChunksAsTheyAre(t *testing.T) { throughTheProgram(t, 12) }

// dirtyList is a list in one of all dialects, with rows that are bad in most of
// the ways in which a row can be.
func dirtyList(r *rand.Rand) (list []byte, flags []string) {
	delimiter := string(",;\t|"[r.IntN(4)])
	end := []string{"\n", "\r\n", "\r"}[r.IntN(3)]
	var b strings.Builder
	b.WriteString(strings.Join([]string{"customerType", "customerEmail", "firstName", "lastName"}, delimiter) + end)
	for n := range 5 + r.IntN(20) {
		good := strings.Join([]string{"Individual", fmt.Sprintf("c%d@example.com", r.IntN(n+1)), "Ann", "Lee"}, delimiter)
		b.WriteString([]string{
			good,
			good,
			strings.ReplaceAll(good, "example.com", "refused.example"),
			strings.ReplaceAll(good, "Ann", `"A`+end+`nn"`),
			`"Individual"` + delimiter + `"q@example.com"` + delimiter + `"A"` + delimiter + `"B"`,
			"Individual" + delimiter + `"a@example.com`,
			`x"` + delimiter + "C" + delimiter + "D",
			strings.ReplaceAll(good, "Ann", "A\x00n"),
			strings.ReplaceAll(good, "Ann", "A\xffn"),
			strings.ReplaceAll(good, "Ann", "\x00\x00\x00\x00\x00\x00"),
			strings.ReplaceAll(good, "Lee", `5" pipe`),
			"Individual",
			good + delimiter + "more",
			" ",
		}[r.IntN(14)] + end)
	}
	text := b.String()
	switch r.IntN(5) {
	case 0:
		wide := []byte("\xff\xfe")
		for i := range len(text) {
			wide = append(wide, text[i], 0)
		}
		return wide, nil
	case 1:
		return []byte(text), []string{"--encoding", "windows-1252"}
	}
	return []byte(text), nil
}

// dirtyLines is a list of JSONL of the same kind.
func dirtyLines(r *rand.Rand) []byte {
	end := []string{"\n", "\r\n"}[r.IntN(2)]
	var b strings.Builder
	b.WriteString(`{"customerType":"Individual","customerEmail":"first@example.com","firstName":"A","lastName":"B"}` + end)
	for n := range 5 + r.IntN(20) {
		good := fmt.Sprintf(`{"customerType":"Individual","customerEmail":"c%d@example.com","firstName":"A","lastName":"B"}`, n)
		b.WriteString([]string{
			good,
			strings.ReplaceAll(good, "example.com", "refused.example"),
			strings.ReplaceAll(good, `,"f`, ",\r\"f"),
			strings.ReplaceAll(good, "A", "\x00"),
			strings.ReplaceAll(good, "A", "\xff"),
			"oops, \"é\"",
			"[1]",
			`{"customerEmail":"x"`,
			strings.Repeat("a\x00", 20),
		}[r.IntN(9)] + end)
	}
	return []byte(b.String())
}

// withService has the commands of a test call a service of its own.
func withService(t *testing.T) {
	service, ln, err := listenSandbox(t.Context(), sandbox.Options{}, "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = service.Serve(ln) // until it is closed
	}()
	t.Cleanup(func() {
		_ = service.Close()
		<-served
	})
	for name, value := range map[string]string{"BASE_URL": "http://" + ln.Addr().String(), "APP_ID": "app", "TENANT_ID": "tenant", "FORM_ID": "form", "APP_SECRET": canarySecret} {
		t.Setenv("BULKONBOARD_"+name, value)
	}
}

// throughTheProgram takes lists through the program, in this process.
func throughTheProgram(t *testing.T, times int) {
	withService(t)
	refused := 0
	for seed := range uint64(times) {
		r := rand.New(rand.NewPCG(seed, 18))
		list, flags := dirtyList(r)
		if seed%4 == 3 {
			list, flags = dirtyLines(r), nil
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			d := &dirt{t: t, folder: t.TempDir(), flags: flags}
			require.NoError(t, os.WriteFile(d.file("list"), list, 0o600))
			if code := d.send("list", "out"); code == cli.ExitBadList {
				refused++ // it cannot be read as a list
				return
			}
			d.verify("out")
			d.requireRejectsAreTheRows()
			d.requireRetryLeavesWhatItDoesNotSend()
			if seed%3 == 0 {
				d.requireMergedAlike()
			}
		})
	}
	assert.Less(t, refused, 1+times/4)
}

// dirt is one list in a folder.
type dirt struct {
	t      *testing.T
	folder string
	flags  []string
	said   string
}

func (d *dirt) file(name string) string { return filepath.Join(d.folder, name) }

func (d *dirt) program(args ...string) (code int, said string) { return d.programOn("", args...) }

func (d *dirt) programOn(stdin string, args ...string) (code int, said string) {
	var stderr bytes.Buffer
	code = run(args, strings.NewReader(stdin), io.Discard, &stderr)
	return code, stderr.String()
}

// send runs a list and returns the exit code of a run that is complete, or of
// one that is refused.
func (d *dirt) send(list, output string) int {
	code, said := d.program(append([]string{
		"run", "-i", d.file(list), "-o", d.file(output), "--rejects", d.file(output + ".rejects"), "--rate", "0", "--max-invalid", "100%", "--log-level", "error",
	}, d.flags...)...)
	require.Contains(d.t, []int{cli.ExitOK, cli.ExitBadRows, cli.ExitBadList}, code, said)
	d.said = said
	return code
}

func (d *dirt) verify(output string) {
	code, said := d.program("verify", d.file(output))
	require.Zero(d.t, code, said)
}

// rows are the rows of results, and their statuses.
func (d *dirt) rows(output string) (rows []*source.Record, statuses []sink.Status) {
	b, err := os.ReadFile(d.file(output))
	require.NoError(d.t, err)
	list, err := source.Open(bytes.NewReader(b), source.Options{Results: true})
	require.NoError(d.t, err)
	previous, err := previousOf(list)
	require.NoError(d.t, err)
	for rec, err := range list.Records() {
		require.NoError(d.t, err)
		res, ok := previous.Result(rec)
		require.True(d.t, ok, "row %d reads as a row with a result: %q", rec.Row, rec.Raw)
		rows, statuses = append(rows, rec), append(statuses, res.Status)
	}
	return rows, statuses
}

// requireRetryLeavesWhatItDoesNotSend retries twice.
func (d *dirt) requireRetryLeavesWhatItDoesNotSend() {
	for range 2 {
		before, statuses := d.rows("out")
		code, said := d.program("retry", d.file("out"), "--rate", "0", "--log-level", "error")
		require.Contains(d.t, []int{cli.ExitOK, cli.ExitBadRows}, code, said)
		d.verify("out")
		after, _ := d.rows("out")
		require.Len(d.t, after, len(before))
		for i, status := range statuses {
			if status != sink.Rejected && status != sink.Failed {
				assert.Equal(d.t, string(before[i].Raw), string(after[i].Raw), "row %d, %s", i+1, status)
			}
		}
	}
}

// inputOf is what of a result row is the input's.
func inputOf(rec *source.Record) string {
	if rec.Cells != nil {
		return strings.Join(rec.Cells[:len(rec.Cells)-len(sink.Columns())], "\x1f")
	}
	input, _, _ := strings.Cut(rec.Text, `"onboarding":`)
	return input
}

// requireRejectsAreTheRows feeds the rejects back.
func (d *dirt) requireRejectsAreTheRows() {
	rows, statuses := d.rows("out")
	var bad []string
	for i, status := range statuses {
		if !status.Good() {
			bad = append(bad, inputOf(rows[i]))
		}
	}
	if len(bad) == 0 {
		return
	}
	require.Contains(d.t, []int{cli.ExitOK, cli.ExitBadRows}, d.send("out.rejects", "again"), d.said)
	d.verify("again")
	again, _ := d.rows("again")
	require.Len(d.t, again, len(bad))
	for i, rec := range again {
		assert.Equal(d.t, bad[i], inputOf(rec), "rejected row %d", i+1)
	}
}

// requireMergedAlike takes the list through in chunks.
func (d *dirt) requireMergedAlike() {
	job := []string{"--job", d.file("job")}
	code, said := d.program(append(append([]string{
		"plan", "-i", d.file("list"), "--rate", "0", "--max-invalid", "100%", "--parallel", "1", "--scratch", d.folder,
	}, job...), d.flags...)...)
	require.Zero(d.t, code, said)
	for _, index := range []string{"0", "rest"} {
		code, said = d.program(append([]string{"run-chunk", "--index", index}, job...)...)
		require.Zero(d.t, code, said)
	}
	code, said = d.program(append([]string{"merge", "-o", d.file("merged")}, job...)...)
	require.Contains(d.t, []int{cli.ExitOK, cli.ExitBadRows}, code, said)
	d.verify("merged")
	merged, _ := d.rows("merged")
	rows, _ := d.rows("out")
	require.Len(d.t, merged, len(rows))
	for i := range rows {
		assert.Equal(d.t, inputOf(rows[i]), inputOf(merged[i]))
	}
}
