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

	"bulkonboard/source"
)

// Root is the command that all commands of a program are below.
func Root(use, short, long string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long,
		Version:       Version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          Commands,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
}

// Commands are the arguments of a command that only has others below it: none,
// since the name of one of these leads there.
func Commands(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return noSuchCommand(c, args[0])
	}
	return nil
}

// Run is a whole program but for its commands; it returns the exit code. What
// is wrong is said on stderr, unless it has been said.
func Run(root *cobra.Command, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	// Libraries log by themselves what a service has sent, such as bytes that no
	// call asked for, in which the secret and customers may be.
	log.SetOutput(io.Discard)
	root.SetHelpFunc(func(c *cobra.Command, _ []string) { showHelp(c, c.OutOrStdout()) })
	root.SetFlagErrorFunc(flagMistake)
	pointArguments(root)
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

// pointArguments has what is wrong with arguments end with the next step.
func pointArguments(c *cobra.Command) {
	for _, sub := range c.Commands() {
		pointArguments(sub)
	}
	check := c.Args
	if check == nil {
		return
	}
	c.Args = func(c *cobra.Command, args []string) error {
		if err := swallowed(c); err != nil { // no flag was wrong for pflag
			return err
		}
		err := check(c, args)
		if err == nil || strings.Contains(err.Error(), "; ") || strings.Contains(err.Error(), ": ") {
			return err // it says what to do
		}
		if c.HasParent() && !c.HasSubCommands() && check(c, nil) == nil {
			err = mistake("%s takes what it needs behind flags, as in --input LIST; there is something before a flag or after its value, which is not shown as it may be a secret", c.CommandPath())
		}
		return mistake("%v; see %s --help", err, c.CommandPath())
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
