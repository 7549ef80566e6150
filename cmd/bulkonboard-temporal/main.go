// Command bulkonboard-temporal takes customer lists through a GetSessionId
// service on many machines, with Temporal to say who does what.
//
//   - cmd_*.go are the commands, client*.go what they ask of Temporal and the store
//   - workflow.go, quota_workflow.go and schedule_workflow.go are the workflows;
//     payloads.go has all that goes through Temporal
//   - activities.go and task.go are what a worker does for a part of a job, on top
//     of the package chunks; heartbeat.go keeps it from working on a part that the
//     server has given to another
//   - trouble.go decides whose fault it is when calls are not answered, with what
//     neighbors.go tells of the other parts; health.go keeps a sick worker from
//     taking parts
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

// family is all commands: one config file serves them.
var family = cli.Family{Name: "temporal", Init: "bulkonboard-temporal config init"}

const configText = `# Settings of bulkonboard-temporal, for any of its commands with --config FILE
# (or BULKONBOARD_CONFIG=FILE): each takes those that it has.
#
# Every setting stands here at its default: take the # away to change one. A
# flag overrides its environment variable (--base-url, BULKONBOARD_BASE_URL),
# which overrides this file. A relative path starts at the folder of this file. A
# key that is not a setting is refused.
#
# The app secret is never written here: name its file with appSecretFile, or set
# BULKONBOARD_APP_SECRET.
`

func rootCommand() *cobra.Command {
	root := cli.Root("bulkonboard-temporal", "Take customer lists through a GetSessionId service on many machines", `bulkonboard-temporal does what bulkonboard run does, in parts, on any number of
machines that share a store and a Temporal server. When a machine dies, another
continues its work. All of them together keep to one rate.

On each machine that is to work:
  bulkonboard-temporal worker --store /mnt/share --base-url URL --app-id ID

And then, from anywhere:
  bulkonboard-temporal submit --store /mnt/share --input customers.csv --rate 50 …`)
	root.AddCommand(workerCommand(), submitCommand(), statusCommand(), cancelCommand(), resumeCommand(), retryCommand(),
		scheduleCommand(), cli.ConfigCommand(family, "submit", configText))
	return root
}
