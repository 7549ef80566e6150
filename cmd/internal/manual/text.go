package manual

import (
	"strings"

	"github.com/mattn/go-runewidth"
)

// Text is the page for a terminal of that many columns.
func (p *Page) Text(width int) string {
	width = max(width, 40)
	var b strings.Builder
	b.WriteString(strings.ToUpper(p.Title) + "\n")
	for i, block := range p.blocks {
		if block.kind != item || i == 0 || p.blocks[i-1].kind != item {
			b.WriteString("\n")
		}
		block.writeText(&b, width)
	}
	return b.String()
}

func (k *block) writeText(b *strings.Builder, width int) {
	switch k.kind {
	case heading:
		b.WriteString(strings.ToUpper(plain(k.text)) + "\n")
	case code:
		b.WriteString("    " + strings.ReplaceAll(k.text, "\n", "\n    ") + "\n")
	case item:
		indent := strings.Repeat(" ", len(k.mark)+3)
		b.WriteString("  " + k.mark + " " + strings.TrimLeft(wrapped(plain(k.text), width, indent), " "))
	case table:
		k.writeRows(b, width)
	default:
		b.WriteString(wrapped(plain(k.text), width, "  "))
	}
}

// writeRows writes a table as a list, since its cells are sentences: the first
// cell of each row, and the others below it, with their headings where there
// are several.
func (k *block) writeRows(b *strings.Builder, width int) {
	for _, row := range k.rows[1:] {
		b.WriteString(wrapped(plain(row[0]), width, "  "))
		for i, cell := range row[1:] {
			if cell != "" {
				b.WriteString(wrapped(plain(k.label(i+1)+cell), width, "      "))
			}
		}
	}
}

// label is what stands before a cell of a column: its heading, if there is one.
func (k *block) label(column int) string {
	if column >= len(k.rows[0]) || len(k.rows[0]) < 3 || k.rows[0][column] == "" {
		return ""
	}
	return k.rows[0][column] + ": "
}

func plain(text string) string { return inline(text, func(s string) string { return s }) }

// wrapped breaks a text into lines with an indent. A word that is longer than a
// line, such as a path, has a line to itself.
func wrapped(text string, width int, indent string) string {
	var b strings.Builder
	used := 0
	for word := range strings.FieldsSeq(text) {
		size := runewidth.StringWidth(word)
		switch {
		case used == 0:
			b.WriteString(indent)
			used = len(indent)
		case used+1+size > width:
			b.WriteString("\n" + indent)
			used = len(indent)
		default:
			b.WriteString(" ")
			used++
		}
		b.WriteString(word)
		used += size
	}
	return b.String() + "\n"
}
