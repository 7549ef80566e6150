package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/sandbox"
	"bulkonboard/cmd/internal/cli"
)

var update = flag.Bool("update", false, "write the golden files of testdata/lists again; look at the difference")

const listsFolder = "../../testdata/lists"

// dirtyLists are the lists of testdata/lists, one a kind of dirt. Beside each
// lie its golden results and rejects or, for a list that is refused, what is
// said.
var dirtyLists = []struct {
	name  string
	code  int
	flags []string
}{
	{"array.jsonl", cli.ExitBadList, nil},
	{"bare-cr.csv", cli.ExitBadRows, nil},
	{"broken-line.jsonl", cli.ExitBadRows, nil},
	{"code-page-header.csv", cli.ExitBadList, nil},
	{"code-page-unnamed.csv", cli.ExitBadRows, nil},
	{"crlf-in-quotes.csv", cli.ExitBadRows, nil},
	{"crlf.jsonl", cli.ExitBadRows, nil},
	{"crm.csv", cli.ExitBadList, nil},
	{"duplicate-field.csv", cli.ExitBadList, nil},
	{"duplicate-header.csv", cli.ExitBadList, nil},
	{"duplicate-keys.jsonl", cli.ExitBadRows, nil},
	{"empty-lines.csv", cli.ExitBadRows, nil},
	{"empty.csv", cli.ExitBadList, nil},
	{"formulas.csv", cli.ExitBadRows, []string{"--formula-safe"}},
	{"gzip-by-content.csv", cli.ExitBadRows, nil},
	{"header-only.csv", cli.ExitBadList, nil},
	{"long-row.csv", cli.ExitBadRows, nil},
	{"nested-flat-mixed.jsonl", cli.ExitBadRows, nil},
	{"no-header-no-address.csv", cli.ExitBadList, nil},
	{"no-header.csv", cli.ExitBadList, nil},
	{"no-last-line-end.csv", cli.ExitBadRows, nil},
	{"nul.csv", cli.ExitBadRows, nil},
	{"paths.jsonl", cli.ExitBadRows, []string{
		"--map", "customerEmail=contact.e-mail", "--map", "firstName=name.given", "--map", "lastName=name.family", "--set", "customerType=Individual",
	}},
	{"pipes.csv", cli.ExitOK, nil},
	{"powershell.csv", cli.ExitBadRows, nil},
	{"quoted-line-break-in-header.csv", cli.ExitBadRows, nil},
	{"replacement-character.csv", cli.ExitBadRows, nil},
	{"sep-line.csv", cli.ExitBadRows, nil},
	{"semicolons.csv", cli.ExitBadRows, nil},
	{"shift_jis.csv", cli.ExitBadRows, []string{"--encoding", "shift_jis"}},
	{"short-row.csv", cli.ExitBadRows, nil},
	{"spaces.csv", cli.ExitBadList, nil},
	{"stray-quotes.csv", cli.ExitBadRows, nil},
	{"tabs.tsv", cli.ExitBadRows, nil},
	{"trailing-delimiter.csv", cli.ExitOK, nil},
	{"utf16be-unmarked.csv", cli.ExitBadRows, []string{"--encoding", "utf-16be"}},
	{"utf16le-unmarked.csv", cli.ExitBadList, nil},
	{"utf16le.csv", cli.ExitBadRows, nil},
	{"utf16le.jsonl", cli.ExitBadRows, nil},
	{"utf8-mark-quoted-header.csv", cli.ExitBadRows, nil},
	{"windows-1252-undefined.csv", cli.ExitBadRows, []string{"--encoding", "windows-1252"}},
	{"windows-1256.csv", cli.ExitBadRows, []string{"--encoding", "windows-1256"}},
	{"zstd-by-content.csv", cli.ExitBadRows, nil},
}

func TestDirtyListsGiveTheirGoldenResultsThroughTheProgram(t *testing.T) {
	for _, c := range dirtyLists {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join(listsFolder, c.name))
			require.NoError(t, err)
			p := newListProgram(t, text)
			code, said := p.run(c.flags...)
			require.Equal(t, c.code, code, said)
			if code == cli.ExitBadList {
				compareGolden(t, c.name+".refused", []byte(strings.ReplaceAll(said, p.folder+"/", "")))
				assert.NoFileExists(t, p.file("out"))
				return
			}
			compareGolden(t, c.name+".results", p.results())
			rejects := p.read("rejects")
			compareGolden(t, c.name+".rejects", rejects)
			p.requireOrder(plainOf(t, text), rejects)
		})
	}
}

func TestEveryDirtyListIsTested(t *testing.T) {
	known := map[string]bool{}
	for _, c := range dirtyLists {
		known[c.name] = true
	}
	found, err := os.ReadDir(listsFolder)
	require.NoError(t, err)
	for _, entry := range found {
		name := entry.Name()
		for _, kind := range []string{".results", ".rejects", ".refused"} {
			name = strings.TrimSuffix(name, kind)
		}
		assert.True(t, known[name], entry.Name())
	}
}

// listProgram is the real program and one list.
type listProgram struct{ *program }

func newListProgram(t *testing.T, list []byte) *listProgram {
	p := &listProgram{&program{t: t, folder: t.TempDir(), service: sandbox.New(sandbox.Options{})}}
	server := httptest.NewServer(p.service)
	t.Cleanup(server.Close)
	p.env = append(os.Environ(), "GORACE="+hasty, "BULKONBOARD_BASE_URL="+server.URL, "BULKONBOARD_APP_ID=app", "BULKONBOARD_TENANT_ID=tenant",
		"BULKONBOARD_FORM_ID=form", "BULKONBOARD_APP_SECRET="+canarySecret, "BULKONBOARD_RATE=0", "BULKONBOARD_MAX_INVALID=100%")
	require.NoError(t, os.WriteFile(p.file("list"), list, 0o600))
	return p
}

func (p *listProgram) run(flags ...string) (code int, said string) {
	c, stderr := p.command(append([]string{"run", "-i", p.file("list"), "-o", p.file("out"), "--rejects", p.file("rejects")}, flags...)...)
	return p.end(c), stderr.String()
}

func (p *listProgram) read(name string) []byte {
	b, err := os.ReadFile(p.file(name))
	require.NoError(p.t, err)
	return b
}

// results are the results without what differs from run to run.
func (p *listProgram) results() []byte {
	sessionID := regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	timestamp := regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`)
	return timestamp.ReplaceAll(sessionID.ReplaceAll(p.read("out"), []byte("SESSION")), []byte("TIME"))
}

// requireOrder checks that the rejects are pieces of the list, in its order.
func (p *listProgram) requireOrder(list, rejects []byte) {
	for len(rejects) > 0 {
		n := 0
		for n < len(rejects) && bytes.HasPrefix(list, rejects[:n+1]) {
			n++
		}
		if n > 0 {
			list, rejects = list[n:], rejects[n:]
			continue
		}
		require.NotEmpty(p.t, list, "rejects are bytes of the list")
		list = list[1:]
	}
}

// plainOf is a list without its compression.
func plainOf(t *testing.T, list []byte) []byte {
	var plain bytes.Buffer
	if zipped, err := gzip.NewReader(bytes.NewReader(list)); err == nil {
		_, err := plain.ReadFrom(zipped)
		require.NoError(t, err)
		return plain.Bytes()
	}
	if !bytes.HasPrefix(list, []byte{0x28, 0xb5, 0x2f, 0xfd}) {
		return list
	}
	zipped, err := zstd.NewReader(bytes.NewReader(list))
	require.NoError(t, err)
	defer zipped.Close()
	_, err = plain.ReadFrom(zipped)
	require.NoError(t, err)
	return plain.Bytes()
}

func compareGolden(t *testing.T, name string, got []byte) {
	path := filepath.Join(listsFolder, name)
	if *update {
		require.NoError(t, os.WriteFile(path, got, 0o600))
	}
	want, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%s is missing; make it with -update, and look at it", path)
	}
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), name)
}

func TestAStrayQuoteCostsItsOwnRecordOfAThousand(t *testing.T) {
	t.Parallel()
	var list, bad strings.Builder
	list.WriteString("customerType,customerEmail,firstName,lastName\n")
	bad.WriteString(list.String())
	for i := 1; i <= 1000; i++ {
		row := fmt.Sprintf("Individual,c%d@example.com,F,L\n", i)
		if i == 3 {
			row = strings.Replace(row, ",F,", `,"F,`, 1)
			bad.WriteString(row)
		}
		list.WriteString(row)
	}
	p := newListProgram(t, []byte(list.String()))
	code, said := p.run()
	require.Equal(t, cli.ExitBadRows, code)
	assert.Contains(t, said, "first in row 3 (line 4): line 4: the quote that opens column 3 (firstName) is not closed")
	assert.Equal(t, 999, bytes.Count(p.read("out"), []byte(",ok,")))
	assert.Equal(t, bad.String(), string(p.read("rejects")))
	assert.Equal(t, 999, p.calls())
}

func TestAFieldOfAMebibyteGoesThrough(t *testing.T) {
	t.Parallel()
	field := strings.Repeat("é, ", 1<<18) + "\n\"\"x"
	require.Greater(t, len(field), 1<<20)
	p := newListProgram(t, []byte("customerType,customerEmail,firstName,lastName,note\nIndividual,a@example.com,A,B,\""+field+"\"\n"))
	code, said := p.run()
	require.Equal(t, cli.ExitOK, code, said)
	assert.True(t, bytes.Contains(p.read("out"), []byte(field)), "the field is carried whole")
}

func TestALineOfTwoMebibytesCostsItsRow(t *testing.T) {
	t.Parallel()
	const row = `{"customerType":"Individual","customerEmail":"%s@example.com","firstName":"A","lastName":"B","note":"%s"}` + "\n"
	long := fmt.Sprintf(row, "long", strings.Repeat("x", 2<<20))
	p := newListProgram(t, []byte(fmt.Sprintf(row, "ann", "")+long+fmt.Sprintf(row, "zoe", "")))
	code, said := p.run()
	require.Equal(t, cli.ExitBadRows, code)
	assert.Contains(t, said, "line_too_long: first in row 2 (line 2)")
	assert.Equal(t, long, string(p.read("rejects")))
	lines := bytes.Split(bytes.TrimSpace(p.read("out")), []byte("\n"))
	require.Len(t, lines, 3)
	for _, line := range lines {
		assert.True(t, json.Valid(line))
	}
	assert.Equal(t, 2, p.calls())
}

// calls is how many customers the service was asked for.
func (p *listProgram) calls() int {
	return int(p.service.Stats().Calls)
}

func TestTheFlagsOfARefusalRunTheList(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(listsFolder, "crm.csv"))
	require.NoError(t, err)
	p := newListProgram(t, text)
	code, said := p.run()
	require.Equal(t, cli.ExitBadList, code)
	spelt := regexp.MustCompile(`(?m)^  (--map .* --map .*)$`).FindStringSubmatch(said)
	require.Len(t, spelt, 2, said)
	words, err := exec.Command("sh", "-c", `printf '%s\n' `+spelt[1]).Output()
	require.NoError(t, err)
	flags := strings.Split(strings.TrimSpace(string(words)), "\n")
	require.Len(t, flags, 6, "three flags")
	code, said = p.run(flags...)
	require.Equal(t, cli.ExitBadRows, code, said)
	compareGolden(t, "crm.csv.results", p.results())
	compareGolden(t, "crm.csv.rejects", p.read("rejects"))
	assert.Equal(t, 2, p.calls())
}

func TestCheckSaysOfAListInAnotherEncodingThatItIsNotUTF8(t *testing.T) {
	t.Parallel()
	p := newListProgram(t, nil)
	list := filepath.Join(listsFolder, "code-page-unnamed.csv")
	check := func(code int, flags ...string) string {
		var out bytes.Buffer
		c, said := p.commandTo(&out, append([]string{"check", "-i", list}, flags...)...)
		require.Equal(t, code, p.end(c), said.String())
		return out.String()
	}
	said := check(cli.ExitBadRows)
	assert.Regexp(t, `(?m)^encoding:   not UTF-8, in which 1 row cannot be read$`, said)
	assert.Contains(t, said, "name the encoding of the list with --encoding")
	assert.Regexp(t, `(?m)^encoding:   windows-1256$`, check(cli.ExitOK, "--encoding", "windows-1256"))
}
