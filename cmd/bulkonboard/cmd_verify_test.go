package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/disk"
	"bulkonboard/batch/sandbox"
	"bulkonboard/batch/state"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

// finished is a program with a run of 20 rows behind it, two of them rejected.
func finished(t *testing.T, o sandbox.Options, args ...string) *program {
	p := newProgram(t, 20, o)
	list, err := os.ReadFile(p.file("list.csv"))
	require.NoError(t, err)
	list = bytes.ReplaceAll(list, []byte("5@example.com"), []byte("5@refused.example"))
	require.NoError(t, os.WriteFile(p.file("list.csv"), list, 0o600))
	c, stderr := p.start(append([]string{"--rate", "0", "--rejects", p.file("rejects.csv")}, args...)...)
	require.Equal(t, cli.ExitBadRows, p.end(c), stderr.String())
	return p
}

// edit changes a file of the program.
func (p *program) edit(name string, change func(string) string) {
	b, err := os.ReadFile(p.file(name))
	require.NoError(p.t, err)
	changed := change(string(b))
	require.NotEqual(p.t, string(b), changed)
	require.NoError(p.t, os.WriteFile(p.file(name), []byte(changed), 0o600))
}

func (p *program) verify() (code int, stdout, stderr string) {
	var out bytes.Buffer
	c, said := p.commandTo(&out, "verify", p.file("out.csv"))
	return p.end(c), out.String(), said.String()
}

func replace(old, new string) func(string) string {
	return func(s string) string { return strings.Replace(s, old, new, 1) }
}

// forge changes a summary as one does who makes a new digest for it.
func forge(change func(*sink.Summary)) func(string) string {
	return func(text string) string {
		s, err := sink.DecodeSummary([]byte(text))
		if err != nil {
			panic(err)
		}
		change(s)
		b, err := s.Encode()
		if err != nil {
			panic(err)
		}
		return string(b)
	}
}

func TestVerifyFindsWhatIsNotAsTheRunLeftIt(t *testing.T) {
	t.Parallel() // one program at a time leaves processors idle
	for _, c := range []struct {
		name, file string
		edit       func(string) string
		want       []string
	}{
		{"a changed byte", "out.csv", replace("First7", "First8"), []string{"out.csv has as many bytes as the run wrote, but not the same"}},
		{"a changed session id", "out.csv", func(s string) string {
			at := strings.Index(s, "ok,") + 3
			return s[:at] + "0" + s[at+1:]
		}, []string{"not the same"}},
		{"a missing row", "out.csv", func(s string) string {
			lines := strings.SplitAfter(s, "\n")
			return strings.Join(append(lines[:3], lines[4:]...), "")
		}, []string{"has 19 rows, and the summary counts 20", "17 rows that are ok, and the summary counts 18"}},
		{"a row twice", "out.csv", func(s string) string {
			lines := strings.SplitAfter(s, "\n")
			return s + lines[3]
		}, []string{"has 21 rows, and the summary counts 20"}},
		{"a result taken away", "out.csv", replace("rejected", ""), []string{"has 1 row without a result"}},
		{"no header", "out.csv", func(s string) string { return s[strings.Index(s, "\n")+1:] }, []string{"its rows cannot be counted", "bytes, and the run wrote"}},
		{"nothing left", "out.csv", func(string) string { return "" }, []string{"out.csv has 0 bytes"}},
		{"an edited summary", "out.csv.summary.json", replace(`"rejected": 2`, `"rejected": 1`), []string{"was changed after it was written", "add up to 19, not to 20"}},
		{"a summary that was cut off", "out.csv.summary.json", func(s string) string { return s[:100] }, []string{"this is not a summary"}},
		{"a run made complete by hand", "out.csv.summary.json", replace(`"complete": true`, `"complete": false`), []string{"was changed after it was written"}},
		{"a forged count", "out.csv.summary.json", forge(func(s *sink.Summary) { s.Status[sink.OK], s.Status[sink.Rejected] = 19, 1 }),
			[]string{"has 18 rows that are ok, and the summary counts 19", "the counts per error add up to 2, not to 1"}},
		{"a forged error", "out.csv.summary.json", forge(func(s *sink.Summary) { s.Errors[0].Count = 1 }),
			[]string{"has 2 rows with the error code invalid_customer_details, and the summary counts 1"}},
		{"a forged output", "out.csv.summary.json", forge(func(s *sink.Summary) { s.Output = nil }), []string{"the summary says nothing of it"}},
		{"a changed reject", "rejects.csv", replace("Last", "last"), []string{"rejects.csv has as many bytes"}},
		{"a changed list", "list.csv", replace("First7", "First8"), []string{"list.csv has as many bytes"}},
		{"a shorter list", "list.csv", func(s string) string { return s[:len(s)-1] }, []string{"list.csv has"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := finished(t, sandbox.Options{})
			code, stdout, stderr := p.verify()
			require.Equal(t, cli.ExitOK, code, stderr)
			require.Contains(t, stdout, "20 rows, not one of them changed")
			calls := p.service.Stats().Calls
			p.edit(c.file, c.edit)
			code, stdout, stderr = p.verify()
			assert.Equal(t, cli.ExitState, code)
			assert.Empty(t, stdout)
			for _, want := range c.want {
				assert.Contains(t, stderr, want)
			}
			assert.Equal(t, calls, p.service.Stats().Calls, "no customer is called")
		})
	}
}

func TestVerifyPassesOverWhatIsGone(t *testing.T) {
	p := finished(t, sandbox.Options{})
	p.edit("list.csv", func(s string) string { return s + "Individual,new@example.com,New,Last\n" })
	code, stdout, stderr := p.verify()
	require.Equal(t, cli.ExitOK, code, stderr)
	assert.Contains(t, stdout, "36 bytes more at its end; what was sent is as it was")
	require.NoError(t, os.Remove(p.file("list.csv")))
	require.NoError(t, os.Remove(p.file("rejects.csv")))
	code, stdout, stderr = p.verify()
	require.Equal(t, cli.ExitOK, code, stderr)
	assert.Contains(t, stdout, "list.csv is not found from here, and not checked")
	assert.Contains(t, stdout, "rejects.csv is not found from here, and not checked")
	require.NoError(t, os.Remove(p.file("out.csv.summary.json")))
	code, _, stderr = p.verify()
	require.Equal(t, cli.ExitState, code)
	assert.Contains(t, stderr, "out.csv has no summary; name a results file")
	require.NoError(t, os.Remove(p.file("out.csv")))
	code, _, stderr = p.verify()
	require.Equal(t, cli.ExitUsage, code)
	assert.Contains(t, stderr, "there is neither")
}

func TestVerifySaysThatAFirstStartIsUnderWay(t *testing.T) {
	results := filepath.Join(t.TempDir(), "out.csv")
	dir, err := state.Open(disk.OS{}, cli.StateDirOf(results), state.Options{})
	require.NoError(t, err)
	defer func() { _ = dir.Close() }()
	err = verify(io.Discard, results)
	require.Equal(t, cli.ExitStopped, cli.ExitCode(err))
	assert.Contains(t, err.Error(), "is not complete; "+command("status", results)+" shows how far it is")
}

func TestVerifyBlamesNoFileOfARunThatIsNotOver(t *testing.T) {
	stopped := newProgram(t, 500, sandbox.Options{Latency: 20 * time.Millisecond})
	c, _ := stopped.start("--rate", "0", "--max-inflight", "4")
	stopped.until("calls", func() bool { return stopped.service.Stats().Calls > 8 })
	require.NoError(t, c.Process.Signal(os.Interrupt))
	require.Equal(t, cli.ExitInterrupted, stopped.end(c))
	code, _, stderr := stopped.verify()
	assert.Equal(t, cli.ExitStopped, code)
	assert.Contains(t, stderr, "is not complete")

	// Killed at every change of the disk over results of an earlier run: the
	// pair is that of one run, or verify says that the run is not over.
	var undone atomic.Int64
	earlier := finished(t, sandbox.Options{})
	points := atEveryPoint(t, func(t *testing.T, n int) bool {
		p := *earlier
		p.t, p.folder = t, t.TempDir()
		require.NoError(t, os.CopyFS(p.folder, os.DirFS(earlier.folder)))
		p.env = append(slices.Clip(p.env), killedAt(strconv.Itoa(n))...)
		c, stderr := p.start("--rate", "0", "--rejects", p.file("rejects.csv"), "--overwrite", "--form-id", "other")
		killed := p.end(c) == -1
		code, _, said := p.verify()
		if code == cli.ExitStopped {
			undone.Add(1)
			assert.Contains(t, said, "has not put its files in place")
		} else {
			require.Equal(t, cli.ExitOK, code, "%d: %s%s", n, said, stderr)
		}
		return killed
	})
	assert.NotZero(t, undone.Load())
	assert.NotZero(t, points)
}

func TestVerifyReadsEveryKindOfResults(t *testing.T) {
	const jsonl = `{"customerType":"Individual","customerEmail":"a@example.com","individual":{"firstName":"A","lastName":"B"}}` + "\nbroken\n"
	for name, c := range map[string]struct {
		list string
		args []string
	}{
		"JSONL":            {jsonl, nil},
		"other columns":    {"Mail;Vorname;Nachname\na@example.com;A;B\nb;=1;B\n", []string{"--map", "customerEmail=Mail", "--map", "firstName=Vorname", "--map", "lastName=Nachname", "--set", "customerType=Individual"}},
		"formula-safe":     {"customerType,customerEmail,firstName,lastName,-x\nIndividual,a@example.com,=A,B,\n", []string{"--formula-safe"}},
		"UTF-16":           {"\xff\xfe" + wide("customerType,customerEmail,firstName,lastName\nIndividual,a@example.com,A,B\n"), nil},
		"malformed rows":   {"customerType,customerEmail,firstName,lastName\nIndividual,\"a\n\"b\",c\"d,e\nIndividual,a@example.com,A,B", nil},
		"no row in it":     {"customerType,customerEmail,firstName,lastName\n", []string{"--min-rows", "0"}},
		"a given comma":    {"customerType,customerEmail,firstName,lastName,a;b;c;d;e;f\nIndividual,a@example.com,A,B,\n", []string{"--delimiter", ","}},
		"a name in quotes": {"customerType,customerEmail,firstName,lastName,\"of\nnote\"\nIndividual,a@example.com,A,B,\"x\ny\"\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProgram(t, 0, sandbox.Options{})
			require.NoError(t, os.WriteFile(p.file("list.csv"), []byte(c.list), 0o600))
			run, stderr := p.start(append(c.args, "--max-invalid", "100%")...)
			require.LessOrEqual(t, p.end(run), cli.ExitBadRows, stderr.String())
			code, stdout, said := p.verify()
			assert.Equal(t, cli.ExitOK, code, said)
			assert.NotContains(t, stdout, "cannot be counted")
		})
	}
}

// wide is ASCII text in UTF-16, little-endian.
func wide(text string) string {
	var b strings.Builder
	for _, r := range text {
		b.WriteString(string(r) + "\x00")
	}
	return b.String()
}
