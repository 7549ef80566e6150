package source

import (
	"bytes"
	"errors"
	"io"
)

// maxLine is the length of a line, in bytes, beyond which the input is taken
// for something else than a customer list.
const maxLine = 16 << 20

// errLineTooLong ends reading: the line is over maxLine.
var errLineTooLong = errors.New("the line is over 16 MiB")

// line is one line of the input as it stands there.
type line struct {
	raw   []byte // with its line end
	body  int    // bytes of raw before the line end
	ended bool   // whether the next byte stands on another line
}

// lines cuts the input into lines. A line end is LF, with a CR before it that
// belongs to it, or, in a list whose first line ends with a bare CR, any of
// CR, LF and CRLF. Code units are bytes, or pairs of bytes in UTF-16: in both
// the line ends can be found without decoding.
type lines struct {
	in         io.Reader
	buf        []byte
	start, end int   // buf[start:end] is read from in and not yet given out
	err        error // what in ended with; io.EOF included

	unit int  // bytes of a code unit: 1 or 2
	big  bool // of two bytes, the first is the high one
	cr   bool // a bare CR ends a line
}

func newLines(in io.Reader) *lines {
	return &lines{in: in, buf: make([]byte, 64<<10), unit: 1}
}

// next returns the next line, io.EOF at the end, or what reading ended with.
// The line's bytes are lent until the next call. What stands before a read
// error without a line end is no line: it may be half of one.
func (s *lines) next() (line, error) {
	from := 0
	for {
		data := s.buf[s.start:s.end]
		body, n := s.find(data, from)
		switch {
		case n > maxLine || n < 0 && len(data) > maxLine:
			return line{}, errLineTooLong
		case n >= 0:
			s.start += n
			return line{raw: data[:n:n], body: body, ended: true}, nil
		case errors.Is(s.err, io.EOF) && len(data) > 0:
			s.start = s.end
			return line{raw: data, body: s.withoutCR(data, len(data))}, nil
		case s.err != nil:
			return line{}, s.err
		}
		from = max(0, len(data)&^(s.unit-1)-s.unit)
		s.fill()
	}
}

// find looks for the first line end in data, from an offset on before which
// there is none. It returns the bytes before and up to the end of the line
// end, or -1 when more input must decide.
func (s *lines) find(data []byte, from int) (body, n int) {
	lf := s.index(data, from, '\n')
	if s.cr {
		search := data
		if lf >= 0 {
			search = data[:lf]
		}
		if cr := s.index(search, from, '\r'); cr >= 0 {
			return s.endAtCR(data, cr)
		}
	}
	if lf < 0 {
		return -1, -1
	}
	return s.withoutCR(data, lf), lf + s.unit
}

// endAtCR ends a line at the CR at an offset, together with an LF after it.
func (s *lines) endAtCR(data []byte, cr int) (body, n int) {
	after := cr + s.unit
	switch {
	case after+s.unit > len(data) && s.err == nil:
		return -1, -1
	case after+s.unit <= len(data) && s.at(data, after) == '\n':
		return cr, after + s.unit
	default:
		return cr, after
	}
}

// withoutCR leaves out a CR that ends data[:n].
func (s *lines) withoutCR(data []byte, n int) int {
	if cr := n - s.unit; cr >= 0 && n%s.unit == 0 && s.at(data, cr) == '\r' {
		return cr
	}
	return n
}

// at is the code unit at an offset when it is an ASCII character, or else 0xff.
func (s *lines) at(data []byte, i int) byte {
	if s.unit == 1 {
		return data[i]
	}
	high, low := data[i+1], data[i]
	if s.big {
		high, low = low, high
	}
	if high != 0 {
		return 0xff
	}
	return low
}

// index finds the first code unit c in data at or after from, or gives -1.
func (s *lines) index(data []byte, from int, c byte) int {
	for from < len(data) {
		i := bytes.IndexByte(data[from:], c)
		if i < 0 {
			return -1
		}
		i += from
		at := i &^ (s.unit - 1)
		if at+s.unit <= len(data) && s.at(data, at) == c {
			return at
		}
		from = i + 1
	}
	return -1
}

// fill reads more input and reports whether there was any. It moves what is
// unread, so bytes that were lent are gone.
func (s *lines) fill() bool {
	if s.err != nil {
		return false
	}
	if s.end == len(s.buf) && s.start > 0 {
		s.end = copy(s.buf, s.buf[s.start:s.end])
		s.start = 0
	}
	if s.end == len(s.buf) {
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	for range 100 {
		n, err := s.in.Read(s.buf[s.end:])
		s.end += n
		s.err = err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	s.err = io.ErrNoProgress
	return false
}

// peek returns up to n unread bytes without taking them; fewer only when the
// input ends there.
func (s *lines) peek(n int) []byte {
	for s.end-s.start < n && s.fill() {
	}
	return s.buf[s.start:min(s.end, s.start+n)]
}

// skip takes up to n bytes, as many as are there, and lends them.
func (s *lines) skip(n int64) []byte {
	s.peek(1)
	from := s.start
	s.start += int(min(n, int64(s.end-s.start)))
	return s.buf[from:s.start]
}

// settle decides how lines end: as the first one does that is not inside
// quotes. Quotes mean nothing in JSONL, where no line end can be inside them.
func (s *lines) settle(quotes bool) string {
	inside, found := false, ""
	for i := 0; i <= maxRecord; i += s.unit {
		window := s.peek(i + s.unit)
		if len(window) < i+s.unit {
			break
		}
		c := s.at(window, i)
		if c == '"' && quotes {
			inside = !inside
		}
		if c != '\n' && c != '\r' {
			continue
		}
		if found == "" || !inside {
			found = s.kind(i)
		}
		if !inside {
			break
		}
	}
	s.cr = found == "\r"
	if found == "" {
		return "\n"
	}
	return found
}

// kind is the line end that stands at an offset of the unread bytes.
func (s *lines) kind(i int) string {
	if s.at(s.peek(i+s.unit), i) == '\n' {
		return "\n"
	}
	after := i + s.unit
	if next := s.peek(after + s.unit); len(next) == after+s.unit && s.at(next, after) == '\n' {
		return "\r\n"
	}
	return "\r"
}
