package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// narrow is a screen of a width.
type narrow struct {
	bytes.Buffer
	columns int
}

func (n *narrow) Columns() int { return n.columns }

func TestATerminalShowsLongLinesInWholeWords(t *testing.T) {
	for _, c := range []struct{ name, before, text, want string }{
		{"short", "  notice     ", "all is well", "  notice     all is well\n"},
		{
			"long", "  notice     ", "the type of each row follows from its details",
			"  notice     the type of each row\n             follows from its details\n",
		},
		{"as wide as it may be", "", strings.Repeat("a", 38) + " b", strings.Repeat("a", 38) + " b\n"},
		{"a column more", "", strings.Repeat("a", 39) + " b", strings.Repeat("a", 39) + "\nb\n"},
		{"letters of two columns", "", strings.Repeat("客", 20) + " b", strings.Repeat("客", 20) + "\nb\n"},
		{"a long word", "  1  ", strings.Repeat("a", 50) + " " + strings.Repeat("b", 50), "  1  " + strings.Repeat("a", 50) + "\n     " + strings.Repeat("b", 50) + "\n"},
		{"a flag and its value", "  pace       ", "is what it takes; try --rate 120", "  pace       is what it takes; try\n             --rate 120\n"},
		{"a flag at the end of a line", "", "is what the service takes, so try --rate 120", "is what the service takes, so try\n--rate 120\n"},
		{"a flag alone", "", "name these columns of the list with --map; more", "name these columns of the list with\n--map; more\n"},
		{"a command", "", "refused before (by the service; bulkonboard retry sends it)", "refused before (by the service;\nbulkonboard retry sends it)\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			screen, file := &narrow{columns: 40}, &bytes.Buffer{}
			PrintLine(screen, c.before, c.text)
			assert.Equal(t, c.want, screen.String())
			PrintLine(file, c.before, c.text)
			assert.Equal(t, c.before+c.text+"\n", file.String(), "a program reads it")
		})
	}
}

func TestProseTakesTheWidthThatThereIsAndCommandsStay(t *testing.T) {
	const text = "one two\nthree four\n\n  bulkonboard run list.csv\n  bulkonboard status results.csv\n\nTry it:\n  bulkonboard run"
	assert.Equal(t, strings.Replace(text, "two\nthree", "two three", 1), reflowed(text+"\n", 40))
	assert.Equal(t, strings.Replace(text, "two\nthree four", "two three\nfour", 1), reflowed(text, 13))
}

func TestACommandIsNeverBroken(t *testing.T) {
	const command = "bulkonboard retry results.csv --fixes fixes.csv"
	for columns, want := range map[int]string{
		0:   "next:    correct it, then: " + command + "\n",
		74:  "next:    correct it, then: " + command + "\n",
		73:  "next:    correct it, then:\n         " + command + "\n",
		200: "next:    correct it, then: " + command + "\n",
	} {
		screen := &narrow{columns: columns}
		PrintCommand(screen, "next:", "correct it, then", command)
		assert.Equal(t, want, screen.String(), "at %d columns", columns)
	}
}
