// Package manual reads the pages of the program's documentation and sets them
// for a terminal and for man.
//
// The pages are written in the part of Markdown that they need: headings,
// paragraphs, lists, tables, and code between fences. They read well where
// Markdown is shown, too.
package manual

import (
	"regexp"
	"strings"
)

// kind is what a block of a page is.
type kind int

const (
	paragraph kind = iota
	heading        // level is the number of its #
	code           // text keeps its lines
	item           // of a list; mark is what stands before it
	table          // rows, the first of which is the header
)

type block struct {
	kind  kind
	level int
	mark  string
	text  string
	rows  [][]string
}

// Page is a page as it was read.
type Page struct {
	Title  string // the text of its first heading
	blocks []block
}

// TitleOf is the title of a page that begins with it, as all do that are part of
// a program. Every start lists them, and most show none: the pages are not parsed.
func TitleOf(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	return strings.TrimSpace(strings.TrimPrefix(first, "# "))
}

// Parse reads a page. It takes any text: what has no meaning of its own is a
// paragraph.
func Parse(text string) Page {
	var p Page
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for len(lines) > 0 {
		var b block
		b, lines = nextBlock(lines)
		switch {
		case b.kind == heading && b.level == 1 && p.Title == "":
			p.Title = b.text
		case b.kind != paragraph || b.text != "":
			p.blocks = append(p.blocks, b)
		}
	}
	return p
}

var (
	headingLine = regexp.MustCompile(`^(#{1,6}) +(.*)$`)
	itemLine    = regexp.MustCompile(`^(-|[0-9]+\.) +(.*)$`)
)

// nextBlock takes one block from the front of the lines.
func nextBlock(lines []string) (block, []string) {
	first := lines[0]
	switch {
	case strings.HasPrefix(first, "```"):
		n := 1
		for n < len(lines) && !strings.HasPrefix(lines[n], "```") {
			n++
		}
		return block{kind: code, text: strings.Join(lines[1:n], "\n")}, lines[min(n+1, len(lines)):]
	case strings.HasPrefix(first, "|"):
		b := block{kind: table}
		n := 0
		for ; n < len(lines) && strings.HasPrefix(lines[n], "|"); n++ {
			if cells := cellsOf(lines[n]); n != 1 {
				b.rows = append(b.rows, cells)
			}
		}
		return b, lines[n:]
	}
	if m := headingLine.FindStringSubmatch(first); m != nil {
		return block{kind: heading, level: len(m[1]), text: m[2]}, lines[1:]
	}
	b := block{kind: paragraph, text: strings.TrimSpace(first)}
	if m := itemLine.FindStringSubmatch(first); m != nil {
		b = block{kind: item, mark: m[1], text: m[2]}
	}
	n := 1
	for ; b.text != "" && n < len(lines) && goesOn(lines[n]); n++ {
		b.text += " " + strings.TrimSpace(lines[n])
	}
	return b, lines[n:]
}

// goesOn reports a line that belongs to the paragraph above it.
func goesOn(line string) bool {
	return strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "```") && !strings.HasPrefix(line, "|") &&
		!headingLine.MatchString(line) && !itemLine.MatchString(line)
}

// cellsOf splits a line of a table. A bar in a cell is written \|.
func cellsOf(line string) []string {
	line = strings.ReplaceAll(line, `\|`, "\x00")
	line = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(line), "|"), "|")
	cells := strings.Split(line, "|")
	for i, cell := range cells {
		cells[i] = strings.TrimSpace(strings.ReplaceAll(cell, "\x00", "|"))
	}
	return cells
}

var (
	link     = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	emphasis = regexp.MustCompile("\\*\\*([^*]+)\\*\\*|`([^`]+)`")
)

// inline sets the marks within a text: strong and code.
func inline(text string, set func(string) string) string {
	return emphasis.ReplaceAllStringFunc(link.ReplaceAllString(text, "$1"), func(m string) string {
		return set(strings.Trim(m, "*`"))
	})
}
