package ledger

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"time"
)

// Night is the last complete run of a form.
type Night struct {
	Run  uint64    // its number
	Rows int64     // of its list
	At   time.Time // when it was complete, in milliseconds
}

// ProblemID stands for a row that needs attention and for what is wrong with it:
// a keyed digest of the row's bytes and of the error code. It names no customer.
type ProblemID [16]byte

// String is the id as people see it.
func (id ProblemID) String() string { return hex.EncodeToString(id[:]) }

// Problem is a row of the last complete run of a form that needs attention.
type Problem struct {
	ID       ProblemID
	Customer Key    // of the row; zero when it names none
	Since    uint64 // number of the complete run that has first reported it
	Row      int64  // in the list of the last complete run
	Code     string // stable error code
}

// MaxProblems bounds what is kept of the problems of a form. Of a list that has
// more, the rest is new every night.
const MaxProblems = 1 << 20

// Problem gives the id of a problem of a form.
func (h *Hasher) Problem(tenant, form string, raw []byte, code string) (id ProblemID) {
	h.begin(ofProblem)
	h.in = append(h.in, h.scope[:]...)
	for _, part := range []string{tenant, form, code} {
		h.part(part)
	}
	h.in = append(h.in, raw...)
	copy(id[:], h.sum())
	return id
}

// formKey stands for a form among the keys of problems.
type formKey [8]byte

func (h *Hasher) form(f Form) (key formKey) {
	h.begin(ofForm)
	h.in = append(h.in, f.Scope[:]...)
	h.part(f.Tenant)
	h.part(f.ID)
	copy(key[:], h.sum())
	return key
}

// Night is the last complete run of a form. It reports false when none is known.
func (l *Ledger) Night(f Form) (n Night, known bool) {
	n, known = l.nights[f]
	return n, known
}

// Problems gives the problems of the last complete run of a form, sorted by
// their ids. The caller does not change them.
func (l *Ledger) Problems(f Form) []Problem { return l.problems[newHasher(l.secret).form(f)] }

// Conclusion is what a run leaves that is about to be complete. The same may be
// concluded again, which comes to the same.
type Conclusion struct {
	Run      uint64 // its number; 0: it has none yet, and gets one
	RunID    string
	Began    time.Time
	Form     Form
	Rows     int64
	At       time.Time
	Problems []Problem // in any order, each as often as there are rows that have it
}

// Conclude saves that a run of a form is complete, durably and all at once. Its
// problems take the place of those of the run before, from which they have since
// when they are known.
func (l *Ledger) Conclude(c *Conclusion) error {
	key, problems := newHasher(l.secret).form(c.Form), sorted(c.Problems)
	err := l.update(func(s *sealed) (err error) {
		if c.Run == 0 {
			if c.Run, err = l.numberFor(s, Run{c.RunID, c.Began}); err != nil {
				return err
			}
		}
		for i := range problems {
			problems[i].Since = c.Run
			if before := findProblem(l.problems[key], problems[i].ID); before != nil {
				problems[i].Since = before.Since
			}
		}
		if err := l.addForm(s, c.Form); err != nil {
			return err
		}
		night := Night{Run: c.Run, Rows: c.Rows, At: c.At.Truncate(time.Millisecond).UTC()}
		if err := s.putNight(c.Form, l.nights[c.Form], night); err != nil {
			return err
		}
		l.nights[c.Form] = night
		if err := l.withProblems(s); err != nil {
			return err
		}
		return s.replaceProblems(key, l.problems[key], problems)
	})
	if err == nil {
		l.problems[key] = problems
	}
	return err
}

// unreport takes back what a run has reported that was about to be complete and
// is not: its new problems are news for the next one.
func (l *Ledger) unreport(s *sealed, run uint64) (map[formKey][]Problem, error) {
	after := map[formKey][]Problem{}
	for key, problems := range l.problems {
		rest := slices.DeleteFunc(slices.Clone(problems), func(p Problem) bool { return p.Since == run })
		if after[key] = rest; len(rest) == len(problems) {
			continue
		}
		if err := s.replaceProblems(key, problems, rest); err != nil {
			return nil, err
		}
	}
	return after, nil
}

// findProblem looks for a problem among sorted ones.
func findProblem(problems []Problem, id ProblemID) *Problem {
	i, there := slices.BinarySearchFunc(problems, id, func(p Problem, id ProblemID) int { return bytes.Compare(p.ID[:], id[:]) })
	if !there {
		return nil
	}
	return &problems[i]
}

// withProblems makes a file of version 2 one that has problems.
func (l *Ledger) withProblems(s *sealed) error {
	if s.tx.Bucket(problemsBucket) != nil {
		return nil
	}
	if _, err := s.tx.CreateBucket(problemsBucket); err != nil {
		return err
	}
	return s.put(metaBucket, versionKey, []byte{versionWithoutProblems}, []byte{version})
}

// replaceProblems puts problems of a form in the place of others.
func (s *sealed) replaceProblems(form formKey, before, after []Problem) error {
	for i := range before {
		if findProblem(after, before[i].ID) == nil {
			if err := s.drop(problemsBucket, before[i].key(form), before[i].value()); err != nil {
				return err
			}
		}
	}
	for i := range after {
		var was []byte
		if p := findProblem(before, after[i].ID); p != nil {
			was = p.value()
		}
		if err := s.put(problemsBucket, after[i].key(form), was, after[i].value()); err != nil {
			return err
		}
	}
	return nil
}

// drop removes what has a value. It is for everything but customers.
func (s *sealed) drop(bucket, key, value []byte) error {
	_, adds := s.h.entry(bucket, key, value)
	s.rest.subtract(adds)
	return s.tx.Bucket(bucket).Delete(key)
}

func (s *sealed) putNight(f Form, before, night Night) error {
	return s.put(formsBucket, f.key(), before.append([]byte{}), night.append([]byte{}))
}

// A night is the run as a uvarint, and its rows and when it was complete, in
// Unix milliseconds, as varints; it is empty for a form without one.
func (n *Night) append(dst []byte) []byte {
	if n.Run == 0 {
		return dst
	}
	dst = binary.AppendUvarint(dst, n.Run)
	return binary.AppendVarint(binary.AppendVarint(dst, n.Rows), n.At.UnixMilli())
}

func parseNight(b []byte) (n Night, ok bool) {
	p := parser{rest: b}
	n = Night{Run: p.uvarint(), Rows: p.varint(), At: p.time()}
	return n, !p.failed && len(p.rest) == 0 && n.Run > 0 && n.Rows >= 0
}

// key is that of a problem: the form's, and its own id.
func (p *Problem) key(form formKey) []byte { return append(form[:], p.ID[:]...) }

// A value is the customer's key, and run, row and code, as uvarints and as a
// string.
func (p *Problem) value() []byte {
	b := binary.AppendUvarint(bytes.Clone(p.Customer[:]), p.Since)
	return appendString(binary.AppendUvarint(b, uint64(p.Row)), p.Code)
}

func (l *Ledger) takeProblem(key, value []byte) error {
	var form formKey
	var problem Problem
	if len(key) != len(form)+len(problem.ID) {
		return damaged("a problem in it is damaged")
	}
	copy(problem.ID[:], key[copy(form[:], key):])
	p := parser{rest: value}
	copy(problem.Customer[:], p.bytes(uint64(len(problem.Customer))))
	problem.Since, problem.Row, problem.Code = p.uvarint(), int64(p.uvarint()), p.text()
	if p.failed || len(p.rest) > 0 || problem.Row < 0 {
		return damaged("a problem in it is damaged")
	}
	l.problems[form] = append(l.problems[form], problem)
	return nil
}

// copyProblems puts all problems into a new file, but for those of customers
// that are forgotten.
func (l *Ledger) copyProblems(s *sealed, forgotten func(Key) bool) error {
	if _, err := s.tx.CreateBucket(problemsBucket); err != nil {
		return err
	}
	for form, problems := range l.problems {
		for i := range problems {
			if forgotten(problems[i].Customer) {
				continue
			}
			if err := s.put(problemsBucket, problems[i].key(form), nil, problems[i].value()); err != nil {
				return err
			}
		}
	}
	return nil
}

// sorted gives problems by their ids, the first row of each.
func sorted(problems []Problem) []Problem {
	problems = slices.Clone(problems)
	slices.SortStableFunc(problems, func(a, b Problem) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	problems = slices.CompactFunc(problems, func(a, b Problem) bool { return a.ID == b.ID })
	return problems[:min(len(problems), MaxProblems)]
}

// HasProblemOf reports a problem of a row of one of these customers.
func (l *Ledger) HasProblemOf(who func(Key) bool) bool {
	for _, problems := range l.problems {
		if slices.ContainsFunc(problems, func(p Problem) bool { return who(p.Customer) }) {
			return true
		}
	}
	return false
}
