package ledger

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"
)

// The runs that a ledger has news of, and the forms whose customers are in it.

// Run is a run that has put something into the ledger.
type Run struct {
	ID    string
	Began time.Time // in milliseconds
}

// RunNumber is the number of a run that has put something, by its name
// everywhere else; 0 when it has not.
func (l *Ledger) RunNumber(id string) uint64 {
	for number, run := range l.runs {
		if run.ID == id && id != "" {
			return number
		}
	}
	return 0
}

// numberFor is the number of a run: a new one, unless it was killed right after
// it had put something, and does not know its number.
func (l *Ledger) numberFor(s *sealed, run Run) (uint64, error) {
	number := l.RunNumber(run.ID)
	if number > 0 {
		return number, nil
	}
	for n := range l.runs {
		number = max(number, n)
	}
	number++
	l.runs[number] = run
	return number, s.putRun(number, run)
}

func (s *sealed) putRun(number uint64, run Run) error {
	return s.put(runsBucket, binary.BigEndian.AppendUint64(nil, number), nil, append(binary.AppendVarint(nil, run.Began.UnixMilli()), run.ID...))
}

// Form is a form of a tenant: a process that customers go through.
type Form struct {
	Scope      Scope
	Tenant, ID string
}

func (l *Ledger) addForm(s *sealed, f Form) error {
	if slices.Contains(l.forms, f) {
		return nil
	}
	l.forms = append(l.forms, f)
	return s.putForm(f, Night{})
}

func (s *sealed) putForm(f Form, last Night) error {
	return s.put(formsBucket, f.key(), nil, last.append([]byte{}))
}

func (f *Form) key() []byte {
	return appendString(appendString(bytes.Clone(f.Scope[:]), f.Tenant), f.ID)
}
