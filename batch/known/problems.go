package known

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"bulkonboard/batch/ledger"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// Problems compares the rows that need attention with those of the complete run
// before, and keeps them for the next one. It belongs to the goroutine of the
// records; nil takes nothing.
//
// A row of which an earlier complete run has reported the same is open since then,
// unless it was called again. The same is the bytes of the row and the error code.
type Problems struct {
	*Records
	own    uint64 // number of this run in the ledger; 0: it has none yet
	form   ledger.Form
	before map[ledger.ProblemID]uint64 // run that a problem is open since
	found  []ledger.Problem
}

// NewProblems takes up what earlier starts of the run have found, as Take gave it
// to be kept; empty for none. It is nil without a ledger, and for runs that are not
// nights.
func (r *Records) NewProblems(kept []byte) (*Problems, error) {
	if r == nil || !r.Concludes {
		return nil, nil //nolint:nilnil // see above
	}
	p := &Problems{Records: r, own: r.Ledger.RunNumber(r.pending.RunID), form: r.form(r.hasher), before: map[ledger.ProblemID]uint64{}}
	for _, was := range r.Ledger.Problems(p.form) {
		p.before[was.ID] = was.Since
	}
	var err error
	p.found, err = readProblems(kept)
	return p, err
}

// Take takes a row that needs attention, and tells when that was first reported;
// zero when it is news. What must be kept for later starts of the run is appended.
func (p *Problems) Take(rec *source.Record, res *sink.Result, called bool, keep []byte) (since time.Time, kept []byte) {
	now := ledger.Problem{ID: p.hasher.Problem(p.form.Tenant, p.form.ID, rec.Bytes(), res.ErrorCode), Row: rec.Row, Code: res.ErrorCode}
	if rec.Customer.Email != "" {
		now.Customer = p.hasher.Customer(p.Tenant, rec.AppendIdentity(nil, p.FormID))
	}
	if len(p.found) < ledger.MaxProblems {
		p.found = append(p.found, now)
		keep = appendProblem(keep, &now)
	}
	run, reported := p.before[now.ID]
	if called || !reported || run == p.own {
		return since, keep
	}
	return p.Ledger.Runs()[run].Began, keep
}

// Conclude tells the ledger that the run, which has this number there or none, is
// complete, and gives the number. It comes right before the run is: a crash in
// between tells it once more.
func (p *Problems) Conclude(run uint64, rows int64) (uint64, error) {
	if p == nil {
		return run, nil
	}
	c := &ledger.Conclusion{Run: run, RunID: p.pending.RunID, Began: p.pending.Began, Form: p.form, Rows: rows, At: time.Now(), Problems: p.found}
	err := p.Ledger.Conclude(c)
	return c.Run, err
}

// A problem is kept as its id, the key of the customer, the row as a uvarint, and
// the code with its length as a uvarint before it.
func appendProblem(dst []byte, p *ledger.Problem) []byte {
	dst = append(append(dst, p.ID[:]...), p.Customer[:]...)
	dst = binary.AppendUvarint(dst, uint64(p.Row))
	return append(binary.AppendUvarint(dst, uint64(len(p.Code))), p.Code...)
}

var errProblemsFormat = errors.New("the rows that need attention are not in the format of this version; start over with --restart")

func readProblems(b []byte) (all []ledger.Problem, err error) {
	for in := bytes.NewReader(b); in.Len() > 0; {
		var p ledger.Problem
		_, errID := io.ReadFull(in, p.ID[:])
		_, errCustomer := io.ReadFull(in, p.Customer[:])
		row, errRow := binary.ReadUvarint(in)
		n, errLength := binary.ReadUvarint(in)
		if errors.Join(errID, errCustomer, errRow, errLength) != nil || n > uint64(in.Len()) || int64(row) < 0 {
			return nil, errProblemsFormat
		}
		code := make([]byte, n)
		_, _ = io.ReadFull(in, code) // which are there
		p.Row, p.Code = int64(row), string(code)
		all = append(all, p)
	}
	return all, nil
}
