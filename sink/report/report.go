// Package report makes an HTML page from a run's summary. The page is one
// file that needs nothing else: no network, no script, and what it says was
// escaped for where it stands, since a file, a customer and a service may have
// any name and any words.
package report

import (
	"crypto/sha256"
	_ "embed" // the page and its style
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"
	"time"

	"bulkonboard/sink"
)

// Page is what the page is made of.
type Page struct {
	Summary *sink.Summary
	Rows    *Rows // nil: not asked for

	// FixesCommand writes the rows that need attention to a sheet, RetryCommand
	// sends again what failed, and StatusCommand tells how to resume a run that
	// stopped. GroupCommand takes up the rows with an error code.
	FixesCommand, RetryCommand, StatusCommand string

	GroupCommand func(status sink.Status, code string) string

	Zone *time.Location // in which times are shown
}

// Rows are the rows that need attention. They are personal data.
type Rows struct {
	List  []Row
	Total int64  // of which List has the first
	Note  string // what is to be known of them
}

// Row is one row that needs attention.
type Row struct {
	Row           int64 // the Nth customer of the list
	Name, Email   string
	Status        sink.Status
	Code, Message string
}

// Caption says how many of them are listed.
func (r *Rows) Caption() string {
	text := rows(r.Total)
	if listed := int64(len(r.List)); listed < r.Total {
		text = "The first " + count(listed) + " of " + text
	}
	return text + " that " + need(r.Total) + " attention"
}

// Number is the row's, as the page writes numbers.
func (r *Row) Number() string { return count(r.Row) }

//go:embed page.html
var pageText string

//go:embed page.css
var style string

// Marker begins every page, and tells one from other files.
const Marker = "<!DOCTYPE html>\n<!-- a report of bulkonboard -->\n"

// page is parsed when it is asked for: hardly any start of the program writes
// one.
var page = sync.OnceValue(func() *template.Template { return template.Must(template.New("page").Parse(pageText)) })

// policy lets a page have its own style and nothing else: even if something
// slipped through the escaping, no browser would run or fetch it.
func policy() string {
	sum := sha256.Sum256([]byte(style))
	return fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'", base64.StdEncoding.EncodeToString(sum[:]))
}

// Write writes the page.
func (p *Page) Write(w io.Writer) error {
	if _, err := io.WriteString(w, Marker); err != nil {
		return err
	}
	return page().Execute(w, p.view())
}

// view is the page as the template has it: all texts, in order.
type view struct {
	Policy  string
	Style   template.CSS
	Title   string
	List    string
	Day     string
	Run     string
	Outcome outcome
	Tiles   []tile

	Status     []statusRow
	StatusOf   string // the caption
	Groups     []group
	MoreKinds  string
	Comparison *comparison
	Work       *Rows

	Throughput *throughput
	Spans      []span
	Breaks     []interruption
	Latency    *latency

	Facts    []fact
	Files    []file
	Settings []fact
}

// fact is a name and what there is to say of it.
type fact struct{ Name, Text string }

func (p *Page) view() *view {
	s := p.Summary
	v := &view{
		Policy: policy(), Style: template.CSS(style), //nolint:gosec // it is this package's own
		List: s.Input.Name, Day: p.day(), Run: s.Run, Outcome: p.outcome(), Tiles: p.tiles(),
		Status: statusRows(s), StatusOf: statusCaption(s), Comparison: p.comparison(), Work: p.Rows,
		Throughput: throughputOf(s), Spans: p.spans(), Breaks: p.interruptions(), Latency: latencyOf(&s.Latency),
		Facts: p.facts(), Files: filesOf(s), Settings: settingsOf(s),
	}
	var more int
	if v.Groups, more = p.groups(); more > 0 {
		v.MoreKinds = fmt.Sprintf("%d more %s of error; the summary file lists them.", more, plural(int64(more), "kind"))
	}
	v.Title = "Onboarding report: " + s.Input.Name + ", " + strings.ToLower(v.Outcome.Word)
	return v
}

// statusCaption says what the table of counts is about.
func statusCaption(s *sink.Summary) string {
	if !s.Complete && s.Input.Rows > 0 {
		return fmt.Sprintf("%s of %s, by result", count(s.Rows), rows(s.Input.Rows))
	}
	return rows(s.Rows) + ", by result"
}
