package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
)

// How long lines are shown: in whole words at a terminal, and as they are anywhere
// else, where a program may read them.

// PrintFact shows one fact of a summary: what it is about, and a text.
func PrintFact(w io.Writer, what, text string) {
	PrintLine(w, fmt.Sprintf("  %-10s ", what), text)
}

// PrintLine shows a text after what stands before it, and below itself where a
// terminal is too narrow for it.
func PrintLine(w io.Writer, before, text string) {
	if columns := columnsOf(w); columns > 0 {
		text = wrapped(text, runewidth.StringWidth(before), columns)
	}
	fmt.Fprintln(w, before+text)
}

// PrintCommand shows a command after what it does. It is never broken, so that it
// can be copied: where a terminal is too narrow, it has a line of its own.
func PrintCommand(w io.Writer, title, what, command string) {
	before := fmt.Sprintf("%-8s %s:", title, what)
	space := " "
	if columns := columnsOf(w); columns > 0 && runewidth.StringWidth(before+space+command) > columns {
		space = "\n         "
	}
	fmt.Fprintln(w, before+space+command)
}

// reflowed gives the paragraphs of a text a width. One with an indented line is not
// prose, and stays as it is.
func reflowed(text string, width int) string {
	paragraphs := strings.Split(strings.TrimSpace(text), "\n\n")
	for i, paragraph := range paragraphs {
		if !strings.Contains("\n"+paragraph, "\n ") {
			paragraphs[i] = wrapped(strings.Join(strings.Fields(paragraph), " "), 0, width)
		}
	}
	return strings.Join(paragraphs, "\n\n")
}

// wrapped breaks a text that begins at a column into lines, which all begin there.
// What is too long for a line stays whole.
func wrapped(text string, start, width int) string {
	var b strings.Builder
	at := start
	for i, unit := range units(text) {
		n := runewidth.StringWidth(unit)
		switch {
		case i == 0:
		case at+1+n > width:
			b.WriteString("\n" + strings.Repeat(" ", start))
			at = start
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(unit)
		at += n
	}
	return b.String()
}

// units are what stands on one line of a text: a word, a flag with its value, or a
// command of this program up to the next mark of punctuation.
func units(text string) (out []string) {
	open := false // the last one takes another word
	for word := range strings.SplitSeq(text, " ") {
		if open {
			out[len(out)-1] += " " + word
		} else {
			out = append(out, word)
		}
		last := strings.TrimLeft(out[len(out)-1], "(")
		open = !strings.ContainsAny(word[max(0, len(word)-1):], ",;:.)") &&
			(strings.HasPrefix(last, "bulkonboard ") || last == "bulkonboard" || last == word && strings.HasPrefix(last, "--"))
	}
	return out
}
