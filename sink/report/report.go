// Package report makes a page for people of a run's summary. The page is one
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

// Rows are the rows that need work. They are personal data.
type Rows struct {
	List  []Row
	Total int64  // of which List has the first
	Note  string // what is to be known of them
}

// Row is one row that needs work.
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
	return text + " that need attention"
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
	Outcome outcome
	Facts   []fact
	Status  []statusRow
	Rows    string // in all

	Throughput *throughput
	Spans      []span
	Breaks     []interruption
	Latency    *latency

	Groups   []group
	MoreKind int

	Work     *Rows
	Files    []file
	Settings []fact
}

// fact is a name and what there is to say of it.
type fact struct{ Name, Text string }

func (p *Page) view() *view {
	s := p.Summary
	v := &view{
		Policy: policy(), Style: template.CSS(style), //nolint:gosec // it is this package's own
		Outcome: p.outcome(), Facts: p.facts(), Status: statusRows(s), Rows: count(s.Rows),
		Throughput: throughputOf(s), Spans: p.spans(), Breaks: p.interruptions(), Latency: latencyOf(&s.Latency),
		Work: p.Rows, Files: filesOf(s), Settings: settingsOf(s),
	}
	v.Groups, v.MoreKind = p.groups()
	v.Title = s.Input.Name + ": " + v.Outcome.Word
	return v
}
