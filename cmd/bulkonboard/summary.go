package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"bulkonboard/batch"
	"bulkonboard/sink"
)

// shownErrors is how many error groups a summary shows before it points to the
// results file.
const shownErrors = 10

// printSummary says at the end of a run what happened, where the results are
// and what to do next.
func printSummary(w io.Writer, s *settings, sum *batch.Summary) {
	fmt.Fprintf(w, "\n%s\n", headline(sum))
	if sum.Complete && sum.Rows == 0 {
		fmt.Fprintf(w, "  the list has no customers: nobody was called\n")
	}
	for _, status := range sink.Statuses() {
		if n := sum.Status[status]; n > 0 {
			fmt.Fprintf(w, "  %-10s %d\n", status, n)
		}
	}
	fmt.Fprintf(w, "  %-10s %d sent, %s\n", "attempts", sum.Attempts, throttledText(sum))
	if sum.InDoubt > 0 {
		fmt.Fprintf(w, "  %-10s %d calls were in flight at an interruption and sent again: these customers may have been called twice\n", "in doubt", sum.InDoubt)
	}
	printErrors(w, sum)
	printNext(w, s, sum)
}

func headline(sum *batch.Summary) string {
	word := "complete"
	if !sum.Complete {
		word = "INCOMPLETE"
	}
	rows := sum.Rows - sum.RowsBefore
	rate := float64(rows) / max(sum.Duration.Seconds(), 1e-3)
	text := fmt.Sprintf("%s: %d rows", word, sum.Rows)
	if sum.RowsBefore > 0 {
		text += fmt.Sprintf(", %d of them in this run", rows)
	}
	return fmt.Sprintf("%s in %s (%.0f rows/s)", text, sum.Duration.Round(10*time.Millisecond), rate)
}

func throttledText(sum *batch.Summary) string {
	if sum.Pace.Throttled == 0 {
		return "none throttled"
	}
	return fmt.Sprintf("%d throttled (429)", sum.Pace.Throttled)
}

func printErrors(w io.Writer, sum *batch.Summary) {
	groups := sum.Commonest()
	if len(groups) == 0 {
		return
	}
	fmt.Fprintln(w, "errors, the commonest first")
	for i, g := range groups {
		if i == shownErrors {
			fmt.Fprintf(w, "  and %d more kinds; see the column errorCode\n", len(groups)-i)
			return
		}
		fmt.Fprintf(w, "  %-8d %-9s %s: first in row %d (line %d): %s\n", g.Count, g.Status, g.Code, g.FirstRow, g.FirstLine, g.Message)
	}
}

func printNext(w io.Writer, s *settings, sum *batch.Summary) {
	switch {
	case !sum.Complete:
		fmt.Fprintf(w, "so far:  %s, in %s\n", rowsDone(sum), s.stateDir())
		fmt.Fprintf(w, "go on:   %s\n", sum.Origin.Command)
	case sum.Bad() > 0:
		fmt.Fprintf(w, "results: %s\n", s.output)
		if s.rejects != "" {
			fmt.Fprintf(w, "rejects: %s\n", s.rejects)
		}
		fmt.Fprintf(w, "next:    mend the rows that did not end well, in the results themselves, and then: bulkonboard retry %s\n", quoted(s.output))
	default:
		fmt.Fprintf(w, "results: %s\n", s.output)
	}
}

func rowsDone(sum *batch.Summary) string {
	if sum.Rows == 1 {
		return "1 row done"
	}
	return strings.TrimSpace(fmt.Sprintf("%d rows done", sum.Rows))
}
