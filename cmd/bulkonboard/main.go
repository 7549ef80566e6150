// Command bulkonboard takes a company's customer list through a GetSessionId
// service in bulk, without losing, doubling or mixing up a single customer.
package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"bulkonboard/cmd/internal/cli"
)

func main() {
	cli.FitCollector()
	cli.WithoutCore()
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program; it returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return cli.Run(rootCommand(), args, stdin, stdout, stderr)
}

func rootCommand() *cobra.Command {
	root := cli.Root("bulkonboard", "Take a customer list through a GetSessionId service in bulk", `bulkonboard reads a customer list (CSV, JSONL or Excel), asks a GetSessionId service for
a session id for every customer, and writes one result row for every input row,
in the same order. After an interruption, the same command resumes.

Try it without any configuration:
  bulkonboard run --sandbox --input customers.csv --output results.csv`)
	root.AddCommand(runCommand(), retryCommand(), fixesCommand(), checkCommand(), statusCommand(), verifyCommand(), reportCommand(), ledgerCommand(),
		planCommand(), runChunkCommand(), mergeCommand(), retryJobCommand(),
		sandboxCommand(), configCommand(), manCommand(),
		cli.Gone("validate", "check"), cli.Gone("diff", "check"), cli.Gone("again", "retry-job"))
	root.SetHelpCommand(helpCommand())
	return root
}
