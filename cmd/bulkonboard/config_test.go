package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
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
	from    origins
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
	takesConfig(k.command, "kinds")
	return k
}

// load settles the settings with a config file of this text.
func (k *everyKind) load(t testing.TB, text string) error {
	name := filepath.Join(t.TempDir(), "job.yaml")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	require.NoError(t, k.command.Flags().Set("config", name))
	var err error
	k.from, err = settle(k.command)
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
		{"unknown key", "name: a\nwiat: 1s", `job\.yaml:2: wiat is no setting; did you mean wait\?`},
		{"as the flag is written", "a-number: 1", `job\.yaml:1: a-number is no setting; did you mean aNumber\?`},
		{"in capitals", "ANUMBER: 1", `did you mean aNumber\?`},
		{"like nothing", "wherewithal: 1", `wherewithal is no setting; bulkonboard config init lists them all`},
		{"help", "help: true", `help is no setting`},
		{"config", "config: other.yaml", `config is no setting`},
		{"escape in a key", "\"\\e[2Jname\": 1", `job\.yaml:1: this key is no setting`},
		{"twice", "name: a\non: true\nname: b", `job\.yaml:3: name is given twice, first in line 1`},
		{"secret", "appSecret: hunter2", `job\.yaml:1: the app secret has no place in a config file.*appSecretFile.*BULKONBOARD_APP_SECRET`},
		{"secret as a flag", "app-secret: hunter2", `the app secret has no place`},
		{"no number", "aNumber: many", `job\.yaml:1: aNumber takes a whole number`},
		{"half a number", "aNumber: 1.5", `aNumber takes a whole number`},
		{"no share", "share: a lot", `share takes a number`},
		{"no time", "wait: 30", `wait takes a time such as 30s or 5m`},
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
		{"no YAML", "name: a\n  b: : c\n", `job\.yaml:\d: this is no YAML`},
		{"too much", strings.Repeat("#\n", maxConfigBytes/2+1), `is above 1048576 bytes`},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newEveryKind()
			err := k.load(t, c.text)
			require.Error(t, err)
			assert.Regexp(t, c.want, err.Error())
			assert.NotContains(t, err.Error(), "hunter2")
			assert.NotContains(t, err.Error(), "\x1b")
			assert.Equal(t, exitUsage, exitCode(err))
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
	require.ErrorContains(t, k.load(t, text), `BULKONBOARD_A_NUMBER="many" is no value for --a-number; it takes a whole number`)
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

func TestTheFileThatInitWritesSaysTheDefaultsOfEverySetting(t *testing.T) {
	text := configText(rootCommand())
	uncommented := regexp.MustCompile(`(?m)^#(\w)`).ReplaceAllString(text, "$1")
	for _, name := range []string{"run", "retry"} {
		c, _, err := rootCommand().Find([]string{name})
		require.NoError(t, err)
		defaults := flagsOf(c)
		file := &configFile{name: "job.yaml", folder: "/srv"}
		var p problems
		file.parse([]byte(uncommented), &p)
		from := origins{}
		from.takeFile(c, file, &p)
		require.Empty(t, p)
		assert.Equal(t, defaults, flagsOf(c))
		assert.Len(t, from, len(defaults), "every setting stands in it")
		assert.Len(t, file.entries, len(familyKeys(c)))
	}
	var p problems
	silent := &configFile{name: "job.yaml"}
	silent.parse([]byte(text), &p)
	assert.Empty(t, p)
	assert.Empty(t, silent.entries)
	for line := range strings.Lines(text) {
		assert.LessOrEqual(t, len([]rune(line)), 81)
	}
}

func TestEveryFlagThatNamesAFileIsMarkedAsOne(t *testing.T) {
	for _, c := range rootCommand().Commands() {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if named := regexp.MustCompile(`^(input|output|rejects)$|-?(file|dir)$`).MatchString(f.Name); named {
				assert.True(t, isPath(f), "%s --%s: a path of a config file starts at the file's folder", c.Name(), f.Name)
			}
		})
	}
}

func TestNoSettingHasTheKeyOrVariableOfAnother(t *testing.T) {
	for _, c := range rootCommand().Commands() {
		seen := map[string]string{secretVariable: "the app secret"}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			for _, name := range []string{keyOf(f.Name), variableOf(f.Name)} {
				assert.Empty(t, seen[name], "%s --%s", c.Name(), f.Name)
				seen[name] = f.Name
			}
		})
	}
}

func FuzzConfigIsReadOrRefusedAndWhatIsShownSaysTheSame(f *testing.F) {
	f.Add([]byte("name: 007\nsome: [a, 'b,c']\nmap: {a: b}\nlabel: {x: y}\nwait: 1h\n"))
	f.Add([]byte("name: \"a\\nb\"\non: true\nshare: 1e-3\n"))
	f.Add([]byte("name: |\n  a # b\n  c\n"))
	f.Add([]byte("name: &a [*a]\n<<: *a\n? [k]\n: v\n"))
	f.Add([]byte("name: ' ~'\nsome: ['', ~, 'null', '<<', '2001-01-01']\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		read := func(text []byte) (map[string]string, problems) {
			k := newEveryKind()
			file := &configFile{name: "job.yaml", folder: "/"}
			var p problems
			file.parse(text, &p)
			origins{}.takeFile(k.command, file, &p)
			return flagsOf(k.command), p
		}
		k := newEveryKind()
		file := &configFile{name: "job.yaml", folder: "/"}
		var p problems
		file.parse(text, &p)
		origins{}.takeFile(k.command, file, &p)
		if len(p) > 0 {
			for _, problem := range p {
				require.Contains(t, problem, "job.yaml")
			}
			return
		}
		var shown bytes.Buffer
		k.command.SetOut(&shown)
		new(settings).showConfig(k.command, origins{})
		again, p := read(shown.Bytes())
		require.Empty(t, p, shown.String())
		require.Equal(t, flagsOf(k.command), again, shown.String())
	})
}
