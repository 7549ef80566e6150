package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"

	"bulkonboard/batch/sandbox"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

// edits are what people and programs do to results. Each gives them other bytes
// of the same rows, or more.
var edits = []struct {
	name string
	edit func(p *program, text string) string
}{
	{"e-mails sorted apart from their rows", func(_ *program, text string) string {
		rows, _ := csv.NewReader(strings.NewReader(text)).ReadAll()
		var mails []string
		for _, row := range rows[1:] {
			mails = append(mails, row[1])
		}
		slices.Sort(mails)
		for i, mail := range mails {
			rows[i+1][1] = mail
		}
		var b bytes.Buffer
		_ = csv.NewWriter(&b).WriteAll(rows)
		return b.String()
	}},
	{"one e-mail", func(_ *program, text string) string {
		return strings.Replace(text, "c7@example.com", "c8@example.com", 1)
	}},
	{"one session id", func(_ *program, text string) string {
		return strings.Replace(text, sandbox.SessionID("form", "c7@example.com"), sandbox.SessionID("form", "c8@example.com"), 1)
	}},
	{"saved by a spreadsheet", func(_ *program, text string) string { return "\ufeff" + strings.ReplaceAll(text, "\n", "\r\n") }},
	{"a row less", func(_ *program, text string) string {
		lines := strings.SplitAfter(text, "\n")
		return strings.Join(slices.Delete(lines, 3, 4), "")
	}},
	{"another tenant's", func(p *program, _ string) string {
		p.earlier("run", "-i", p.file("list.csv"), "-o", p.file("other.csv"), "--tenant-id", "other")
		b, err := os.ReadFile(p.file("other.csv"))
		require.NoError(p.t, err)
		return string(b)
	}},
}

func TestResultsThatAreNotAsTheirRunWroteThemAreNotRead(t *testing.T) {
	t.Parallel() // one program at a time leaves processors idle
	base := finished(t, sandbox.Options{})
	refused := func(t *testing.T, p *program, want string) {
		before := p.service.Stats().Calls
		for _, args := range [][]string{
			{"retry", p.file("out.csv")},
			{"ledger", "import", p.file("out.csv"), "--ledger", p.file("new.db")},
			{"fixes", p.file("out.csv")},
			{"report", p.file("out.csv"), "--with-rows"},
		} {
			c, stderr := p.command(args...)
			require.Equal(t, cli.ExitState, p.end(c), "%s: %s", args, stderr)
			assert.Contains(t, stderr.String(), want)
			assert.Contains(t, stderr.String(), "restore ")
		}
		assert.Equal(t, before, p.service.Stats().Calls, "no customer is called")
		assert.NoFileExists(t, p.file("new.db"))
		assert.NoFileExists(t, p.file("out.csv.fixes.csv"))
		assert.NoDirExists(t, p.file("out.csv.state"))
	}
	copied := func(t *testing.T) *program {
		p := *base
		p.t, p.folder = t, t.TempDir()
		require.NoError(t, os.CopyFS(p.folder, os.DirFS(base.folder)))
		return &p
	}
	for _, e := range edits {
		t.Run(e.name, func(t *testing.T) {
			p := copied(t)
			p.edit("out.csv", func(text string) string { return e.edit(p, text) })
			refused(t, p, "out.csv has ")
		})
	}
	t.Run("another run's summary", func(t *testing.T) {
		p := copied(t)
		p.earlier("run", "-i", p.file("list.csv"), "-o", p.file("other.csv"), "--form-id", "other")
		require.NoError(t, os.Rename(p.file("other.csv.summary.json"), p.file("out.csv.summary.json")))
		refused(t, p, "out.csv has as many bytes as the run wrote, but not the same")
	})
	t.Run("no summary", func(t *testing.T) {
		p := copied(t)
		require.NoError(t, os.Remove(p.file("out.csv.summary.json")))
		refused(t, p, "out.csv has no summary; name a results file")
	})
	t.Run("a summary that was changed", func(t *testing.T) {
		p := copied(t)
		p.edit("out.csv.summary.json", replace(`"tenantId": "tenant"`, `"tenantId": "other"`))
		refused(t, p, "was changed after it was written")
	})
}

func TestJSONLResultsThatAreNotAsTheirRunWroteThemAreNotRead(t *testing.T) {
	p := newProgram(t, 0, sandbox.Options{})
	var list strings.Builder
	for i := range 9 {
		fmt.Fprintf(&list, `{"customerType":"Individual","customerEmail":"c%d@%s","firstName":"F","lastName":"L"}`+"\n", i, []string{"example.com", "refused.example"}[i/8])
	}
	require.NoError(t, os.WriteFile(p.file("list.csv"), []byte(list.String()), 0o600))
	p.earlier("run", "-i", p.file("list.csv"), "-o", p.file("out.csv"))
	calls := p.service.Stats().Calls
	whole, err := os.ReadFile(p.file("out.csv"))
	require.NoError(t, err)
	for name, edit := range map[string]func(string) string{
		"one e-mail":           replace("c7@example.com", "c6@example.com"),
		"two e-mails":          func(s string) string { return strings.NewReplacer("c6@", "c7@", "c7@", "c6@").Replace(s) },
		"one session id":       replace(sandbox.SessionID("form", "c7@example.com"), sandbox.SessionID("form", "c6@example.com")),
		"formatted":            replace(`{"customerType":`, `{ "customerType":`),
		"another program's":    func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
		"the last line is off": func(s string) string { return s[:len(s)-1] },
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(p.file("out.csv"), whole, 0o600))
			p.edit("out.csv", edit)
			for _, args := range [][]string{{"retry", p.file("out.csv")}, {"ledger", "import", p.file("out.csv"), "--ledger", p.file("new.db")}} {
				c, stderr := p.command(args...)
				require.Equal(t, cli.ExitState, p.end(c), stderr.String())
			}
			assert.Equal(t, calls, p.service.Stats().Calls)
		})
	}
}

// TestACodePageListIsCorrectedWithTheRightLetters has a list in windows-1252, and
// the run's config file, as it is, at every step.
func TestACodePageListIsCorrectedWithTheRightLetters(t *testing.T) {
	var mu sync.Mutex
	names := map[string]string{} // as the service was sent them
	service := sandbox.New(sandbox.Options{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body)
		var sent struct {
			CustomerEmail string
			Individual    struct{ FirstName string }
		}
		_ = json.Unmarshal(body.Bytes(), &sent)
		mu.Lock()
		names[sent.CustomerEmail] = sent.Individual.FirstName
		mu.Unlock()
		r.Body = io.NopCloser(&body)
		service.ServeHTTP(w, r)
	}))
	defer server.Close()
	p := newProgram(t, 0, sandbox.Options{})
	list, err := charmap.Windows1252.NewEncoder().String("customerType;customerEmail;firstName;lastName\nIndividual;ann@example.com;Zoë;Lee\nIndividual;rene;René;Müller\nIndividual;gil@refused.example;Göran;Öst\n")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(p.file("list.csv"), []byte(list), 0o600))
	require.NoError(t, os.WriteFile(p.file("job.yaml"), []byte("input: list.csv\noutput: out.csv\nencoding: windows-1252\nbaseUrl: "+server.URL+"\nrate: 0\nmaxInvalid: 100%\n"), 0o600))
	p.env = append(p.env, "BULKONBOARD_BASE_URL=", "BULKONBOARD_CONFIG="+p.file("job.yaml"))
	p.earlier("run")
	c, stderr := p.command("fixes", p.file("out.csv"), "-o", p.file("fixes.csv"))
	require.Equal(t, 0, p.end(c), stderr.String())
	p.edit("fixes.csv", func(s string) string {
		s = strings.Replace(s, ";rene;René;", ";rené@example.com;René;", 1)
		return strings.Replace(s, "gil@refused.example;Göran", "gil@example.com;Jürgen", 1)
	})
	c, stderr = p.command("retry", p.file("out.csv"), "--fixes", p.file("fixes.csv"))
	require.Equal(t, 0, p.end(c), stderr.String())
	assert.NotContains(t, stderr.String(), "valid UTF-8")
	assert.Equal(t, map[string]string{"ann@example.com": "Zoë", "rené@example.com": "René", "gil@example.com": "Jürgen", "gil@refused.example": "Göran"}, names)
	results, err := os.ReadFile(p.file("out.csv"))
	require.NoError(t, err)
	assert.Contains(t, string(results), "\ufeffcustomerType;")
	assert.Contains(t, string(results), "rené@example.com;René;Müller;ok;")

	// A list that is UTF-8 after all earns a warning.
	require.NoError(t, os.WriteFile(p.file("list.csv"), []byte("customerType;customerEmail;firstName;lastName\nIndividual;zoe@example.com;Zoë;Lee\n"), 0o600))
	c, stderr = p.command("run", "-o", p.file("utf8.csv"))
	require.Equal(t, 0, p.end(c), stderr.String())
	assert.Contains(t, stderr.String(), "warning    the list is valid UTF-8 and is read as windows-1252")
}

func TestResultsThatChangeWhileARetryReadsThemEndIt(t *testing.T) {
	path := t.TempDir() + "/out.csv"
	require.NoError(t, os.WriteFile(path, []byte("as they were"), 0o600))
	size, sum, err := sumOf(path)
	require.NoError(t, err)
	from := &runResults{path: path, summary: &sink.Summary{Output: &sink.File{Size: size, SHA256: sum}}}
	read := func(text string) error {
		j := &job{settings: &settings{retry: &retrying{from: from}}, list: &cli.OpenList{Size: size}, read: newFileSum()}
		j.settings.list.Input = path
		_, _ = j.read.Write([]byte(text))
		return j.readAsProven()
	}
	require.NoError(t, read("as they were"))
	err = read("as they weRe")
	require.ErrorContains(t, err, "has as many bytes as the run wrote, but not the same")
	assert.Equal(t, cli.ExitState, cli.ExitCode(err))
}

func TestARetryReplacesTheRejectsOfItsRunUnlessSomebodyHasChangedThem(t *testing.T) {
	p := finished(t, sandbox.Options{})
	calls := p.service.Stats().Calls
	p.edit("rejects.csv", replace("First5", "Fifth"))
	c, stderr := p.command("retry", p.file("out.csv"))
	require.Equal(t, cli.ExitUsage, p.end(c), stderr.String())
	assert.Contains(t, stderr.String(), "rejects.csv was changed after the run")
	assert.Equal(t, calls, p.service.Stats().Calls)
	require.NoError(t, os.Remove(p.file("rejects.csv")))
	p.earlier("retry", p.file("out.csv"))
	s := p.requireItsSummary(20)
	require.NotNil(t, s.Rejects)
	assert.EqualValues(t, 2, s.Rejects.Rows)
	p.earlier("retry", p.file("out.csv"), "--restart")
	p.requireItsSummary(20)
}

func TestCorrectionsThatChangeWhileTheirRetryIsInterruptedAreRefused(t *testing.T) {
	p := finished(t, sandbox.Options{})
	c, stderr := p.command("fixes", p.file("out.csv"), "-o", p.file("fixes.csv"))
	require.Equal(t, 0, p.end(c), stderr.String())
	p.edit("fixes.csv", replace("c5@refused.example", "c5@example.com"))
	retry := []string{"retry", p.file("out.csv"), "--fixes", p.file("fixes.csv")}
	kept := p.env
	p.env = append(slices.Clip(kept), killedAt(atTheEnd+"1")...)
	c, stderr = p.command(retry...)
	require.Equal(t, -1, p.end(c), stderr.String())
	calls := p.service.Stats().Calls

	p.env = kept
	p.edit("fixes.csv", replace("c5@example.com", "c6@example.com"))
	c, stderr = p.command(retry...)
	require.Equal(t, cli.ExitState, p.end(c), stderr.String())
	assert.Contains(t, stderr.String(), "fixes was ")
	p.edit("fixes.csv", replace("c6@example.com", "c5@example.com"))
	c, stderr = p.command(retry...)
	require.Equal(t, cli.ExitBadRows, p.end(c), stderr.String())
	assert.Equal(t, calls, p.service.Stats().Calls)
	p.requireItsSummary(20)
}
