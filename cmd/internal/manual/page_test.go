package manual

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/stretchr/testify/assert"
)

const sample = "# A page\n\nFirst `--rate`\nand **more**, see [the list](lists.md).\n\n## Part\n\n- one\n- two\n  continues\n\n```sh\nbulkonboard run\n  .x\n```\n| code | meaning | what to do |\n| --- | --- | --- |\n| `0` | a \\| b | nothing |\n| 1 | | fix it |\n"

func TestAPageIsSetForATerminal(t *testing.T) {
	page := Parse(sample)
	assert.Equal(t, "A page", page.Title)
	assert.Equal(t, `A PAGE

  First --rate and more, see the list.

PART

  - one
  - two continues

    bulkonboard run
      .x

  0
      meaning: a | b
      what to do: nothing
  1
      what to do: fix it
`, page.Text(80))
}

func TestAPageIsSetForMan(t *testing.T) {
	page := Parse(sample)
	got := page.Roff("bulkonboard-x", time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC))
	assert.Equal(t, `.TH "BULKONBOARD-X" "7" "Jan 2026" "bulkonboard" "bulkonboard"
.SH NAME
bulkonboard\-x \- A page
.SH DESCRIPTION
.PP
First \fB\-\-rate\fP and \fBmore\fP, see the list.
.SH PART
.TP
\-
one
.TP
\-
two continues
.PP
.nf
    bulkonboard run
      .x
.fi
.TP
\fB0\fP
meaning: a | b
what to do: nothing
.TP
1
what to do: fix it
`, got)
}

func TestLinesAreNoWiderThanTheTerminalUnlessAWordIs(t *testing.T) {
	page := Parse("# T\n\n" + strings.Repeat("some words and 日本語 of it ", 50) + "\n\n- " + strings.Repeat("item ", 40) +
		"\n\n| promise | proof |\n| --- | --- |\n| " + strings.Repeat("promise ", 40) + "| " + strings.Repeat("proof ", 40) + "|")
	for _, width := range []int{40, 80, 200} {
		for line := range strings.SplitSeq(page.Text(width), "\n") {
			assert.LessOrEqual(t, runewidth.StringWidth(line), width)
		}
	}
}

func FuzzAnyTextIsAPage(f *testing.F) {
	f.Add(sample)
	f.Add("|\n|\n|")
	f.Add("```\nopen")
	f.Add(".TH x\n'y\n- .z\n| .a |\n|-|\n| 'b | c |")
	request := regexp.MustCompile(`(?m)^['.].*$`)
	allowed := regexp.MustCompile(`^\.(TH|SH|TP|PP|nf|fi)\b`)
	f.Fuzz(func(t *testing.T, text string) {
		page := Parse(text)
		page.Text(80)
		for _, r := range request.FindAllString(page.Roff("x", time.Time{}), -1) {
			assert.Regexp(t, allowed, r)
		}
	})
}
