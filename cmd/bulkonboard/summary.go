package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"bulkonboard/batch"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

// What is said at the end of a run, a retry or a merge.

// conclusion is what the end of a command says beyond what it counted.
type conclusion struct {
	outputs *outputs
	ceiling float64                     // of --rate; 0 for none
	again   func(codes []string) string // what a retry with these error codes must add
}

// printSummary says at the end of a run what happened, where the results are
// and what to do next.
func printSummary(w io.Writer, s *conclusion, sum *batch.Summary) {
	fmt.Fprintf(w, "\n%s\n", headline(sum))
	if sum.Complete && sum.Rows == 0 {
		fmt.Fprintf(w, "  the list has no customers: no customer was called\n")
	}
	for _, status := range sink.Statuses() {
		if n := sum.Status[status]; n > 0 {
			fmt.Fprintf(w, "  %-10s %d\n", status, n)
		}
	}
	cli.PrintFact(w, "attempts", sentText(sum)+", "+throttledText(sum))
	printPace(w, s, sum)
	if sum.InDoubt > 0 {
		cli.PrintFact(w, "in doubt", cli.Counted(sum.InDoubt, "call")+" in flight at an interruption and sent again: these customers may have been called twice")
	}
	if shared := sum.SharedIDs; shared != nil {
		of := fmt.Sprintf("of row %d", shared.Of)
		if shared.Of == 0 {
			of = "of a customer that the ledger knows"
		}
		cli.PrintFact(w, "same id", fmt.Sprintf("%s with the session id of another customer, the first in row %d, %s: do not use these before it is clear why (a cache before the service?)",
			cli.Counted(shared.Count, "row"), shared.Row, of))
	}
	if sum.Open > 0 {
		cli.PrintFact(w, "open", fmt.Sprintf("%d of %d needing attention, already reported by an earlier run", sum.Open, sum.Bad()))
	}
	news, open := sum.Errors.Apart()
	cli.PrintErrors(w, "errors, most frequent first", news)
	cli.PrintErrors(w, "open since an earlier run, most frequent first", open)
	printNext(w, s, sum)
}

// logSummary logs what people see at the end of a start.
func logSummary(v *cli.Voice, s *conclusion, sum *batch.Summary, code int) {
	event, level := "complete", slog.LevelInfo
	if !sum.Complete {
		event, level = "stopped", slog.LevelWarn
	} else if sum.News() > 0 {
		level = slog.LevelWarn
	}
	attrs := []any{"event", event, "rows", sum.Rows}
	for _, status := range sink.Statuses() {
		if n := sum.Status[status]; n > 0 {
			attrs = append(attrs, string(status), n)
		}
	}
	attrs = append(attrs, "open", sum.Open, "attempts", sum.Attempts, "resumed", sum.Resumed, "in_doubt", sum.InDoubt,
		"exit_code", code, "summary", sink.SummaryPath(s.outputs.results))
	v.Told.Log(context.Background(), level, event, attrs...)
}

func headline(sum *batch.Summary) string {
	word := "complete"
	if !sum.Complete {
		word = "INCOMPLETE"
	}
	rows := sum.Rows - sum.RowsBefore
	rate := float64(rows) / max(sum.Duration.Seconds(), 1e-3)
	text := word + ": " + cli.Counted(sum.Rows, "row")
	if sum.RowsBefore > 0 {
		text += fmt.Sprintf(", %d of them in this run", rows)
	}
	return fmt.Sprintf("%s in %s (%.0f rows/s)", text, sum.Duration.Round(10*time.Millisecond), rate)
}

// sentText counts attempts. Of a run that was interrupted, some were for rows
// that are not done, or behind one that is not.
func sentText(sum *batch.Summary) string {
	if sum.Complete {
		return fmt.Sprintf("%d sent", sum.Attempts)
	}
	return fmt.Sprintf("%d sent for these rows, and %d by this run in all", sum.Attempts, sum.Pace.Sent)
}

func throttledText(sum *batch.Summary) string {
	if sum.Pace.Throttled == 0 {
		return "none throttled"
	}
	share := 100 * float64(sum.Pace.Throttled) / float64(max(sum.Pace.Sent, 1))
	return fmt.Sprintf("%d of this run's throttled (429, %.2g%%), nothing sent for %s because of it", sum.Pace.Throttled, share, sum.Pace.Held.Round(100*time.Millisecond))
}

// printPace says how the service held up, and what to ask of it next time.
func printPace(w io.Writer, s *conclusion, sum *batch.Summary) {
	if sum.Pace.Outages > 0 {
		cli.PrintFact(w, "outages", fmt.Sprintf("%d, for %s in all, in which no row lost an attempt", sum.Pace.Outages, sum.Pace.Outage.Round(100*time.Millisecond)))
	}
	if found := cli.Rounded(sum.Pace.Learned); found > 0 && found != s.ceiling {
		cli.PrintFact(w, "pace", fmt.Sprintf("%g/s is what the service takes; try --rate %g", found, found))
	}
}

func printNext(w io.Writer, s *conclusion, sum *batch.Summary) {
	switch {
	case !sum.Complete:
		fmt.Fprintf(w, "so far:  %s done, in %s\n", cli.Counted(sum.Rows, "row"), s.outputs.stateDir())
		fmt.Fprintf(w, "resume:  %s\n", sum.Origin.Command)
	case sum.Bad() > 0:
		fmt.Fprintf(w, "results: %s\n", s.outputs.results)
		fmt.Fprintf(w, "summary: %s\n", sink.SummaryPath(s.outputs.results))
		if s.outputs.rejects != "" {
			fmt.Fprintf(w, "rejects: %s\n", s.outputs.rejects)
		}
		s.printWork(w, sum)
	default:
		fmt.Fprintf(w, "results: %s\n", s.outputs.results)
		fmt.Fprintf(w, "summary: %s\n", sink.SummaryPath(s.outputs.results))
	}
}

// printWork says what can be done about the rows that need attention.
func (s *conclusion) printWork(w io.Writer, sum *batch.Summary) {
	title := "next:"
	say := func(what, command string) {
		cli.PrintCommand(w, title, what, command)
		title = ""
	}
	refused, failed := sum.Status[sink.Rejected], sum.Status[sink.Failed]
	if sum.Status[sink.Invalid]+refused > 0 {
		say("correct rows that are invalid or rejected", command("fixes", s.outputs.results))
	}
	if refused+failed > 0 {
		say("send again what failed or was rejected, as it is", command("retry", s.outputs.results)+s.again(nil))
	}
	if groups := sum.Errors.MostFrequent(); len(groups) > 1 {
		first := groups[0]
		say("only rows of one kind, such as", groupCommand(command, s.outputs.results, first.Status, first.Code, s.again([]string{first.Code})))
	}
}
