package source

import (
	"errors"
	"io"
	"iter"
)

// Records yields every record, in order. A row that cannot be sent is a record
// with problems; an error is yielded last and ends the list.
func (l *List) Records() iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		for {
			rec, err := l.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, l.terminal(err))
				return
			}
			if !yield(rec, nil) {
				return
			}
		}
	}
}

// lent is the memory of a record that is good until the next one.
type lent struct {
	rec   Record
	raw   []byte
	cells []string
}

// Lent yields the records for who keeps none: each is good until the next one,
// though its strings stay.
func (l *List) Lent() iter.Seq2[*Record, error] {
	l.lent = new(lent)
	return l.Records()
}

// DecodeLater leaves records as they were read until they are told to Decode.
// Raw and Plain, or Text, are all that a result takes, and most rows of a night
// are known by their bytes: decoding those too would take a tenth of its CPU. It
// comes before reading.
func (l *List) DecodeLater() { l.decodeLater = true }

// Decode reads cells and customer of a record that was left as it was read. It is
// called by the goroutine that reads the list.
func (rec *Record) Decode() {
	l := rec.list
	if rec.list = nil; l == nil {
		return
	}
	if l.format == FormatJSONL {
		l.decodeObject(rec, rec.body)
		return
	}
	row := l.cut(&line{raw: rec.Raw, body: rec.body})
	if l.decodeRow(rec, &row); rec.Malformed {
		rec.Plain = 0
	}
}

// RecordsFrom yields the records behind a position that was taken from an
// earlier reading of this list. What lies before is read and compared, not
// taken apart; where it differs, a *ChangedError is all that is yielded.
func (l *List) RecordsFrom(p Position) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		if p.Offset > l.at.Offset {
			if err := l.skipTo(p); err != nil {
				yield(nil, err)
				return
			}
		}
		l.Records()(yield)
	}
}

// skipTo reads up to a position. A last line that had no line end when the
// position was taken must still be whole: nothing but a line end may follow.
func (l *List) skipTo(p Position) error {
	var last []byte // as much as holds a line end
	for l.at.Offset < p.Offset {
		b := l.lines.skip(p.Offset - l.at.Offset)
		if len(b) == 0 {
			if err := l.lines.err; !errors.Is(err, io.EOF) {
				return l.terminal(err)
			}
			return &ChangedError{Name: l.name, At: p, Reason: "it is shorter"}
		}
		last = append(last, b[max(0, len(b)-2):]...)
		last = last[max(0, len(last)-2):]
		l.consume(b, 0)
	}
	l.at.Row, l.at.Line = p.Row, p.Line
	after := l.lines.peek(l.charset.wide.size())
	whole := l.lines.endsAt(last) || len(after) == 0 || l.lines.endsAt(after)
	if l.sum.Sum64() != p.Sum || !whole {
		return &ChangedError{Name: l.name, At: p, Reason: "its bytes differ"}
	}
	return nil
}

// next reads one record.
func (l *List) next() (*Record, error) {
	for {
		ln, err := l.take()
		if err != nil {
			return nil, err
		}
		if ln.body == 0 {
			l.consume(ln.raw, 1)
			continue
		}
		if l.isNoRow(&ln) {
			l.notices.count("empty_rows", "rows of nothing but delimiters: they are not rows and get no result", l.at.Line)
			l.consume(ln.raw, 1)
			continue
		}
		if l.format == FormatJSONL {
			return l.objectRecord(&ln), nil
		}
		return l.rowRecord(&ln), nil
	}
}

// take returns the next line, whose bytes belong to the record.
func (l *List) take() (line, error) {
	if len(l.ahead) > 0 {
		ln := l.ahead[0]
		l.ahead = l.ahead[1:]
		return ln, nil
	}
	ln, err := l.lines.next()
	if err != nil {
		return line{}, err
	}
	if l.lent != nil {
		l.lent.raw = append(l.lent.raw[:0], ln.raw...)
		return line{raw: l.lent.raw, body: ln.body}, nil
	}
	return ln.own(), nil
}

// consume moves the position over bytes that make up a number of lines.
func (l *List) consume(raw []byte, lines int64) {
	l.at.Offset += int64(len(raw))
	if l.sheetRows {
		lines = min(lines, 1) // whatever is in its cells
	}
	l.at.Line += lines
	_, _ = l.sum.Write(raw) // never fails
	l.at.Sum = l.sum.Sum64()
	l.looks.take(&l.charset, raw)
}

// begin starts a record at the present position and moves over it.
func (l *List) begin(raw []byte, lines int64) *Record {
	var rec *Record
	if l.lent == nil {
		rec = new(Record)
	} else {
		rec = &l.lent.rec
		*rec = Record{}
	}
	rec.Row, rec.Line, rec.Offset, rec.Raw = l.at.Row+1, l.at.Line, l.at.Offset, raw
	l.at.Row++
	l.consume(raw, lines)
	rec.Next = l.at
	return rec
}

// malformed marks a record that could not be taken apart. body is how much of
// it comes before its line end.
func (l *List) malformed(rec *Record, body int, p Problem) {
	rec.Malformed, rec.Text = true, l.charset.printable(rec.Raw[:body])
	rec.Problems = append(rec.Problems, p)
}
