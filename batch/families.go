package batch

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cespare/xxhash/v2"

	"bulkonboard/batch/state"
	"bulkonboard/sink"
)

// The file of answers keeps, across interruptions, the results that later rows
// of a customer will ask for, though the rows that got them are written and
// done with. An entry is: the row that leads and the row that ended well, as
// uvarints, a fingerprint of the customer (8 bytes, little-endian), and the
// session id with its length as a uvarint before it.

// maxSessionID bounds, in bytes, what is read as a session id.
const maxSessionID = 64 << 10

var errAnswersFormat = errors.New("the answers kept for duplicates are not in the format of this version; begin anew with --restart")

func appendAnswer(dst []byte, lead int64, a givenAnswer) []byte {
	dst = binary.AppendUvarint(dst, uint64(lead))
	dst = binary.AppendUvarint(dst, uint64(a.row))
	dst = binary.LittleEndian.AppendUint64(dst, a.print)
	dst = binary.AppendUvarint(dst, uint64(len(a.sessionID)))
	return append(dst, a.sessionID...)
}

// readAnswer returns io.EOF at the end.
func readAnswer(r *bufio.Reader) (lead int64, a givenAnswer, err error) {
	first, err := binary.ReadUvarint(r)
	if err != nil {
		return 0, a, err // io.EOF before the first byte only
	}
	row, err := binary.ReadUvarint(r)
	if err != nil {
		return 0, a, errAnswersFormat
	}
	var print [8]byte
	if _, err := io.ReadFull(r, print[:]); err != nil {
		return 0, a, errAnswersFormat
	}
	n, err := binary.ReadUvarint(r)
	if err != nil || n > maxSessionID {
		return 0, a, errAnswersFormat
	}
	id := make([]byte, n)
	if _, err := io.ReadFull(r, id); err != nil {
		return 0, a, errAnswersFormat
	}
	return int64(first), givenAnswer{row: int64(row), sessionID: string(id), print: binary.LittleEndian.Uint64(print[:])}, nil
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
	if s.family.asks(s.rec.Row) && res.Status.Good() && res.Status != sink.Duplicate {
		a := givenAnswer{row: s.rec.Row, sessionID: res.SessionID, print: xxhash.Sum64String(s.customer)}
		w.answers.buf = appendAnswer(w.answers.buf, s.family.lead, a)
	}
}
