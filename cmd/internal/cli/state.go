package cli

// What the programs read in the state of a run.

import (
	"encoding/json"
	"strings"

	"bulkonboard/batch"
	"bulkonboard/batch/state"
)

// StateDirOf is the state folder of the run that writes a results file.
func StateDirOf(results string) string { return results + ".state" }

// CommandOf is the command whose state a checkpoint is of: run, retry or merge.
func CommandOf(cp *state.Checkpoint) string {
	command, _, _ := strings.Cut(cp.Binding[batch.CommandBond], " ")
	return command
}

// TotalsOf are the totals in a checkpoint of a state folder.
func TotalsOf(cp *state.Checkpoint, folder string) (*batch.Totals, error) {
	var totals batch.Totals
	if err := json.Unmarshal(cp.Extra, &totals); err != nil {
		return nil, &state.CorruptError{Path: folder, Reason: "its counts cannot be read: " + err.Error()}
	}
	return &totals, nil
}
