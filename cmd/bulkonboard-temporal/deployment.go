package main

import (
	"github.com/spf13/cobra"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"bulkonboard/cmd/internal/cli"
)

// deploymentFlags make a worker one version of a deployment, in the sense of
// Temporal's Worker Versioning: it gets work only from when that version is made
// the current one.
type deploymentFlags struct{ name, build string }

func (d *deploymentFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&d.name, "deployment", "", "`NAME` of the Worker Deployment (Worker Versioning) that the worker is a version of; it takes no parts before that version is the current one")
	c.Flags().StringVar(&d.build, "build-id", "", "`ID` of that version (default: the version of the program)")
}

func (d *deploymentFlags) check(p *cli.Problems) {
	if d.build != "" && d.name == "" {
		p.Add("--build-id without --deployment: name the deployment, too")
	}
}

// options are those of the SDK. A job under way continues with the version that
// becomes the current one: its workflow can be replayed by every later version,
// and each of its parts can be tried again anywhere.
func (d *deploymentFlags) options() worker.DeploymentOptions {
	if d.name == "" {
		return worker.DeploymentOptions{}
	}
	build := d.build
	if build == "" {
		build = cli.ModuleVersion()
	}
	return worker.DeploymentOptions{
		UseVersioning: true, Version: worker.WorkerDeploymentVersion{DeploymentName: d.name, BuildID: build},
		DefaultVersioningBehavior: workflow.VersioningBehaviorAutoUpgrade,
	}
}
