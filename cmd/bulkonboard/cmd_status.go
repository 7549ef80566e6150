package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"bulkonboard/batch"
	"bulkonboard/batch/state"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

func statusCommand() *cobra.Command {
	var j jobFolder
	c := &cobra.Command{
		Use:   "status RESULTS",
		Short: "Tell how far a run has come, without disturbing it",
		Long: `status tells how far the run has come that writes a results file, or, with --job,
a job in chunks. It disturbs nothing.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case j.path != "" && len(args) == 0:
				return j.showStatus(c.Context(), c.OutOrStdout())
			case j.path == "" && len(args) == 1:
				return showStatus(c.OutOrStdout(), args[0])
			}
			return cli.Problems{"status takes a results file, or --job and a folder; see bulkonboard status --help"}
		},
	}
	j.register(c, "folder of a job in chunks")
	return c
}

func showStatus(w io.Writer, output string) error {
	seen, err := state.Inspect(state.OS{}, stateDirOf(output))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(output); err != nil {
			return cli.Problems{fmt.Sprintf("there is neither %s nor a run that writes it", output)}
		}
		fmt.Fprintf(w, "%s: complete, no run is under way\n", output)
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s: %s\n", output, holding(seen))
	if seen.Checkpoint == nil {
		return nil
	}
	return showCheckpoint(w, output, seen)
}

func holding(s *state.Snapshot) string {
	if !s.Held {
		return "stopped; no process is at it"
	}
	return fmt.Sprintf("running; process %d on %s, since %s", s.Holder.PID, s.Holder.Host, s.Holder.Since.Local().Format(time.DateTime))
}

func showCheckpoint(w io.Writer, output string, s *state.Snapshot) error {
	var totals batch.Totals
	if err := json.Unmarshal(s.Checkpoint.Extra, &totals); err != nil {
		return &state.CorruptError{Path: stateDirOf(output), Reason: "its counts cannot be read: " + err.Error()}
	}
	fmt.Fprintf(w, "  rows     %d written, %s; %d more answered\n", totals.Rows, bytesOf(s.Checkpoint, totals.Origin.List), s.Answers)
	for _, status := range sink.Statuses() {
		if n := totals.Status[status]; n > 0 {
			fmt.Fprintf(w, "  %-8s %d\n", status, n)
		}
	}
	if totals.Open > 0 {
		fmt.Fprintf(w, "  %-8s %d of the %d rows that need attention, since an earlier run\n", "open", totals.Open, totals.Bad())
	}
	fmt.Fprintf(w, "  as of    %s\n", s.Checkpoint.UpdatedAt.Local().Format(time.DateTime))
	if s.Held {
		return nil
	}
	if stopped, err := stoppedSummaryOf(output); err == nil && stopped != nil {
		fmt.Fprintf(w, "  why      %s\n", stopped.Reason)
	}
	fmt.Fprintf(w, "  go on:   %s\n", totals.Origin.Command)
	return nil
}

// bytesOf says how much of the list lies before a place. A compressed list has
// no such share: its size is not that of its rows.
func bytesOf(cp *state.Checkpoint, list string) string {
	name := "the list"
	if list == cli.StandardInputName {
		name = cli.StandardInputName
	}
	if cp.Size < cp.Offset {
		return fmt.Sprintf("%d bytes of %s", cp.Offset, name)
	}
	return fmt.Sprintf("%d of %d bytes of %s (%.0f%%)", cp.Offset, cp.Size, name, 100*float64(cp.Offset)/max(1, float64(cp.Size)))
}
