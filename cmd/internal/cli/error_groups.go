package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"bulkonboard/batch/measure"
	"bulkonboard/sink"
)

// shownErrors is how many error groups a summary shows before it points to the
// results file.
const shownErrors = 10

// PrintErrors shows the most frequent errors under a title.
func PrintErrors(w io.Writer, title string, errors measure.ErrorGroups) {
	if len(errors) == 0 {
		return
	}
	fmt.Fprintln(w, title)
	for i, g := range errors.MostFrequent() {
		if i == shownErrors {
			fmt.Fprintf(w, "  and %s\n", Counted(len(errors)-i, "more kind"))
			return
		}
		PrintLine(w, fmt.Sprintf("  %-8d %-9s ", g.Count, g.Status), fmt.Sprintf("%s: first in row %d (line %d): %s", g.Code, g.Rows[0], g.Line, g.Message))
		if g.OpenSince != nil {
			fmt.Fprintf(w, "%20s since %s\n", "", g.OpenSince.Local().Format(time.DateOnly))
		}
		if more := moreOf(g); more != "" {
			PrintLine(w, fmt.Sprintf("%21s", ""), more)
		}
	}
}

// moreOf tells the rows behind the first one of a group, and what the values
// look like that are wrong.
func moreOf(g *sink.ErrorGroup) string {
	var parts []string
	if len(g.Rows) > 1 {
		rows := make([]string, len(g.Rows), len(g.Rows)+1)
		for i, row := range g.Rows {
			rows[i] = strconv.FormatInt(row, 10)
		}
		if g.Count > int64(len(rows)) {
			rows = append(rows, "…")
		}
		parts = append(parts, "rows "+strings.Join(rows, ", "))
	}
	if len(g.Shapes) > 0 {
		parts = append(parts, fmt.Sprintf("%s like \"%s\"", g.Field, strings.Join(g.Shapes, "\", \"")))
	}
	return strings.Join(parts, "; ")
}
