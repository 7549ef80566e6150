package batch

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"bulkonboard/batch/state"
	"bulkonboard/sink"
)

// The file of answers keeps, across interruptions, the results that later rows
// of a customer will ask for, though the rows that got them are written and
// done with. An entry is: the row that leads and the row that has the result, as
// uvarints, a fingerprint of the customer (8 bytes, little-endian), and the
// session id with its length as a uvarint before it; where that is empty, of the
// refusal a fingerprint of the fields, the time in Unix nanoseconds as a varint,
// and code and message like the session id.

// maxAnswerText bounds, in bytes, what is read as a session id or as words.
const maxAnswerText = 64 << 10

var errAnswersFormat = errors.New("the answers kept for duplicates are not in the format of this version; begin anew with --restart")

func appendAnswer(dst []byte, lead int64, a givenAnswer) []byte {
	dst = binary.AppendUvarint(dst, uint64(lead))
	dst = binary.AppendUvarint(dst, uint64(a.row))
	dst = binary.LittleEndian.AppendUint64(dst, a.print)
	if dst = appendAnswerText(dst, a.sessionID); a.sessionID != "" {
		return dst
	}
	dst = binary.LittleEndian.AppendUint64(dst, a.fields)
	dst = binary.AppendVarint(dst, a.at.UnixNano())
	return appendAnswerText(appendAnswerText(dst, a.code), a.message)
}

func appendAnswerText(dst []byte, s string) []byte {
	s = s[:min(len(s), maxAnswerText)]
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// readAnswer returns io.EOF at the end.
func readAnswer(r *bufio.Reader) (lead int64, a givenAnswer, err error) {
	first, err := binary.ReadUvarint(r)
	if err != nil {
		return 0, a, err // io.EOF before the first byte only
	}
	in := answerReader{Reader: r}
	a.row, a.print, a.sessionID = int64(in.uvarint()), in.print(), in.text()
	if a.sessionID == "" {
		a.fields, a.at, a.code, a.message = in.print(), in.time(), in.text(), in.text()
	}
	if in.failed {
		return 0, givenAnswer{}, errAnswersFormat
	}
	return int64(first), a, nil
}

// answerReader reads parts of an answer. Once one is not there, it has failed,
// and gives zeros.
type answerReader struct {
	*bufio.Reader
	failed bool
}

func (r *answerReader) uvarint() uint64 {
	v, err := binary.ReadUvarint(r)
	r.failed = r.failed || err != nil
	return v
}

func (r *answerReader) bytes(n uint64) []byte {
	if r.failed || n > maxAnswerText {
		r.failed = true
		return nil
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	r.failed = err != nil
	return b
}

func (r *answerReader) text() string { return string(r.bytes(r.uvarint())) }

func (r *answerReader) print() uint64 {
	var b [8]byte
	copy(b[:], r.bytes(8))
	return binary.LittleEndian.Uint64(b[:])
}

func (r *answerReader) time() time.Time {
	nanos, err := binary.ReadVarint(r)
	r.failed = r.failed || err != nil
	return time.Unix(0, nanos)
}

// takeAnswers reads what later rows of customers will ask for.
func (r *run) takeAnswers(to *given) error {
	file, err := r.State.ReadOutput(state.Answers)
	if file == nil || err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	in := bufio.NewReaderSize(file, 64<<10)
	for {
		lead, a, err := readAnswer(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", state.Answers, err)
		}
		if last, leads := r.Duplicates.Last(lead); !leads || last <= r.from.Row {
			continue
		}
		if err := to.put(lead, a); err != nil {
			return err
		}
	}
}

// keepAnswer keeps a result that later rows of its customer will ask for.
func (w *writer) keepAnswer(s *slot, res *sink.Result) {
	if a, ok := answerOf(s, res); ok && res.Status != sink.Duplicate {
		w.answers.buf = appendAnswer(w.answers.buf, s.family.lead, a)
	}
}
