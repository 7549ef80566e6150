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

	"bulkonboard/batch/disk"
	"bulkonboard/batch/state"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

func statusCommand() *cobra.Command {
	var j jobFolder
	var asJSON bool
	c := &cobra.Command{
		Use:   "status RESULTS",
		Short: "Show the progress of a run",
		Long: `status shows the run that writes a results file, while it is running and after it
has ended: the rows by status, what needs attention, with a ledger how many
customers are new, known and were refused before, the rate, the time that is left,
and the next command. With --job it shows a job in chunks. It does not disturb a
run.`,
		Example: `  bulkonboard status results.csv
  bulkonboard status results.csv --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case j.path != "" && asJSON:
				return cli.Problems{"--json is for a results file; leave it out with --job"}
			case j.path != "" && len(args) == 0:
				return j.showStatus(c.Context(), c.OutOrStdout())
			case j.path == "" && len(args) == 1:
				return showStatus(c.OutOrStdout(), args[0], asJSON)
			}
			return cli.Problems{"name the results file (bulkonboard status RESULTS), or a job (--job FOLDER)"}
		},
	}
	j.register(c, "folder of a job in chunks")
	c.Flags().BoolVar(&asJSON, "json", false, "print the same as one JSON object")
	return c
}

// runStatus is what can be seen of a run from outside.
type runStatus struct {
	Results string `json:"results"`
	State   string `json:"state"` // running, stopped or complete
	Run     string `json:"run,omitempty"`
	Process string `json:"process,omitempty"` // of a run that is running

	Rows          int64                 `json:"rows"`             // written
	OfRows        int64                 `json:"ofRows,omitempty"` // of the list; 0: not known
	Status        map[sink.Status]int64 `json:"status"`
	NeedAttention int64                 `json:"needAttention"`
	Open          int64                 `json:"open"`                // of these, reported by an earlier run already
	Customers     *sink.Standings       `json:"customers,omitempty"` // by what the ledger knew of them when the run began
	Waiting       int                   `json:"waiting"`             // done, and waiting for an earlier row to be written

	RowsPerSecond  float64   `json:"rowsPerSecond"` // over the running time
	RunningSeconds float64   `json:"runningSeconds"`
	LeftSeconds    float64   `json:"leftSeconds,omitempty"` // until the list is done; of a run that is running
	AsOf           time.Time `json:"asOf"`

	ExitCode *int   `json:"exitCode,omitempty"`
	Reason   string `json:"reason,omitempty"` // why it stopped
	Next     string `json:"next,omitempty"`   // the next command
	Resumes  bool   `json:"-"`                // Next resumes the run
}

func showStatus(w io.Writer, output string, asJSON bool) error {
	s, err := statusOf(output)
	if err != nil {
		return err
	}
	if asJSON {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(s)
	}
	s.print(w)
	return nil
}

// statusOf looks at the state of a run, or else at the summary of the results.
func statusOf(output string) (*runStatus, error) {
	seen, err := state.Inspect(disk.OS{}, cli.StateDirOf(output))
	if errors.Is(err, fs.ErrNotExist) {
		return completeStatus(output)
	}
	if err != nil {
		return nil, err
	}
	s := &runStatus{Results: output, State: "stopped", Status: map[sink.Status]int64{}, AsOf: seen.Holder.Since, Waiting: seen.Answers}
	if seen.Held {
		s.State = "running"
		s.Process = fmt.Sprintf("process %d on %s, since %s", seen.Holder.PID, seen.Holder.Host, seen.Holder.Since.Local().Format(time.DateTime))
	}
	if seen.Checkpoint == nil {
		return s, nil
	}
	return s, s.take(seen.Checkpoint)
}

// take takes in what the checkpoint says, and, of a run that stopped, its
// summary.
func (s *runStatus) take(cp *state.Checkpoint) error {
	totals, err := cli.TotalsOf(cp, cli.StateDirOf(s.Results))
	if err != nil {
		return err
	}
	s.Run, s.AsOf = cp.Run, cp.UpdatedAt
	s.Rows, s.OfRows, s.Status, s.NeedAttention, s.Open = totals.Rows, totals.Ends.Row, totals.Status, totals.Bad(), totals.Open
	s.Customers = totals.Standings
	s.RunningSeconds = totals.Measures.Running.Seconds()
	s.RowsPerSecond = rateOf(s.Rows, s.RunningSeconds)
	if s.State == "running" {
		if left := s.OfRows - s.Rows; left > 0 && s.RowsPerSecond > 0 {
			s.LeftSeconds = float64(left) / s.RowsPerSecond
		}
		return nil
	}
	s.Next, s.Resumes = totals.Origin.Command, true
	if stopped, err := stoppedSummaryOf(s.Results); err == nil && stopped != nil {
		s.Reason, s.ExitCode = stopped.Reason, &stopped.ExitCode
	}
	return nil
}

// completeStatus is the status of results that no run is writing.
func completeStatus(output string) (*runStatus, error) {
	sum, err := summaryOf(output)
	if err != nil && !errors.Is(err, sink.ErrEdited) {
		if _, gone := os.Stat(output); gone != nil {
			return nil, cli.Problems{fmt.Sprintf("there is neither %s nor a run that writes it; check the name", output)}
		}
		return nil, err
	}
	s := &runStatus{
		Results: output, State: "complete", Run: sum.Run, Rows: sum.Rows, OfRows: sum.Rows, Status: sum.Status, ExitCode: &sum.ExitCode,
		RunningSeconds: sum.RunningSeconds, RowsPerSecond: rateOf(sum.Rows, sum.RunningSeconds), Open: sum.Open, AsOf: sum.EndedAt,
		Customers: sum.Standings, NeedAttention: sink.Bad(sum.Status),
	}
	switch {
	case sum.Status[sink.Invalid]+sum.Status[sink.Rejected] > 0:
		s.Next = command("fixes", output)
	case s.NeedAttention > 0:
		s.Next = command("retry", output) + again(sum, nil)
	}
	return s, nil
}

func rateOf(rows int64, seconds float64) float64 {
	return cli.Rounded(float64(rows) / max(seconds, 1e-3))
}

func (s *runStatus) print(w io.Writer) {
	line := func(name, format string, args ...any) {
		cli.PrintFact(w, name, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(w, "%s: %s\n", s.Results, s.headline())
	if s.Run == "" {
		return
	}
	line("rows", "%s", s.rows())
	for _, status := range sink.Statuses() {
		if n := s.Status[status]; n > 0 {
			line(string(status), "%d", n)
		}
	}
	if s.Open > 0 {
		line("open", "%d, already reported by an earlier run", s.Open)
	}
	if c := s.Customers; c != nil {
		line("customers", "%s, by the ledger as the run began", customersText(c))
	}
	if s.Waiting > 0 {
		line("waiting", "%d done, waiting to be written", s.Waiting)
	}
	line("rate", "%g rows/s on average, over %s", s.RowsPerSecond, cli.Roughly(time.Duration(s.RunningSeconds*float64(time.Second))))
	if s.LeftSeconds > 0 {
		left := time.Duration(s.LeftSeconds * float64(time.Second))
		line("time left", "%s (%s)", cli.Roughly(left), cli.Clock(time.Now().Add(left), time.Now(), "15:04"))
	}
	line("as of", "%s", s.AsOf.Local().Format(time.DateTime))
	if s.Reason != "" {
		line("reason", "%s", s.Reason)
	}
	switch {
	case s.Next == "":
	case s.Resumes:
		fmt.Fprintf(w, "  resume     %s\n", s.Next) // a command, to be copied
	default:
		fmt.Fprintf(w, "  next       %s\n", s.Next)
	}
}

// customersText has those of whom there always is a number, and of the others
// only where there are some.
func customersText(c *sink.Standings) string {
	text := fmt.Sprintf("%d new, %d known, %d refused before", c.New, c.Known, c.Refused)
	for _, more := range []struct {
		n    int64
		what string
	}{{c.Changed, "changed"}, {c.Expired, "expired"}, {c.Again, "tried again"}} {
		if more.n > 0 {
			text += fmt.Sprintf(", %d %s", more.n, more.what)
		}
	}
	return text
}

func (s *runStatus) headline() string {
	text := s.State
	switch s.State {
	case "running":
		text += " (" + s.Process + ")"
	case "stopped":
		text += " (no process is running)"
	}
	if s.NeedAttention > 0 {
		text += "; " + (&cli.BadRowsError{Rows: s.NeedAttention}).Error()
	}
	if s.Open > 0 {
		text += fmt.Sprintf(" (%d new)", s.NeedAttention-s.Open)
	}
	return text
}

func (s *runStatus) rows() string {
	if s.OfRows == 0 {
		return fmt.Sprintf("%d written", s.Rows)
	}
	return fmt.Sprintf("%d of %d written (%d%%)", s.Rows, s.OfRows, 100*s.Rows/s.OfRows)
}
