package manual

import (
	"fmt"
	"strings"
	"time"
)

// Roff is the page in the macros of man(7), as a page of section 7.
func (p *Page) Roff(name string, date time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH \"%s\" \"7\" \"%s\" \"bulkonboard\" \"bulkonboard\"\n", strings.ToUpper(name), date.Format("Jan 2006"))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", Escaped(name), Escaped(p.Title))
	b.WriteString(".SH DESCRIPTION\n")
	for _, block := range p.blocks {
		block.writeRoff(&b)
	}
	return b.String()
}

func (k *block) writeRoff(b *strings.Builder) {
	switch k.kind {
	case heading:
		b.WriteString(".SH " + strings.ToUpper(Escaped(plain(k.text))) + "\n")
	case code:
		b.WriteString(".PP\n.nf\n")
		for line := range strings.SplitSeq(k.text, "\n") {
			b.WriteString(Escaped("    "+line) + "\n")
		}
		b.WriteString(".fi\n")
	case item:
		b.WriteString(".TP\n" + Escaped(k.mark) + "\n" + bold(k.text) + "\n")
	case table:
		for _, row := range k.rows[1:] {
			b.WriteString(".TP\n" + bold(row[0]) + "\n")
			for i, cell := range row[1:] {
				if cell != "" {
					b.WriteString(bold(k.label(i+1)+cell) + "\n")
				}
			}
		}
	default:
		b.WriteString(".PP\n" + bold(k.text) + "\n")
	}
}

// bold is a text with what is marked in it in bold.
func bold(text string) string {
	return inline(Escaped(text), func(s string) string { return `\fB` + s + `\fP` })
}

// Escaped is text as the formatter reads it: a hyphen can be searched for, and no
// line begins with what would be a request.
func Escaped(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n.", "\n\\&.", "\n'", "\n\\&'").Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
