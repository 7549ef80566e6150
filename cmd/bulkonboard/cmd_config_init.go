package main

import (
	"github.com/spf13/cobra"

	"bulkonboard/cmd/internal/cli"
)

const initText = `# Settings of a bulkonboard job, for bulkonboard run --config FILE and
# bulkonboard retry RESULTS --config FILE (or BULKONBOARD_CONFIG=FILE).
#
# Every setting stands here at its default: take the # away to change one. A
# flag overrides its environment variable (--base-url, BULKONBOARD_BASE_URL),
# which overrides this file. A relative path starts at the folder of this file,
# not at the folder that the job is started in. A key that is not a setting is
# refused.
#
# The app secret is never written here: name its file with appSecretFile, or set
# BULKONBOARD_APP_SECRET. To see what a job would use, and where it comes from:
# bulkonboard run --config FILE --print-config
`

func configCommand() *cobra.Command { return cli.ConfigCommand(jobFamily, "run", initText) }
