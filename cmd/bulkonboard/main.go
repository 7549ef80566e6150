// Command bulkonboard takes a company's customer list through a GetSessionId
// service in bulk, without losing, doubling or mixing up a single customer.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"bulkonboard/source"
)

func main() {
	fitCollector()
	withoutCore()
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program; it returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(context.Background())
	if message := messageOf(err); message != "" {
		fmt.Fprintln(stderr, "bulkonboard: "+message)
	}
	return exitCode(err)
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "bulkonboard",
		Short: "Take a customer list through a GetSessionId service in bulk",
		Long: `bulkonboard reads a customer list (CSV or JSONL), asks a GetSessionId service for
a session id for every customer, and writes one result row for every input row,
in input order. An interrupted run goes on with the same command.

Try it without any configuration:
  bulkonboard run --sandbox --input customers.csv --output results.csv`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unknown command %q", args[0])
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, c.CommandPath())
	})
	root.AddCommand(runCommand(), retryCommand(), validateCommand(), statusCommand(), verifyCommand(), reportCommand(), ledgerCommand(), diffCommand(),
		sandboxCommand(), configCommand(), manCommand())
	pointToHelp(root)
	return root
}

// pointToHelp has what is wrong with arguments end with the next step.
func pointToHelp(c *cobra.Command) {
	for _, sub := range c.Commands() {
		pointToHelp(sub)
	}
	check := c.Args
	if check == nil {
		return
	}
	c.Args = func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return fmt.Errorf("%w; see %s --help", err, c.CommandPath())
		}
		return nil
	}
}

// version is what the build knows about itself.
func version() string { return moduleVersion() + " " + runtime.Version() }

// moduleVersion is that without the version of Go.
func moduleVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && (v == "" || v == "(devel)"):
			v = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			v += "+changes"
		}
	}
	return v
}

// messageOf is what is said of an error. Errors that have already been said, in
// a summary or in the log, have none.
func messageOf(err error) string {
	var bad *badRowsError
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
