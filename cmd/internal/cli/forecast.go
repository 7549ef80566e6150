package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"bulkonboard/batch/preflight"
	"bulkonboard/source"
)

// ExpectedPace is a pace that a forecast reckons with.
type ExpectedPace struct {
	PerSecond float64 // 0: as fast as it goes
	Guessed   bool
}

// PrintForecast says what a run would do, and how long it takes at the pace
// that is expected.
func PrintForecast(w io.Writer, f *preflight.Forecast, name string, at ExpectedPace) {
	fmt.Fprintf(w, "forecast: %s in %s\n", Counted(f.Rows, "row"), name)
	line := func(what string, n int64, text string) {
		PrintFact(w, what, strconv.FormatInt(n, 10)+text)
	}
	line("calls", f.Calls, timeFor(f.Calls, at))
	if f.Asked {
		printAsked(line, f)
	}
	line("emails", f.Mailed, emailsText(f.Mailed))
	line("duplicates", f.Repeated, firstDuplicate(f))
	if f.Kept > 0 {
		line("kept", f.Kept, ", with the result that they have")
	}
	line("invalid", f.Invalid, invalidText(f))
	if f.Misread != "" {
		PrintFact(w, "warning", misreadText(f.Misread))
	}
	if words := f.TypeWords.String(); words != "" {
		PrintFact(w, "types", words)
	}
	for i := range f.Notices {
		PrintFact(w, "notice", noticeText(f, &f.Notices[i]))
	}
	PrintErrors(w, "invalid rows, most frequent reason first", f.Errors)
}

// noticeText is a notice with its count and the first lines.
func noticeText(f *preflight.Forecast, n *source.Notice) string {
	if n.Count == 0 {
		return n.Text
	}
	lines := make([]string, len(n.Lines), len(n.Lines)+1)
	for i, line := range n.Lines {
		lines[i] = strconv.FormatInt(line, 10)
	}
	word := "line"
	if f.Sheet {
		word = "row of the sheet"
	}
	if n.Count > 1 {
		word = strings.Replace(word+"s", "row of the sheets", "rows of the sheet", 1)
	}
	if n.Count > int64(len(lines)) {
		lines = append(lines, "…")
	}
	return fmt.Sprintf("%s (%d: %s %s)", n.Text, n.Count, word, strings.Join(lines, ", "))
}

// emailsText says who the service emails: of the calls, those with sendEmail.
func emailsText(n int64) string {
	if n == 0 {
		return " (the service will email no customers)"
	}
	return " (the service will email " + Counted(n, "customer") + ": sendEmail)"
}

// LogForecast logs what people see as a table.
func LogForecast(v *Voice, f *preflight.Forecast) {
	attrs := []any{"event", "forecast", "rows", f.Rows, "calls", f.Calls, "mailed", f.Mailed, "duplicates", f.Repeated, "kept", f.Kept, "invalid", f.Invalid}
	if f.Asked {
		attrs = append(attrs, "new", f.New, "known", f.Known, "changed", f.Changed, "expired", f.Expired, "again", f.Due, "refused", f.Refused, "gone", f.Gone)
	}
	v.Told.Info("forecast", attrs...)
	if f.Misread != "" {
		v.Told.Warn(misreadText(f.Misread), "event", "misread")
	}
	for i := range f.Notices {
		v.Told.Info("notice", "code", f.Notices[i].Code, "text", noticeText(f, &f.Notices[i]))
	}
}

// misreadText warns of names that come out as "RenÃ©" for "René".
func misreadText(encoding string) string {
	return "the list is valid UTF-8 and is read as " + encoding + ": if it is UTF-8, letters outside ASCII are sent wrong; leave out --encoding to read it as UTF-8"
}

// printAsked says what the ledger knows of the customers.
func printAsked(line func(what string, n int64, text string), f *preflight.Forecast) {
	line("new", f.New, "")
	line("known", f.Known, ", answered from the ledger")
	line("changed", f.Changed, " since they were sent")
	line("expired", f.Expired, "")
	if f.Due > 0 {
		line("again", f.Due, " that failed before")
	}
	if f.Refused > 0 {
		line("refused", f.Refused, " before and not changed since: not sent (bulkonboard retry sends them)")
	}
	line("gone", f.Gone, " customers known to the ledger and not in this list"+otherForms(f))
}

// otherForms warns of a count that takes in the customers of other forms: an
// entry of the ledger does not say of which form it is.
func otherForms(f *preflight.Forecast) string {
	if f.Forms < 2 {
		return ""
	}
	return fmt.Sprintf("; those of all its %d forms count", f.Forms)
}

// timeFor is how long calls take at a rate.
func timeFor(calls int64, at ExpectedPace) string {
	if at.PerSecond == 0 || calls == 0 {
		return ""
	}
	takes := Roughly(time.Duration(float64(calls) / at.PerSecond * float64(time.Second)))
	if at.Guessed {
		return fmt.Sprintf("; the rate is found automatically; about %[2]s at %[1]g/s", at.PerSecond, takes)
	}
	return fmt.Sprintf(", at %g/s about %s", at.PerSecond, takes)
}

// Roughly gives a time as people plan with it.
func Roughly(d time.Duration) string {
	const day = 24 * time.Hour
	seconds, minutes := max(d.Round(time.Second), time.Second), d.Round(time.Minute)
	switch {
	case seconds < time.Minute:
		return fmt.Sprintf("%d s", seconds/time.Second)
	case minutes < time.Hour:
		return fmt.Sprintf("%d min", minutes/time.Minute)
	case minutes < 2*day:
		d = minutes
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	default:
		d = d.Round(time.Hour)
		return fmt.Sprintf("%d days %d h", d/day, d%day/time.Hour)
	}
}

// firstDuplicate says where to look. Of a retry, duplicates may be rows that
// stay as they are, which the forecast does not count.
func firstDuplicate(f *preflight.Forecast) string {
	if f.Repeated == 0 {
		return ""
	}
	for row, first := range f.Duplicates.All() {
		return fmt.Sprintf(", the first in row %d, of the customer of row %d", row, first)
	}
	return ""
}

func invalidText(f *preflight.Forecast) string {
	if f.Invalid == 0 {
		return ""
	}
	text := fmt.Sprintf(" (%.3g%%), never sent", 100*float64(f.Invalid)/float64(f.Rows))
	if f.KnownInvalid > 0 {
		text += fmt.Sprintf("; %d of them were invalid before", f.KnownInvalid)
	}
	return text
}
