package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"bulkonboard/sink"
)

// outcome is the run in a sentence, and what to do next.
type outcome struct {
	Kind     string // good, work, stopped: how it looks
	Word     string // Completed, Completed with errors, Incomplete
	Sentence string // the verdict
	More     string // the sentence after it
	Reason   string // why a run stopped
	Next     []step
}

// step is something to do, and the command for it, if there is one.
type step struct{ Text, Command string }

// bad counts the rows that need attention.
func bad(s *sink.Summary) int64 { return sink.Bad(s.Status) }

func (p *Page) outcome() outcome {
	s, wrong := p.Summary, bad(p.Summary)
	switch {
	case !s.Complete:
		return p.stopped()
	case s.Rows == 0:
		return outcome{Kind: "good", Word: "Completed", Sentence: "The list has no rows", More: "Nothing was sent. If you expected customers, check the export."}
	case wrong == 0:
		return outcome{Kind: "good", Word: "Completed", Sentence: all(s.Rows), More: "There is nothing to do."}
	}
	o := outcome{Kind: "work", Word: "Completed with errors", Sentence: count(wrong) + " of " + rows(s.Rows) + " " + need(wrong) + " attention"}
	if good := s.Rows - wrong; good > 0 {
		o.More = fmt.Sprintf("%s (%s) %s a session id.", rows(good), share(good, s.Rows), have(good))
	}
	if s.Open > 0 {
		o.More = strings.TrimSpace(o.More + fmt.Sprintf(" An earlier run has reported %s of the rows that need attention; %s %s new.", count(s.Open), count(wrong-s.Open), are(wrong-s.Open)))
	}
	if s.Open == wrong {
		o.Word = "Completed, nothing new"
	}
	refused, failed := s.Status[sink.Rejected], s.Status[sink.Failed]
	if s.Status[sink.Invalid]+refused > 0 {
		o.Next = append(o.Next, step{"Correct the rows that are invalid or were rejected. This command writes them to a sheet:", p.FixesCommand})
	}
	if refused+failed > 0 {
		o.Next = append(o.Next, step{"Send the failed and rejected rows again as they are:", p.RetryCommand})
	}
	return o
}

// stopped is the outcome of a run that is not complete. How many rows the list
// has is known once it was read ahead.
func (p *Page) stopped() outcome {
	s := p.Summary
	o := outcome{Kind: "stopped", Word: "Incomplete", Reason: s.Reason, More: "The rows that are done are saved."}
	switch total := s.Input.Rows; {
	case total > 0:
		o.Sentence = fmt.Sprintf("The run stopped after %s of %s", count(s.Rows), rows(total))
		o.More = fmt.Sprintf("%s (%s) %s done and saved.", rows(s.Rows), share(s.Rows, total), are(s.Rows))
	default:
		o.Sentence = "The run stopped after " + rows(s.Rows)
	}
	if first := firstStep(s.ExitCode); first != "" {
		o.Next = append(o.Next, step{Text: first})
	}
	o.Next = append(o.Next, step{"Run the same command again to resume. This shows it:", p.StatusCommand})
	return o
}

func all(n int64) string {
	switch n {
	case 1:
		return "The row has a session id"
	case 2:
		return "Both rows have a session id"
	}
	return "All " + rows(n) + " have a session id"
}

// firstStep says what comes before the same command, by the exit code.
func firstStep(code int) string {
	return map[int]string{
		64: "Fix the settings first.",
		70: "Look at the reason first.",
		74: "Make room on the disk, or repair it, first.",
		77: "Fix the credentials first.",
	}[code]
}

// meaning is what each status says, in words.
func meaning(status sink.Status) string {
	return map[sink.Status]string{
		sink.OK:        "has a session id",
		sink.Duplicate: "has the session id of an earlier row of the same customer",
		sink.Known:     "was onboarded by an earlier run",
		sink.Invalid:   "breaks a rule; it was not sent",
		sink.Rejected:  "was refused by the service",
		sink.Failed:    "used up its attempts on temporary errors",
	}[status]
}

// statusRow is one status in the table of counts.
type statusRow struct {
	Status              sink.Status
	Kind                string // good or bad: how it looks
	Count, Share, Width string
	Meaning             string
}

func statusRows(s *sink.Summary) []statusRow {
	var out []statusRow
	for _, status := range sink.Statuses() {
		n := s.Status[status]
		if n == 0 && status != sink.OK {
			continue
		}
		kind := "bad"
		if status.Good() {
			kind = "good"
		}
		out = append(out, statusRow{
			Status: status, Kind: kind, Count: count(n), Share: share(n, s.Rows), Meaning: meaning(status),
			Width: percent(float64(n) / float64(max(s.Rows, 1))),
		})
	}
	return out
}

// facts are what a person asks next.
func (p *Page) facts() []fact {
	s := p.Summary
	out := []fact{
		{"List", s.Input.Name},
		{"Started", p.moment(s.StartedAt)},
		{"Ended", p.moment(s.EndedAt)},
		{"Attempts sent", count(s.Attempts)},
		{"Throttled (429)", waited(s.Throttled, s.HeldSeconds, "paused for")},
		{"Outages", waited(s.Outages, s.OutageSeconds, "for")},
	}
	if s.Resumed > 0 {
		out = append(out, fact{"Resumed", times(s.Resumed)})
	}
	if s.InDoubt > 0 {
		out = append(out, fact{"Perhaps sent twice", count(s.InDoubt) + " " + plural(s.InDoubt, "call") + " in flight at an interruption"})
	}
	if c := s.Standings; c != nil {
		out = append(out, fact{"Customers, by the ledger", fmt.Sprintf("%s new, %s known, %s refused before", count(c.New), count(c.Known), count(c.Refused))})
	}
	return append(out, fact{"Exit code", strconv.Itoa(s.ExitCode)}, fact{"Run", s.Run}, fact{"Program", "bulkonboard " + s.Tool})
}

func waited(n int64, seconds float64, how string) string {
	if n == 0 {
		return "none"
	}
	return count(n) + ", " + how + " " + length(seconds)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return count(int64(n)) + " times"
}

// maxGroups bounds the page: beyond that number of kinds of error it points to the
// summary.
const maxGroups = 50

// group is one kind of error: work for somebody.
type group struct {
	Code, Status, Count, Share string
	Meaning, Message, Rows, Do string
	Field, Open                string // Open since an earlier run; "" when it is new
	Command, Flags             string // joined, what takes up these rows; a line may end between the two
	Shapes                     []string
}

// groups are the kinds of error, most frequent first, and how many are left out.
func (p *Page) groups() (out []group, more int) {
	errors := slices.Clone(p.Summary.Errors)
	slices.SortStableFunc(errors, func(a, b sink.ErrorGroup) int {
		if old := a.OpenSince != nil; old != (b.OpenSince != nil) { // what is new comes first
			return map[bool]int{true: 1, false: -1}[old]
		}
		return cmp.Compare(b.Count, a.Count)
	})
	for i := range errors {
		if i == maxGroups {
			return out, len(errors) - maxGroups
		}
		out = append(out, p.group(&errors[i]))
	}
	return out, 0
}

func (p *Page) group(e *sink.ErrorGroup) group {
	entry := sink.CodeEntryOf(e.Code)
	g := group{
		Code: e.Code, Status: string(e.Status), Count: count(e.Count), Share: share(e.Count, p.Summary.Rows),
		Meaning: entry.Text, Do: "Resume the run first.", Message: e.Message, Field: e.Field, Shapes: e.Shapes,
	}
	if e.OpenSince != nil {
		g.Open = "open since " + p.moment(*e.OpenSince)
	}
	if p.Summary.Complete { // before, there are no results to read again
		g.Do = entry.Do
	}
	if p.Summary.Complete && e.Retry != "" {
		g.Command = p.GroupCommand(e.Status, e.Code)
		if flags := strings.LastIndex(g.Command, "--error-code"); flags > 0 {
			g.Command, g.Flags = g.Command[:flags], g.Command[flags:]
		}
	}
	first := make([]string, len(e.Rows))
	for i, row := range e.Rows {
		first[i] = count(row)
	}
	g.Rows = plural(e.Count, "Row") + " " + strings.Join(first, ", ")
	if int64(len(e.Rows)) < e.Count {
		g.Rows += " …"
	}
	if e.Line > 0 {
		g.Rows += fmt.Sprintf(" (first: line %s of the list)", count(e.Line))
	}
	return g
}

// file is one file that the run read or wrote.
type file struct{ What, Name, Size, Rows, Digest string }

func filesOf(s *sink.Summary) []file {
	var out []file
	add := func(what string, f *sink.File) {
		if f == nil {
			return
		}
		one := file{What: what, Name: f.Name, Size: sizeOf(f.Size), Rows: "number of rows not known", Digest: f.SHA256}
		if f.Rows > 0 || s.Complete {
			one.Rows = rows(f.Rows)
		}
		if one.Digest == "" {
			one.Digest = "not known"
		}
		out = append(out, one)
	}
	add("List", &s.Input)
	add("Results", s.Output)
	add("Rejects", s.Rejects)
	return out
}

func settingsOf(s *sink.Summary) []fact {
	var out []fact
	for _, key := range slices.Sorted(maps.Keys(s.Settings)) {
		if value := s.Settings[key]; value != "" && value != "[]" {
			out = append(out, fact{key, value})
		}
	}
	return out
}
