package batch

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"time"

	"bulkonboard/batch/ledger"
	"bulkonboard/source"
)

// question is a row whose customer is looked for in the ledger.
type question struct {
	key    ledger.Key
	digest ledger.Digest
	print  uint64 // fingerprint of the record
	row    uint32
	about  seal
}

const questionBytes = len(ledger.Key{}) + len(ledger.Digest{}) + 8 + 4 + 1

func (q *question) appendTo(dst []byte) []byte {
	dst = append(append(dst, q.key[:]...), q.digest[:]...)
	dst = binary.LittleEndian.AppendUint64(dst, q.print)
	return append(binary.LittleEndian.AppendUint32(dst, q.row), byte(q.about))
}

func parseQuestion(b []byte) (q question) {
	b = b[copy(q.key[:], b):]
	b = b[copy(q.digest[:], b):]
	q.print, q.row, q.about = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint32(b[8:]), seal(b[12])
	return q
}

// join asks the ledger for all customers of a list at once.
type join struct {
	*Known
	runID     string
	own       uint64 // number of that run in the ledger; 0: it put nothing down yet
	questions spill
	answers   *rowAnswers
	now       time.Time
	buf       []byte
	count     *Forecast
	counts    [standings]int64 // customers

	// Of the partition that is asked for.
	blob  []byte
	rows  []question
	keys  []ledger.Key
	first []int // row of each key

	err error // of putting an answer down
}

// newJoin takes two scratch files: for the rows by customer, and for the
// answers by row.
func newJoin(k *Known, runID string, scratch [2]Scratch, count *Forecast) *join {
	if k == nil {
		return nil
	}
	return &join{Known: k, runID: runID, questions: spill{file: scratch[0]}, answers: &rowAnswers{spill: spill{file: scratch[1]}, part: -1}, now: time.Now(), count: count}
}

// see takes note of a row of a customer.
func (j *join) see(rec *source.Record, customer []byte, about seal) error {
	if j == nil {
		return nil
	}
	q := question{print: fingerprint(rec.Raw), row: uint32(rec.Row), about: about}
	q.key, q.digest = j.hash(rec, customer)
	j.buf = q.appendTo(j.buf[:0])
	return j.questions.add(int(q.key[0]), j.buf)
}

// ask asks, counts what the ledger has said, and keeps it for the run.
func (j *join) ask() error {
	if j == nil {
		return nil
	}
	var err error
	if j.own, err = j.Ledger.RunNumber(j.runID); err != nil {
		return err
	}
	f := j.count
	j.answers.width = uint32(f.Rows/spillParts + 1)
	for part := range spillParts {
		if err := j.askPart(part); err != nil {
			return err
		}
	}
	f.Asked = true
	f.Known, f.Changed, f.ChangedKept = j.counts[isKnown], j.counts[isChanged], j.counts[isKept]
	f.Expired, f.Refused, f.Due = j.counts[isExpired], j.counts[isRefused], j.counts[isDue]
	f.New = f.Calls - f.Changed - f.Expired - f.Due
	j.Known.answers = j.answers
	return nil
}

// askPart asks for the customers of one partition.
func (j *join) askPart(part int) (err error) {
	if j.blob, err = j.questions.read(part, j.blob); err != nil {
		return err
	}
	rows := sorted(j.rows[:0], j.blob)
	first, keys := j.first[:0], j.keys[:0]
	for i := range rows {
		if i == 0 || rows[i].key != rows[i-1].key {
			first, keys = append(first, i), append(keys, rows[i].key)
		}
	}
	first = append(first, len(rows))
	j.rows, j.first, j.keys = rows, first, keys
	err = j.Ledger.Match(keys, func(i int, value []byte) { j.found(rows[first[i]:first[i+1]], value) })
	return cmp.Or(err, j.err)
}

// sorted appends the questions of a partition, by key and then by row.
func sorted(dst []question, blob []byte) []question {
	for ; len(blob) > 0; blob = blob[questionBytes:] {
		dst = append(dst, parseQuestion(blob))
	}
	slices.SortFunc(dst, func(a, b question) int {
		// The first half of a key tells nearly all apart.
		if x, y := binary.BigEndian.Uint64(a.key[:]), binary.BigEndian.Uint64(b.key[:]); x != y {
			return cmp.Compare(x, y)
		}
		if order := bytes.Compare(a.key[:], b.key[:]); order != 0 {
			return order
		}
		return cmp.Compare(a.row, b.row)
	})
	return dst
}

// found takes in what is known of a customer, for all its rows.
func (j *join) found(rows []question, value []byte) {
	e, err := ledger.ParseHead(value)
	if err != nil {
		j.err = cmp.Or(j.err, err)
		return
	}
	j.count.Found++
	was := e.Outcome
	e, unchanged := j.counting(&e, func(d ledger.Digest) bool {
		return slices.ContainsFunc(rows, func(q question) bool { return q.digest == d })
	}, j.now)
	if e.Outcome != was { // it is the earlier session
		value = e.Append(nil)
	}
	is := j.standing(&e, unchanged, j.now)
	if is == isRefused && j.own != 0 && e.Run == j.own {
		// This run has called one row of the customer before it was
		// interrupted, and the others have their turn as if it had not been.
		is = isDue
	}
	if j.countFound(&rows[0], is, e.Outcome) {
		return
	}
	for i := range rows {
		j.err = cmp.Or(j.err, j.answers.add(&rows[i], unchanged, value))
	}
}

// countFound counts a customer by the row that leads, and reports whether it
// is called. One whose leading row is kept makes no call with or without the
// ledger.
func (j *join) countFound(lead *question, is standing, outcome ledger.Outcome) (called bool) {
	if is == isChanged && j.KeepChanged && outcome == ledger.OK {
		is = isKept
	}
	called = is == isChanged || is == isExpired || is == isDue
	if lead.about&sealKept != 0 {
		return called
	}
	j.counts[is]++
	if !called {
		j.count.Calls--
		if lead.about&sealMail != 0 {
			j.count.Mailed--
		}
	}
	return called
}

// rowAnswers is what the ledger has said of the rows that are not called, by
// row. A list that was changed behind the back of its forecast is noticed: an
// answer is good for the very record that was asked for.
type rowAnswers struct {
	spill
	width uint32 // rows of a partition
	buf   []byte

	part  int // the one that is in memory, or -1
	blob  []byte
	place []uint32 // in the blob, from 1, of each row of the partition
}

// An answer is: length of the rest u32, row u32, fingerprint u64, unchanged
// u8, entry.
const answerHead = 4 + 4 + 8 + 1

func (a *rowAnswers) add(q *question, unchanged bool, value []byte) error {
	b := binary.LittleEndian.AppendUint32(a.buf[:0], 0)
	b = binary.LittleEndian.AppendUint32(b, q.row)
	b = binary.LittleEndian.AppendUint64(b, q.print)
	flag := byte(0)
	if unchanged {
		flag = 1
	}
	b = append(append(b, flag), value...)
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	a.buf = b
	return a.spill.add(int((q.row-1)/a.width), b)
}

// rowAnswer is what the ledger has said of a row.
type rowAnswer struct {
	found     bool
	differs   bool // the row is not the one that was asked for
	entry     ledger.Entry
	unchanged bool
}

// find gives the answer for a row. Rows come in order.
func (a *rowAnswers) find(row int64, raw []byte) (rowAnswer, error) {
	n := uint32(row - 1)
	part := int(n / a.width)
	if part >= spillParts {
		return rowAnswer{}, nil // the list has grown since
	}
	if part != a.part {
		if err := a.load(part); err != nil {
			return rowAnswer{}, err
		}
	}
	place := a.place[n%a.width]
	if place == 0 {
		return rowAnswer{}, nil
	}
	b := a.blob[place-1:]
	b = b[:binary.LittleEndian.Uint32(b)]
	if binary.LittleEndian.Uint64(b[8:]) != fingerprint(raw) {
		return rowAnswer{found: true, differs: true}, nil
	}
	e, err := ledger.ParseEntry(b[answerHead:])
	return rowAnswer{found: true, entry: e, unchanged: b[16] == 1}, err
}

// load takes a partition into memory.
func (a *rowAnswers) load(part int) (err error) {
	if a.blob, err = a.read(part, a.blob); err != nil {
		return err
	}
	a.part = part
	if a.place == nil {
		a.place = make([]uint32, a.width)
	}
	clear(a.place)
	for at := uint32(0); int(at) < len(a.blob); {
		b := a.blob[at:]
		a.place[(binary.LittleEndian.Uint32(b[4:])-1)%a.width] = at + 1
		at += binary.LittleEndian.Uint32(b)
	}
	return nil
}
