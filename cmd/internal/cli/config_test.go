package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// everyKind is a command with a flag of every kind.
type everyKind struct {
	command *cobra.Command
	name    string
	number  int
	share   float64
	wait    time.Duration
	on      bool
	some    []string
	fields  []string
	labels  map[string]string
	file    string
	from    Origins
}

func newEveryKind() *everyKind {
	k := &everyKind{command: &cobra.Command{Use: "kinds"}}
	f := k.command.Flags()
	f.StringVar(&k.name, "name", "nobody", "")
	f.IntVar(&k.number, "a-number", 7, "")
	f.Float64Var(&k.share, "share", 0.5, "")
	f.DurationVar(&k.wait, "wait", time.Minute, "")
	f.BoolVar(&k.on, "on", false, "")
	f.StringSliceVar(&k.some, "some", nil, "")
	f.StringArrayVar(&k.fields, "map", nil, "`FIELD=COLUMN` that is read")
	f.StringToStringVar(&k.labels, "label", nil, "")
	f.StringVar(&k.file, "file", "", "")
	_ = k.command.MarkFlagFilename("file")
	TakesConfig(k.command, Family{"kinds", "bulkonboard config init"})
	return k
}

// load settles the settings with a config file of this text.
func (k *everyKind) load(t testing.TB, text string) error {
	name := filepath.Join(t.TempDir(), "job.yaml")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	require.NoError(t, k.command.Flags().Set("config", name))
	var err error
	k.from, err = Settle(k.command)
	return err
}

func TestEveryKindOfSettingIsReadAsItWasWritten(t *testing.T) {
	k := newEveryKind()
	require.NoError(t, k.load(t, `# a comment
name: 007
aNumber: 12
share: 0.25
wait: 1h30m
on: true
some: [a, "b,c"]
map:
  customerEmail: E-mail
  firstName: "Given, name"
label: {a: "x,y", b: 2}
file: lists/today.csv
`))
	assert.Equal(t, "007", k.name)
	assert.Equal(t, 12, k.number)
	assert.InDelta(t, 0.25, k.share, 0)
	assert.Equal(t, 90*time.Minute, k.wait)
	assert.True(t, k.on)
	assert.Equal(t, []string{"a", "b,c"}, k.some)
	assert.Equal(t, []string{"customerEmail=E-mail", "firstName=Given, name"}, k.fields)
	assert.Equal(t, map[string]string{"a": "x,y", "b": "2"}, k.labels)
	assert.Equal(t, filepath.Join(filepath.Dir(configName(k.command)), "lists/today.csv"), k.file)
	assert.Equal(t, configName(k.command)+":3", k.from["a-number"])
}

func TestAnEmptyValueOrFileSaysNothing(t *testing.T) {
	for _, text := range []string{"", "# only this\n", "---\n", "name:\naNumber: ~\n", "name: null"} {
		k := newEveryKind()
		require.NoError(t, k.load(t, text), text)
		assert.Equal(t, "nobody", k.name)
		assert.Equal(t, 7, k.number)
	}
}

func TestAPathOfTheFileStartsAtItsFolderUnlessItSaysOtherwise(t *testing.T) {
	f := &configFile{folder: filepath.FromSlash("/srv/job")}
	assert.Equal(t, filepath.FromSlash("/srv/list.csv"), f.path("../list.csv"))
	assert.Equal(t, "-", f.path("-"))
	assert.Empty(t, f.path(""))
	absolute, err := filepath.Abs("list.csv")
	require.NoError(t, err)
	assert.Equal(t, absolute, f.path(absolute))
}

func TestWhatIsWrongWithAFileIsSaidWithItsLine(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", "name: a\nwiat: 1s", `job\.yaml:2: wiat is not a setting; did you mean wait\?`},
		{"as the flag is written", "a-number: 1", `job\.yaml:1: a-number is not a setting; did you mean aNumber\?`},
		{"in capitals", "ANUMBER: 1", `did you mean aNumber\?`},
		{"like nothing", "wherewithal: 1", `wherewithal is not a setting; bulkonboard config init lists them all`},
		{"help", "help: true", `help is not a setting`},
		{"config", "config: other.yaml", `config is not a setting`},
		{"escape in a key", "\"\\e[2Jname\": 1", `job\.yaml:1: this key is not a setting`},
		{"twice", "name: a\non: true\nname: b", `job\.yaml:3: name is given twice, first in line 1`},
		{"secret", "appSecret: hunter2", `job\.yaml:1: the app secret has no place in a config file.*appSecretFile.*BULKONBOARD_APP_SECRET`},
		{"secret as a flag", "app-secret: hunter2", `the app secret has no place`},
		{"no number", "aNumber: many", `job\.yaml:1: aNumber takes a whole number`},
		{"half a number", "aNumber: 1.5", `aNumber takes a whole number`},
		{"no share", "share: a lot", `share takes a number`},
		{"no time", "wait: 30", `wait takes a number with a unit, such as 30s or 5m`},
		{"no truth", "on: yes", `on takes true or false`},
		{"a number for a truth", "on: 1", `on takes true or false`},
		{"list for one", "name: [a, b]", `name takes one value, not a list`},
		{"list for a truth", "on: [true]", `on takes one value, not a list`},
		{"mapping for one", "name: {a: b}", `name takes single values`},
		{"mapping for a list", "some: {a: b}", `some takes single values`},
		{"list in a list", "some: [[a]]", `some takes single values`},
		{"pair twice", "map: {a: b, a: c}", `map takes each key once`},
		{"alias", "name: &x a\nsome: [*x]", `job\.yaml:2: some takes a value written out, not an alias`},
		{"tag", "name: !!binary aGVsbG8=", `name takes a plain value`},
		{"no mapping", "- name\n- a", `job\.yaml:1: a config file is lines of`},
		{"one word", "name", `a config file is lines of`},
		{"two documents", "name: a\n---\nname: b", `job\.yaml:\d: a second document`},
		{"no YAML", "name: a\n  b: : c\n", `job\.yaml:\d: this is not YAML`},
		{"too much", strings.Repeat("#\n", maxConfigBytes/2+1), `is above 1048576 bytes`},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newEveryKind()
			err := k.load(t, c.text)
			require.Error(t, err)
			assert.Regexp(t, c.want, err.Error())
			assert.NotContains(t, err.Error(), "hunter2")
			assert.NotContains(t, err.Error(), "\x1b")
			assert.Equal(t, ExitUsage, ExitCode(err))
			assert.Equal(t, 7, k.number, "what is wrong changes nothing")
		})
	}
}

func TestAFlagGoesBeforeItsVariableAndThatBeforeTheFile(t *testing.T) {
	text := "name: file\naNumber: 1\nsome: [file]\n"
	k := newEveryKind()
	t.Setenv("BULKONBOARD_NAME", "variable")
	t.Setenv("BULKONBOARD_SOME", "variable")
	require.NoError(t, k.command.Flags().Set("some", "typed"))
	require.NoError(t, k.load(t, text))
	assert.Equal(t, []string{"typed"}, k.some)
	assert.Equal(t, "variable", k.name)
	assert.Equal(t, 1, k.number)
	assert.Equal(t, "BULKONBOARD_NAME", k.from["name"])

	t.Setenv("BULKONBOARD_A_NUMBER", "many")
	k = newEveryKind()
	require.ErrorContains(t, k.load(t, text), `BULKONBOARD_A_NUMBER="many" is not a value for --a-number; it takes a whole number`)
	assert.Equal(t, 7, k.number, "a variable that is wrong does not let the file speak")
}

// flagsOf are the values of all settings.
func flagsOf(c *cobra.Command) map[string]string {
	values := map[string]string{}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if isSetting(f) {
			values[f.Name] = f.Value.String()
		}
	})
	return values
}

func FuzzConfigIsReadOrRefusedAndWhatIsShownSaysTheSame(f *testing.F) {
	f.Add([]byte("name: 007\nsome: [a, 'b,c']\nmap: {a: b}\nlabel: {x: y}\nwait: 1h\n"))
	f.Add([]byte("name: \"a\\nb\"\non: true\nshare: 1e-3\n"))
	f.Add([]byte("name: |\n  a # b\n  c\n"))
	f.Add([]byte("name: &a [*a]\n<<: *a\n? [k]\n: v\n"))
	f.Add([]byte("name: ' ~'\nsome: ['', ~, 'null', '<<', '2001-01-01']\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		read := func(text []byte) (map[string]string, Problems) {
			k := newEveryKind()
			file := &configFile{name: "job.yaml", folder: "/"}
			var p Problems
			file.parse(text, &p)
			Origins{}.takeFile(k.command, file, &p)
			return flagsOf(k.command), p
		}
		k := newEveryKind()
		file := &configFile{name: "job.yaml", folder: "/"}
		var p Problems
		file.parse(text, &p)
		Origins{}.takeFile(k.command, file, &p)
		if len(p) > 0 {
			for _, problem := range p {
				require.Contains(t, problem, "job.yaml")
			}
			return
		}
		var shown bytes.Buffer
		k.command.SetOut(&shown)
		Origins{}.Show(k.command, "not set")
		again, p := read(shown.Bytes())
		require.Empty(t, p, shown.String())
		require.Equal(t, flagsOf(k.command), again, shown.String())
	})
}

func TestAProblemNamesWhereEverySettingInItComesFrom(t *testing.T) {
	from := Origins{"base-url": "job.yaml:3", "timeout": "BULKONBOARD_TIMEOUT"}
	for problem, want := range map[string]string{
		"--base-url: not a valid URL":                                   "job.yaml:3: --base-url: not a valid URL",
		"--sandbox and --base-url contradict each other: leave one out": "--sandbox and --base-url (job.yaml:3) contradict each other: leave one out",
		"--base-url and --timeout differ: lower --timeout":              "job.yaml:3: --base-url and --timeout (BULKONBOARD_TIMEOUT) differ: lower --timeout",
		"--rate is \"fast\"; it takes attempts per second":              "--rate is \"fast\"; it takes attempts per second",
		"the app secret is missing: name a file with --app-secret-file": "the app secret is missing: name a file with --app-secret-file",
		"--base-urls is not --base-url":                                 "--base-urls is not --base-url (job.yaml:3)",
	} {
		assert.Equal(t, Problems{want}, from.named(Problems{problem}))
	}
}
