package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/cmd/internal/cli"
)

// settledBy settles the settings of a command by a config file of this text.
func settledBy(t *testing.T, c *cobra.Command, text string) cli.Origins {
	name := filepath.Join(t.TempDir(), "job.yaml")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	require.NoError(t, c.Flags().Set("config", name))
	from, err := cli.Settle(c)
	require.NoError(t, err, c.Name())
	return from
}

func TestTheFileThatInitWritesSaysTheDefaultsOfEverySetting(t *testing.T) {
	var out bytes.Buffer
	require.Zero(t, run([]string{"config", "init"}, strings.NewReader(""), &out, &out))
	text := out.String()
	uncommented := regexp.MustCompile(`(?m)^#(\w)`).ReplaceAllString(text, "$1")
	set := map[string]bool{}
	// retry takes input and output from the command line alone.
	for name, onlyTyped := range map[string]int{"run": 0, "retry": 2, "check": 0, "plan": 0, "run-chunk": 0, "merge": 0} {
		c, _, err := rootCommand().Find([]string{name})
		require.NoError(t, err)
		assert.Empty(t, settledBy(t, c, text))
		defaults := cli.ShownSettings(c)
		if _, paced := defaults["rate"]; paced {
			defaults["rate"] = "auto" // plan's has no default
		}
		from := settledBy(t, c, uncommented)
		assert.Equal(t, defaults, cli.ShownSettings(c))
		assert.Len(t, from, len(defaults)-onlyTyped, "every setting stands in it")
		for flag := range from {
			set[flag] = true
		}
	}
	assert.Len(t, regexp.MustCompile(`(?m)^\w+:`).FindAllString(uncommented, -1), len(set))
	for line := range strings.Lines(text) {
		assert.LessOrEqual(t, len([]rune(line)), 81)
	}
}

func TestEveryFlagThatNamesAFileIsMarkedAsOne(t *testing.T) {
	for _, c := range rootCommand().Commands() {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if named := regexp.MustCompile(`^(input|output|rejects)$|-?(file|dir)$`).MatchString(f.Name); named {
				assert.Contains(t, f.Annotations, cobra.BashCompFilenameExt, "%s --%s: a path of a config file starts at the file's folder", c.Name(), f.Name)
			}
		})
	}
}

func TestNoSettingHasTheKeyOrVariableOfAnother(t *testing.T) {
	for _, c := range rootCommand().Commands() {
		seen := map[string]string{"appsecret": "the app secret"}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			name := strings.ReplaceAll(f.Name, "-", "") // whatever is made of the hyphens
			assert.Empty(t, seen[name], "%s --%s", c.Name(), f.Name)
			seen[name] = f.Name
		})
	}
}
