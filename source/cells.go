package source

import "strings"

// cutState says how the cutting of a record into cells ended.
type cutState int

const (
	cutWhole cutState = iota // the record ends where the text ends
	cutOpen                  // a quoted cell continues beyond the text
	cutBad                   // quotes stand where RFC 4180 has none
)

// cutCells cuts the text of a record, without its line end, into cells, which
// share its memory. It is as strict as RFC 4180 section 2: a quote that is not
// the first character of a cell, or text after a closing quote, may mean
// anything, and is not guessed at. bad is the number of the cell, from 1. spaced
// says that blanks between a delimiter and an opening quote are none of a cell's.
func cutCells(cells []string, text string, delimiter byte, spaced bool) (_ []string, state cutState, bad int) {
	if strings.IndexByte(text, '"') < 0 {
		return splitCells(cells, text, delimiter), cutWhole, 0
	}
	first := len(cells)
	for {
		if spaced && len(cells) > first {
			if quoted := strings.TrimLeft(text, " "); quoted != "" && quoted[0] == '"' {
				text = quoted
			}
		}
		if text != "" && text[0] == '"' {
			cell, rest, closed := quotedCell(text[1:])
			cells = append(cells, cell)
			switch {
			case !closed:
				return cells, cutOpen, len(cells)
			case rest == "":
				return cells, cutWhole, 0
			case rest[0] != delimiter:
				return cells, cutBad, len(cells)
			}
			text = rest[1:]
			continue
		}
		end := strings.IndexByte(text, delimiter)
		cell := text
		if end >= 0 {
			cell = text[:end]
		}
		cells = append(cells, cell)
		if strings.IndexByte(cell, '"') >= 0 {
			return cells, cutBad, len(cells)
		}
		if end < 0 {
			return cells, cutWhole, 0
		}
		text = text[end+1:]
	}
}

// splitCells cuts the text of a record without quotes.
func splitCells(cells []string, text string, delimiter byte) []string {
	for {
		end := strings.IndexByte(text, delimiter)
		if end < 0 {
			return append(cells, text)
		}
		cells = append(cells, text[:end])
		text = text[end+1:]
	}
}

// quotedCell reads a cell whose opening quote has been taken. Two quotes stand
// for one.
func quotedCell(text string) (cell, rest string, closed bool) {
	doubled := false
	for from := 0; ; {
		i := strings.IndexByte(text[from:], '"')
		if i < 0 {
			return "", "", false
		}
		end := from + i
		if end+1 < len(text) && text[end+1] == '"' {
			doubled, from = true, end+2
			continue
		}
		cell = text[:end]
		if doubled {
			cell = strings.ReplaceAll(cell, `""`, `"`)
		}
		return cell, text[end+1:], true
	}
}

// hasSpaces reports a header with a blank behind every delimiter.
func hasSpaces(text string, delimiter byte) bool {
	names := strings.Split(text, string(delimiter))
	for _, name := range names[1:] {
		if !strings.HasPrefix(name, " ") {
			return false
		}
	}
	return len(names) > 1
}

// isNothingButDelimiters reports a row that a spreadsheet exports for rows that
// are empty.
func isNothingButDelimiters(text string, delimiter byte) bool {
	found := false
	for i := range len(text) {
		switch {
		case text[i] == delimiter:
			found = true
		case text[i] != ' ' && text[i] != '\t':
			return false
		}
	}
	return found
}

// areBlank reports cells with nothing in them.
func areBlank(cells []string) bool {
	for _, cell := range cells {
		if strings.TrimSpace(cell) != "" {
			return false
		}
	}
	return true
}
