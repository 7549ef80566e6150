package report

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"bulkonboard/sink"
)

// outcome is the run in a sentence, and what to type next.
type outcome struct {
	Kind     string // good, work, stopped: how it looks
	Word     string // complete, completed with errors, incomplete
	Sentence string
	Reason   string // why a run stopped
	Next     string
	Commands []string
}

// bad counts the rows that need attention.
func bad(s *sink.Summary) int64 {
	var n int64
	for status, rows := range s.Status {
		if !status.Good() {
			n += rows
		}
	}
	return n
}

func (p *Page) outcome() outcome {
	s, wrong := p.Summary, bad(p.Summary)
	switch {
	case !s.Complete:
		return outcome{
			Kind: "stopped", Word: "incomplete",
			Sentence: fmt.Sprintf("The run stopped after %s. What was done is kept.", rows(s.Rows)), Reason: s.Reason,
			Next: goOn(s.ExitCode) + " The same command goes on where it stopped; this shows it:", Commands: []string{p.StatusCommand},
		}
	case s.Rows == 0:
		return outcome{Kind: "good", Word: "complete", Sentence: "The list has no customers: nobody was called.", Next: "There is nothing to do."}
	case wrong == 0:
		return outcome{Kind: "good", Word: "complete", Sentence: fmt.Sprintf("All %s ended well.", rows(s.Rows)), Next: "There is nothing to do."}
	}
	o := outcome{Kind: "work", Word: "completed with errors", Sentence: fmt.Sprintf("%s of %s need attention.", count(wrong), rows(s.Rows))}
	refused, failed := s.Status[sink.Rejected], s.Status[sink.Failed]
	if s.Status[sink.Invalid]+refused > 0 {
		o.Next, o.Commands = "Correct the rows that are invalid or were rejected, in a sheet that this command writes.", append(o.Commands, p.FixesCommand)
	}
	if refused+failed > 0 {
		o.Next, o.Commands = strings.TrimSpace(o.Next+" Send again what failed or was rejected, as it is, with retry."), append(o.Commands, p.RetryCommand)
	}
	return o
}

// goOn says what comes before the same command, by the exit code.
func goOn(code int) string {
	return map[int]string{
		64: "Mend the settings first.",
		70: "It needs a look at the reason first.",
		74: "Make room first, or mend the disk.",
		77: "Mend the credentials first.",
	}[code]
}

// meaning is what each status says, in words.
func meaning(status sink.Status) string {
	return map[sink.Status]string{
		sink.OK:        "has a session id",
		sink.Duplicate: "has the session id of an earlier row of the same customer",
		sink.Known:     "was onboarded by an earlier run",
		sink.Invalid:   "breaks a rule, and was not sent",
		sink.Rejected:  "was refused by the service",
		sink.Failed:    "used up its attempts on errors that pass",
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
		{"Began", p.moment(s.StartedAt)},
		{"Ended", p.moment(s.EndedAt)},
		{"Running time", length(s.RunningSeconds)},
		{"Attempts", count(s.Attempts)},
		{"Throttled (429)", waited(s.Throttled, "nothing sent for", s.HeldSeconds)},
		{"Outages", waited(s.Outages, "for", s.OutageSeconds)},
	}
	if s.Resumed > 0 {
		out = append(out, fact{"Gone on with", times(s.Resumed)})
	}
	if s.InDoubt > 0 {
		out = append(out, fact{"Sent twice, perhaps", count(s.InDoubt) + " calls that an interruption caught in flight"})
	}
	return append(out, fact{"Exit code", strconv.Itoa(s.ExitCode)}, fact{"Run", s.Run}, fact{"Program", s.Tool})
}

func waited(n int64, word string, seconds float64) string {
	if n == 0 {
		return "none"
	}
	return count(n) + ", " + word + " " + length(seconds)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return count(int64(n)) + " times"
}

// maxGroups bounds the page: beyond so many kinds of error it points to the
// summary.
const maxGroups = 50

// group is one kind of error: work for somebody.
type group struct {
	Title, Message, Rows, Command string
	Field                         string
	Shapes                        []string
}

func (p *Page) groups() (out []group, more int) {
	s := p.Summary
	for i := range s.Errors {
		if i == maxGroups {
			return out, len(s.Errors) - maxGroups
		}
		out = append(out, p.group(&s.Errors[i]))
	}
	return out, 0
}

func (p *Page) group(e *sink.ErrorGroup) group {
	g := group{
		Title:   fmt.Sprintf("%s %s: %s", rows(e.Count), e.Status, e.Code),
		Message: e.Message, Field: e.Field, Shapes: e.Shapes,
	}
	if p.Summary.Complete && e.Retry != "" { // before, there are no results to take up again
		g.Command = p.GroupCommand(e.Status, e.Code)
	}
	first := make([]string, len(e.Rows))
	for i, row := range e.Rows {
		first[i] = count(row)
	}
	g.Rows = strings.Join(first, ", ")
	if int64(len(e.Rows)) < e.Count {
		g.Rows += " …"
	}
	if e.Line > 0 {
		g.Rows += fmt.Sprintf(" (the first is line %s)", count(e.Line))
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
		one := file{What: what, Name: f.Name, Size: sizeOf(f.Size), Rows: "not known", Digest: f.SHA256}
		if s.Complete {
			one.Rows = count(f.Rows)
		}
		if one.Digest == "" {
			one.Digest = "not known"
		}
		out = append(out, one)
	}
	add("list", &s.Input)
	add("results", s.Output)
	add("rejects", s.Rejects)
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
