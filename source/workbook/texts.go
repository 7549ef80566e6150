package workbook

import (
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	textsInMemory = 32 << 20 // bytes of shared strings, before they go to a scratch file
	textsEvery    = 16       // of which the place of one is remembered
	pageSize      = 64 << 10
	pagesKept     = 256
)

// texts are the strings that the cells of a workbook share. A text is there as its
// length, as a uvarint, and its bytes.
type texts struct {
	n      int
	places []int64 // of every sixteenth
	size   int64
	buf    []byte // all of them or, with a file, those that are still to be written

	file  Scratch // nil: they are in memory
	pages map[int64]*page
	clock []*page
	hand  int
}

// page is a piece of the file that is kept.
type page struct {
	at   int64
	data []byte
	used bool
}

// add puts a text behind the others.
func (t *texts) add(text []byte, scratch func() (Scratch, error)) error {
	if t.n%textsEvery == 0 {
		t.places = append(t.places, t.size)
	}
	before := len(t.buf)
	t.buf = append(binary.AppendUvarint(t.buf, uint64(len(text))), text...)
	t.size += int64(len(t.buf) - before)
	t.n++
	if t.file == nil && len(t.buf) >= textsInMemory {
		file, err := scratch()
		if err != nil {
			return err
		}
		t.file, t.pages = file, map[int64]*page{}
	}
	if t.file != nil && len(t.buf) >= pageSize {
		return t.flush()
	}
	return nil
}

func (t *texts) flush() error {
	_, err := t.file.Write(t.buf)
	if cap(t.buf) > textsInMemory/2 {
		t.buf = nil
	}
	t.buf = t.buf[:0]
	return err
}

// end says that no text will be added.
func (t *texts) end() error {
	if t.file == nil {
		return nil
	}
	return t.flush()
}

// text gives a text by its number.
func (t *texts) text(i int) (string, error) {
	at := t.places[i/textsEvery]
	for skip := i % textsEvery; ; skip-- {
		var head [binary.MaxVarintLen64]byte
		if err := t.readAt(head[:min(len(head), int(t.size-at))], at); err != nil {
			return "", err
		}
		length, n := binary.Uvarint(head[:])
		at += int64(n)
		if skip > 0 {
			at += int64(length)
			continue
		}
		b := make([]byte, length)
		if err := t.readAt(b, at); err != nil {
			return "", err
		}
		return string(b), nil
	}
}

// readAt reads from memory, or from the pages of the file.
func (t *texts) readAt(b []byte, at int64) error {
	if t.file == nil {
		copy(b, t.buf[at:])
		return nil
	}
	for len(b) > 0 {
		p, err := t.page(at / pageSize * pageSize)
		if err != nil {
			return err
		}
		n := copy(b, p.data[at-p.at:])
		b, at = b[n:], at+int64(n)
	}
	return nil
}

// page gives the page at a place, and lets one go that was not used for long.
func (t *texts) page(at int64) (*page, error) {
	if p := t.pages[at]; p != nil {
		p.used = true
		return p, nil
	}
	var p *page
	if len(t.clock) < pagesKept {
		p = &page{data: make([]byte, 0, pageSize)}
		t.clock = append(t.clock, p)
	} else {
		for t.clock[t.hand].used {
			t.clock[t.hand].used = false
			t.hand = (t.hand + 1) % pagesKept
		}
		p = t.clock[t.hand]
		delete(t.pages, p.at)
		t.hand = (t.hand + 1) % pagesKept
	}
	p.at, p.data, p.used = at, p.data[:min(pageSize, t.size-at)], true
	if _, err := t.file.ReadAt(p.data, at); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	t.pages[at] = p
	return p, nil
}

// readStrings reads the shared strings, once.
func (f *File) readStrings() error {
	name := f.stringsName
	if f.stringsName = ""; name == "" {
		return nil
	}
	part, err := f.open(name)
	if err != nil {
		return err
	}
	decoder := xml.NewDecoder(part)
	var text []byte
	in, phonetic := false, 0
	for {
		token, err := part.token(decoder)
		if errors.Is(err, io.EOF) {
			return f.strings.end()
		}
		if err != nil {
			return readError(name, err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "si":
				text = text[:0]
			case "rPh":
				phonetic++
			}
			in = t.Name.Local == "t" && phonetic == 0
		case xml.CharData:
			if in {
				text = append(text, t...)
			}
			if len(text) > maxText {
				return damaged("%s has a text that is longer than a cell can have", name)
			}
		case xml.EndElement:
			in = false
			switch t.Name.Local {
			case "rPh":
				phonetic--
			case "si":
				if err := f.strings.add(text, f.scratch); err != nil {
					return err
				}
			}
		}
	}
}

// unescaped reads characters that XML cannot have, written as _x000D_ (ECMA-376
// part 1, section 22.4.2.4).
func unescaped(text string) string {
	if !strings.Contains(text, "_x") {
		return text
	}
	var b strings.Builder
	for {
		at := strings.Index(text, "_x")
		if at < 0 {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:at])
		text = text[at:]
		r, n := escape(text)
		if n == 0 {
			r, n = '_', 1
		}
		b.WriteRune(r)
		text = text[n:]
	}
}

// escape reads an escape, or the two of a character beyond the basic plane, at the
// start of a text. n is 0 when there is none.
func escape(text string) (r rune, n int) {
	first, ok := escapedUnit(text)
	if !ok || !utf16.IsSurrogate(first) {
		return first, lengthIf(ok)
	}
	if second, ok := escapedUnit(text[escapeLength:]); ok {
		if whole := utf16.DecodeRune(first, second); whole != utf8.RuneError {
			return whole, 2 * escapeLength
		}
	}
	return utf8.RuneError, escapeLength
}

const escapeLength = len("_x000D_")

func lengthIf(ok bool) int {
	if ok {
		return escapeLength
	}
	return 0
}

func escapedUnit(text string) (rune, bool) {
	if len(text) < escapeLength || !strings.HasPrefix(text, "_x") || text[escapeLength-1] != '_' {
		return 0, false
	}
	unit, err := strconv.ParseUint(text[2:escapeLength-1], 16, 16)
	return rune(unit), err == nil
}

// Escaped writes characters that XML cannot have, and texts that look so written.
func Escaped(text string) string {
	plain := true
	for i := range len(text) {
		c := text[i]
		plain = plain && (c >= ' ' || c == '\n' || c == '\t') && c != 0xef && (c != '_' || i+1 == len(text) || text[i+1] != 'x')
	}
	if plain {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		_, looks := escapedUnit(text[i:])
		switch {
		case looks, r < ' ' && r != '\n' && r != '\t', r == 0xfffe, r == 0xffff:
			fmt.Fprintf(&b, "_x%04X_", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
