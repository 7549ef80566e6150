package main

import (
	"html"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/sandbox"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

// TestTheCommandsThatAreToldCanBePasted takes what terminal, summary and report
// tell, as it stands, into a shell: the terminal's in the folder of the run, and
// the others' in any.
func TestTheCommandsThatAreToldCanBePasted(t *testing.T) {
	const name = "-it's a \"night\" $HOME.csv"
	p := newProgram(t, 0, sandbox.Options{})
	require.NoError(t, os.WriteFile(p.file("list.csv"), []byte("customerType,customerEmail,firstName,lastName\n"+
		"Individual,ann@example.com,Ann,Lee\nIndividual,gil@refused.example,Gil,Poe\nIndividual,nobody,Bob,Ray\n"), 0o600))
	settings := p.env
	paste := func(folder, command string) string {
		shell := p.shell(command)
		shell.Dir = folder
		out, _ := shell.CombinedOutput()
		assert.LessOrEqual(t, shell.ProcessState.ExitCode(), cli.ExitBadRows, "%s: %s", command, out)
		return string(out)
	}
	said := paste(p.folder, `"$0" run -i list.csv -o './`+strings.ReplaceAll(name, "'", `'\''`)+`' --rate 0 --max-invalid 100%`)

	// The service, tenant and form of the run are not typed again.
	p.env = nil
	for _, variable := range settings {
		if !regexp.MustCompile(`_(BASE_URL|APP_ID|TENANT_ID|FORM_ID)=`).MatchString(variable) {
			p.env = append(p.env, variable)
		}
	}
	told := regexp.MustCompile(`(?m)(?:next:|  )  .*?: (\S.* (?:retry|fixes) .*)$`).FindAllStringSubmatch(said, -1)
	require.Len(t, told, 3, said)
	calls := p.service.Stats().Calls
	assert.Contains(t, paste(p.folder, told[0][1]), ".csv.fixes.csv, with 2 rows")
	assert.Contains(t, paste(p.folder, told[1][1]), "complete: 3 rows")
	assert.Equal(t, calls+1, p.service.Stats().Calls)
	paste(p.folder, told[2][1])

	text, err := os.ReadFile(sink.SummaryPath(p.file(name)))
	require.NoError(t, err)
	s, err := sink.DecodeSummary(text)
	require.NoError(t, err)
	require.Len(t, s.Errors, 2)
	elsewhere := t.TempDir()
	for _, group := range s.Errors {
		require.NoError(t, os.RemoveAll(p.file(name+".fixes.csv")))
		assert.NotContains(t, paste(elsewhere, group.Retry), "already complete")
	}
	page := paste(p.folder, `"$0" report './`+strings.ReplaceAll(name, "'", `'\''`)+`' -o -`)
	codes := regexp.MustCompile(`<pre><code>(.*)</code></pre>`).FindAllStringSubmatch(page, -1)
	require.Len(t, codes, 4)
	for _, code := range codes {
		require.NoError(t, os.RemoveAll(p.file(name+".fixes.csv")))
		assert.NotContains(t, paste(elsewhere, html.UnescapeString(regexp.MustCompile(`</?span>`).ReplaceAllString(code[1], ""))), "already complete")
	}
}
