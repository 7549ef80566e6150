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
	raw  []byte // with its line end
	body int    // bytes of raw before the line end
}

// own is the line with bytes that are a copy of its own, and not lent.
func (ln line) own() line {
	return line{raw: bytes.Clone(ln.raw), body: ln.body}
}

// lines cuts the input into lines. A line end is LF, with a CR before it that
// belongs to it, or, in a list whose first line ends with a bare CR, any of
// CR, LF and CRLF.
type lines struct {
	in         io.Reader
	buf        []byte
	start, end int   // buf[start:end] is read from in and not yet given out
	err        error // what in ended with; io.EOF included

	cr   bool  // a bare CR ends a line
	wide order // of the units that a line end is made of
}

func newLines(in io.Reader) *lines {
	return &lines{in: in, buf: make([]byte, 64<<10)}
}

// next returns the next line, io.EOF at the end, or what reading ended with.
// The line's bytes are lent until the next call. What stands before a read
// error without a line end is not a line: it may be half of one.
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
			return line{raw: data[:n:n], body: body}, nil
		case errors.Is(s.err, io.EOF) && len(data) > 0:
			s.start = s.end
			return line{raw: data, body: s.withoutCR(data, len(data))}, nil
		case s.err != nil:
			return line{}, s.err
		}
		from = s.lastUnit(len(data))
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
	return s.withoutCR(data, lf), lf + s.wide.size()
}

// endAtCR ends a line at the CR at an offset, together with an LF after it.
func (s *lines) endAtCR(data []byte, cr int) (body, n int) {
	unit := s.wide.size()
	after := cr + unit
	switch {
	case after+unit > len(data) && s.err == nil:
		return -1, -1
	case after+unit <= len(data) && s.wide.ascii(data, after) == '\n':
		return cr, after + unit
	default:
		return cr, after
	}
}

// withoutCR leaves out a CR that ends data[:n].
func (s *lines) withoutCR(data []byte, n int) int {
	if last := s.lastUnit(n); n-last == s.wide.size() && s.wide.ascii(data, last) == '\r' {
		return last
	}
	return n
}

// lastUnit is the offset of the last unit, whole or half, of n bytes.
func (s *lines) lastUnit(n int) int {
	if n == 0 {
		return 0
	}
	return (n - 1) / s.wide.size() * s.wide.size()
}

// index finds the first unit that is c in data at or after from, which is the
// offset of a unit, or gives -1.
func (s *lines) index(data []byte, from int, c byte) int {
	if s.wide == narrow {
		if i := bytes.IndexByte(data[from:], c); i >= 0 {
			return from + i
		}
		return -1
	}
	for from < len(data) {
		i := bytes.IndexByte(data[from:], c)
		if i < 0 {
			return -1
		}
		at := (from + i) / 2 * 2
		if at+2 <= len(data) && s.wide.ascii(data, at) == c {
			return at
		}
		from = at + 2
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
	inside, found, unit := false, "", s.wide.size()
	for i := 0; i <= maxRecord*unit; i += unit {
		window := s.peek(i + unit)
		if len(window) < i+unit {
			break
		}
		c := s.wide.ascii(window, i)
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
	unit := s.wide.size()
	next := s.peek(i + 2*unit)
	switch {
	case s.wide.ascii(next, i) == '\n':
		return "\n"
	case len(next) == i+2*unit && s.wide.ascii(next, i+unit) == '\n':
		return "\r\n"
	default:
		return "\r"
	}
}

// endsAt reports whether the unit that data ends with is a line end.
func (s *lines) endsAt(data []byte) bool {
	unit := s.wide.size()
	if len(data) < unit {
		return false
	}
	c := s.wide.ascii(data, len(data)-unit)
	return c == '\n' || c == '\r'
}
