// Package cli is what the programs' command lines share: settings from flags,
// variables and config files, the secret, the log, and exit codes.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bulkonboard/source"
)

// Root is the command that all commands of a program are below.
func Root(use, short, long string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long,
		Version:       Version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return Problems{fmt.Sprintf("unknown command %q", args[0])}
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
}

// Run is a whole program but for its commands; it returns the exit code. What
// is wrong is said on stderr, unless it has been said.
func Run(root *cobra.Command, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	// Libraries log by themselves what a service has sent, such as bytes that no
	// call asked for, in which the secret and customers may be.
	log.SetOutput(io.Discard)
	pointToHelp(root)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(Plain{stdout})
	root.SetErr(Plain{stderr})
	err := root.ExecuteContext(context.Background())
	if message := messageOf(err); message != "" {
		fmt.Fprintln(Plain{stderr}, root.Name()+": "+message)
	}
	return ExitCode(err)
}

// pointToHelp has what is wrong with flags and arguments end with the next
// step.
func pointToHelp(root *cobra.Command) {
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return Problems{fmt.Sprintf("%v; see %s --help", goneFlagOf(c, withoutValue(err)), c.CommandPath())}
	})
	pointArguments(root)
}

// withoutValue leaves out what was typed behind a flag with a single dash, which
// may be a secret.
func withoutValue(err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || unknown.GetSpecifiedShortnames() == "" {
		return err
	}
	name, _, _ := strings.Cut(unknown.GetSpecifiedShortnames(), "=")
	return fmt.Errorf("there is no flag -%s; the name of a flag has two dashes before it", name)
}

func pointArguments(c *cobra.Command) {
	for _, sub := range c.Commands() {
		pointArguments(sub)
	}
	check := c.Args
	if check == nil {
		return
	}
	c.Args = func(c *cobra.Command, args []string) error {
		err := check(c, args)
		if err != nil && c.HasParent() && !c.HasSubCommands() && check(c, nil) == nil {
			err = Problems{fmt.Sprintf("%s takes what it needs behind flags, as in --input LIST; there is something before a flag or after its value, which is not shown as it may be a secret", c.CommandPath())}
		}
		if err != nil {
			return Problems{fmt.Sprintf("%v; see %s --help", err, c.CommandPath())}
		}
		return nil
	}
}

// messageOf is what is said of an error. Errors that have already been said, in
// a summary or in the log, have none.
func messageOf(err error) string {
	var bad *BadRowsError
	var logged *loggedError
	if err == nil || errors.As(err, &bad) || errors.As(err, &logged) {
		return ""
	}
	var list *source.ListError
	if errors.As(err, &list) && list.Hint != "" {
		return err.Error() + "\n" + list.Hint
	}
	return err.Error()
}
