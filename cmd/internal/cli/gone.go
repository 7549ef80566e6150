package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// goneFlag is a flag of earlier versions. Its variable and its key are gone
// with it.
type goneFlag struct {
	name    string
	beside  string // a flag that the commands have which had this one
	instead string // what to type; %s is the program
}

var goneFlags = []goneFlag{
	{"no-preflight", "max-invalid", "leave it out: the list is always read once before the first call"},
	{"accept-refusals", "max-failures", "use --max-failures, such as --max-failures 100%%"},
	{"when-changed", "session-ttl", "leave it out: a customer whose fields have changed is called"},
	{"retry-rejected", "session-ttl", "use %s retry, which sends rejected rows again"},
	{"max-duration", "until", "use --until, such as --until 4h"},
	{"max-wait", "max-outage", "leave it out: what the service asks for is waited for as long as --max-outage allows"},
}

// of reports whether a command had the flag.
func (g *goneFlag) of(c *cobra.Command) bool { return c.Flags().Lookup(g.beside) != nil }

// message says how the flag was written, and what to type instead.
func (g *goneFlag) message(c *cobra.Command, written string) string {
	instead := strings.ReplaceAll(strings.ReplaceAll(g.instead, "%s", c.Root().Name()), "%%", "%")
	return fmt.Sprintf("%s no longer exists; %s", written, instead)
}

// insteadOf says what to type instead of a flag of an earlier version.
func insteadOf(c *cobra.Command, name string) (message string, gone bool) {
	for _, g := range goneFlags {
		if g.name == name && g.of(c) {
			return g.message(c, "--"+g.name), true
		}
	}
	return "", false
}

// goneVariables finds the variables of flags that a command has no longer.
func goneVariables(c *cobra.Command, p *Problems) {
	for _, g := range goneFlags {
		if variable := VariableOf(g.name); os.Getenv(variable) != "" && g.of(c) {
			p.Add(g.message(c, variable))
		}
	}
}

// goneKey says what to write instead of a key of an earlier version.
func goneKey(c *cobra.Command, key string) (message string, gone bool) {
	for _, g := range goneFlags {
		if KeyOf(g.name) == key {
			return g.message(c, key), true
		}
	}
	return "", false
}

// Gone is a command of earlier versions: it says what to type instead.
func Gone(name, instead string) *cobra.Command {
	return &cobra.Command{
		Use:                name,
		Hidden:             true,
		DisableFlagParsing: true,
		RunE: func(c *cobra.Command, _ []string) error {
			return Problems{fmt.Sprintf("%s no longer exists; use %s %s", name, c.Root().Name(), instead)}
		},
	}
}
