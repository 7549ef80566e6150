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

	cr bool // a bare CR ends a line
}

func newLines(in io.Reader) *lines {
	return &lines{in: in, buf: make([]byte, 64<<10)}
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
			return line{raw: data[:n:n], body: body}, nil
		case errors.Is(s.err, io.EOF) && len(data) > 0:
			s.start = s.end
			return line{raw: data, body: withoutCR(data, len(data))}, nil
		case s.err != nil:
			return line{}, s.err
		}
		from = max(0, len(data)-1)
		s.fill()
	}
}

// find looks for the first line end in data, from an offset on before which
// there is none. It returns the bytes before and up to the end of the line
// end, or -1 when more input must decide.
func (s *lines) find(data []byte, from int) (body, n int) {
	lf := index(data, from, '\n')
	if s.cr {
		search := data
		if lf >= 0 {
			search = data[:lf]
		}
		if cr := index(search, from, '\r'); cr >= 0 {
			return s.endAtCR(data, cr)
		}
	}
	if lf < 0 {
		return -1, -1
	}
	return withoutCR(data, lf), lf + 1
}

// endAtCR ends a line at the CR at an offset, together with an LF after it.
func (s *lines) endAtCR(data []byte, cr int) (body, n int) {
	after := cr + 1
	switch {
	case after == len(data) && s.err == nil:
		return -1, -1
	case after < len(data) && data[after] == '\n':
		return cr, after + 1
	default:
		return cr, after
	}
}

// withoutCR leaves out a CR that ends data[:n].
func withoutCR(data []byte, n int) int {
	if n > 0 && data[n-1] == '\r' {
		return n - 1
	}
	return n
}

// index finds the first c in data at or after from, or gives -1.
func index(data []byte, from int, c byte) int {
	if i := bytes.IndexByte(data[from:], c); i >= 0 {
		return from + i
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
	for i := 0; i <= maxRecord; i++ {
		window := s.peek(i + 1)
		if len(window) <= i {
			break
		}
		c := window[i]
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
	next := s.peek(i + 2)
	switch {
	case next[i] == '\n':
		return "\n"
	case len(next) == i+2 && next[i+1] == '\n':
		return "\r\n"
	default:
		return "\r"
	}
}
