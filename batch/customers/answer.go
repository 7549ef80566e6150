package customers

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/cespare/xxhash/v2"

	"bulkonboard/sink"
	"bulkonboard/source"
)

// Result is what the later rows of a customer are answered with.
type Result struct {
	row       int64 // that succeeded, or was refused
	sessionID string
	print     uint64 // of the customer

	// Of a refusal, which has no session id.
	code, message string
	at            time.Time
	fields        uint64 // a fingerprint of what was sent
}

func (a *Result) refused() bool { return a.sessionID == "" }

// ResultOf is what the later rows of a customer are answered with, if anything: a
// good result of this row, or the refusal of its call.
func ResultOf(rec *source.Record, customer string, res *sink.Result) (a Result, ok bool) {
	refused := res.Status == sink.Rejected && res.Attempts > 0
	if !refused && !res.Status.Good() {
		return a, false
	}
	a = Result{row: rec.Row, sessionID: res.SessionID, print: xxhash.Sum64String(customer)}
	if refused {
		a.sessionID, a.code, a.message, a.at, a.fields = "", res.ErrorCode, res.ErrorMessage, res.ProcessedAt, fieldsOf(&rec.Customer)
	}
	return a, true
}

// fieldsOf is a fingerprint of all that is sent for a row.
func fieldsOf(c *source.Customer) uint64 {
	d := xxhash.New()
	for _, value := range c.Fields() {
		_, _ = d.WriteString(value + "\x00") // never fails
	}
	return d.Sum64()
}

// Success gives the result of a later row of a customer that has a session id,
// decided at a time that is asked for; nil after a refusal. A list that was
// changed behind the back of its forecast is noticed here.
func (a *Result) Success(rec *source.Record, customer string, decided func() time.Time) (*sink.Result, error) {
	if a.print != xxhash.Sum64String(customer) {
		return nil, rec.Changed()
	}
	if a.refused() {
		return nil, nil //nolint:nilnil // there is none
	}
	return &sink.Result{
		Status: sink.Duplicate, SessionID: a.sessionID, ProcessedAt: decided(),
		ErrorMessage: fmt.Sprintf("the same customer as row %d", a.row),
	}, nil
}

// Refusal gives the result of a later row of a customer that was refused with
// the very fields of this row, or nil.
func (a *Result) Refusal(rec *source.Record) *sink.Result {
	if !a.refused() || a.fields != fieldsOf(&rec.Customer) {
		return nil
	}
	return &sink.Result{
		Status: sink.Rejected, ErrorCode: a.code, ProcessedAt: a.at,
		ErrorMessage: fmt.Sprintf("%s (not sent: the same customer and fields as row %d)", a.message, a.row),
	}
}

// The file of answers keeps, across interruptions, the results that later rows
// of a customer will ask for, though the rows that got them are written and
// done with. An entry is: the row that leads and the row that has the result, as
// uvarints, a fingerprint of the customer (8 bytes, little-endian), and the
// session id with its length as a uvarint before it; where that is empty, of the
// refusal a fingerprint of the fields, the time in Unix nanoseconds as a varint,
// and code and message like the session id.

// maxAnswerText bounds, in bytes, what is read as a session id or as words.
const maxAnswerText = 64 << 10

// FormatError refuses answers that another version kept.
type FormatError struct{ Reason string }

// Error says what is not as this version writes it.
func (e *FormatError) Error() string { return e.Reason }

var errResultFormat = &FormatError{"the answers kept for duplicates are not in the format of this version; start over with --restart"}

// AppendResult appends what ReadResult reads, for the customer whose rows a row
// leads.
func AppendResult(dst []byte, lead int64, a Result) []byte {
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

// ReadResult reads one entry, of the customer whose rows a row leads. It returns
// io.EOF at the end.
func ReadResult(r *bufio.Reader) (lead int64, a Result, err error) {
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
		return 0, Result{}, errResultFormat
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
