package batch

import (
	"encoding/binary"
	"math"
	"time"

	"bulkonboard/batch/answers"
	"bulkonboard/batch/blame"
	"bulkonboard/batch/known"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// journalled is what an interrupted run knew of a row that it had not written.
type journalled struct {
	attempts int // sent
	doubts   int // interruptions that caught a call of the row in flight
	charged  int // attempts that count against it

	answered bool
	result   sink.Result
	print    uint64 // fingerprint of the record that the result is for
}

// leftover is what the journal has of the rows behind the checkpoint. It answers
// those that had their result.
type leftover map[int64]journalled

// restore takes in what an interrupted run did about a row.
func (l leftover) restore(s *slot) {
	if before, found := l[s.rec.Row]; found {
		s.sent, s.doubts, s.blame = before.attempts, before.doubts, blame.Charged(before.charged)
	}
}

// Answer implements answers.Source. It forgets the row.
func (l leftover) Answer(rec *source.Record) (answers.Answer, error) {
	before, found := l[rec.Row]
	if delete(l, rec.Row); !found || !before.answered {
		return answers.Answer{}, nil
	}
	res := before.result // the rest of it need not outlive the row
	return answers.Answer{Result: &res, Print: before.print}, nil
}

// A result in the journal is: the record's fingerprint (8 bytes, little-endian),
// status, session id, error code and error message as strings with a uvarint length
// before each, attempts as a uvarint, the time in Unix nanoseconds as a varint, and
// when the session id expires in Unix seconds as a varint, zero when that is not
// known. Where there is a ledger, what known.Identity appends follows.
//
// It has no version of its own. What changes here raises that of the state
// (state/checkpoint.go) and that of the segments of a job (chunks/segment.go), which
// are looked at before any result is.

var errResultFormat = &FormatError{"a journalled result is not in the format of this version"}

// JournalResult is the result of a row, as a journal has it.
type JournalResult struct {
	Print  uint64 // fingerprint of the record; 0 in none
	Result sink.Result
}

// ParseJournalResult reads the payload of a result that a run gave to its Journal.
func ParseJournalResult(payload []byte) (r JournalResult, err error) {
	r.Print, r.Result, _, err = parseJournalResult(payload)
	return r, err
}

// AppendJournalResult appends a payload that ParseJournalResult reads, for a result that a
// row has without a run.
func AppendJournalResult(dst []byte, rec *source.Record, res *sink.Result) []byte {
	return appendJournalResult(dst, rec.Fingerprint(), res)
}

func appendJournalResult(dst []byte, print uint64, r *sink.Result) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, print)
	for _, s := range [...]string{string(r.Status), r.SessionID, r.ErrorCode, r.ErrorMessage} {
		dst = binary.AppendUvarint(dst, uint64(len(s)))
		dst = append(dst, s...)
	}
	dst = binary.AppendUvarint(dst, uint64(r.Attempts))
	dst = binary.AppendVarint(dst, r.ProcessedAt.UnixNano())
	if r.Expires.IsZero() {
		return append(dst, 0)
	}
	return binary.AppendVarint(dst, r.Expires.Unix())
}

// parseJournalResult gives who is nil where there was no ledger.
func parseJournalResult(b []byte) (print uint64, result sink.Result, who *known.Identity, err error) {
	if len(b) < 8 {
		return 0, sink.Result{}, nil, errResultFormat
	}
	result, rest, err := parsePayload(b[8:])
	if err == nil && len(rest) > 0 {
		var ok bool
		if who, ok = known.ParseIdentity(rest); !ok {
			return 0, sink.Result{}, nil, errResultFormat
		}
	}
	return binary.LittleEndian.Uint64(b), result, who, err
}

// parsePayload reads a result, and gives what follows it.
func parsePayload(b []byte) (result sink.Result, after []byte, err error) {
	var fields [4]string
	for i := range fields {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			return sink.Result{}, nil, errResultFormat
		}
		fields[i] = string(b[size : size+int(n)])
		b = b[size+int(n):]
	}
	attempts, size := binary.Uvarint(b)
	if size <= 0 || attempts > math.MaxInt32 {
		return sink.Result{}, nil, errResultFormat
	}
	b = b[size:]
	nanos, size := binary.Varint(b)
	if size <= 0 {
		return sink.Result{}, nil, errResultFormat
	}
	expires, rest := binary.Varint(b[size:])
	if rest <= 0 {
		return sink.Result{}, nil, errResultFormat
	}
	result = sink.Result{
		Status:       sink.Status(fields[0]),
		SessionID:    fields[1],
		ErrorCode:    fields[2],
		ErrorMessage: fields[3],
		Attempts:     int(attempts),
		ProcessedAt:  time.Unix(0, nanos),
	}
	if expires != 0 {
		result.Expires = time.Unix(expires, 0).UTC()
	}
	return result, b[size+rest:], nil
}
