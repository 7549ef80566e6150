// Package ledger keeps what is known of each customer across lists and nights:
// the last session id and the last refusal, when they came, and digests of the
// fields that were sent.
//
// A customer is known by a keyed hash alone, so that the file names nobody;
// the secret is in a file of its own. The database is bbolt's: a B+tree in one
// file, in which a commit is whole or not there, whenever the process or the
// machine dies. What is in it is believed only after all of it was read and
// found to be what was written.
//
//	meta       version, id, a check of the secret, the pace found last, the seal
//	runs       number (8 bytes, big-endian) → when it began (varint), and its id
//	forms      service and application, tenant and form, whose customers are in it
//	           → its last complete run
//	problems   form (8 bytes), id (16 bytes) → a row of that run that needs attention
//	customers  key (16 bytes) → entry and tag
package ledger

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// version is that of the file. Version 1 is taken over, and version 2 becomes
// this one once there is something that it does not have.
const (
	version                = 3
	versionWithoutProblems = 2
)

var (
	metaBucket     = []byte("meta")
	runsBucket     = []byte("runs")
	formsBucket    = []byte("forms")
	problemsBucket = []byte("problems")
	customerBucket = []byte("customers")

	versionKey = []byte("version")
	idKey      = []byte("id")
	checkKey   = []byte("check")
	sealKey    = []byte("seal")
)

// Ledger is an open ledger. It is used by one goroutine at a time.
type Ledger struct {
	path    string
	secret  []byte
	id      []byte
	counter counter
	db      database

	// What the file says of itself.
	seal     seal
	runs     map[uint64]Run
	forms    []Form
	nights   map[Form]Night
	problems map[formKey][]Problem // sorted by id
	pace     []byte
	whole    bool // all of it was read
	old      bool // it is of version 1

	hasProblems bool // it is of this version

	takenOver int64
}

// Close closes the file. What was put is durable already.
func (l *Ledger) Close() error { return l.db.close() }

// ID tells this ledger from every other, wherever its file is.
func (l *Ledger) ID() string { return hex.EncodeToString(l.id) }

// Path is the file.
func (l *Ledger) Path() string { return l.path }

// Len counts the customers.
func (l *Ledger) Len() int64 { return int64(l.seal.Customers) }

// Changes counts the transactions that there have been.
func (l *Ledger) Changes() uint64 { return l.seal.Changes }

// Runs gives the runs that put something down, by number.
func (l *Ledger) Runs() map[uint64]Run { return l.runs }

// Forms gives the forms whose customers are in the ledger, or have been.
func (l *Ledger) Forms() []Form { return l.forms }

// Hasher returns what makes the keys of this ledger for the customers of an
// owner, for one goroutine. When the owner is not known it is the only one that
// the ledger has customers of, if there is only one.
func (l *Ledger) Hasher(owner Owner) *Hasher {
	if scopes := l.Scopes(); owner.Service == "" && len(scopes) == 1 {
		return newHasher(l.secret).within(scopes[0])
	}
	return newHasher(l.secret).of(owner)
}

// KeyOf is the key of a customer of a form.
func (l *Ledger) KeyOf(f Form, customer []byte) Key {
	return newHasher(l.secret).within(f.Scope).Customer(f.Tenant, customer)
}

// Scopes are those that the ledger has customers of, or has had.
func (l *Ledger) Scopes() (scopes []Scope) {
	for _, f := range l.forms {
		if !slices.Contains(scopes, f.Scope) {
			scopes = append(scopes, f.Scope)
		}
	}
	return scopes
}

// head reads everything but the customers.
func (l *Ledger) head(p *pages, buckets map[string]bucket) error {
	h := newHasher(l.secret)
	rest := sum{}
	l.runs, l.forms, l.nights, l.problems = map[uint64]Run{}, nil, map[Form]Night{}, map[formKey][]Problem{}
	if _, there := buckets[string(customerBucket)]; !there {
		return damaged("it does not have the parts of a ledger")
	}
	found := 1
	for _, part := range []struct {
		name []byte
		take func(key, value []byte) error
		may  bool // be missing
	}{{metaBucket, l.takeMeta, false}, {runsBucket, l.takeRun, false}, {formsBucket, l.takeForm, false}, {problemsBucket, l.takeProblem, true}} {
		b, there := buckets[string(part.name)]
		switch {
		case there:
			found++
		case part.may && !l.hasProblems:
			continue
		default:
			return damaged("it does not have the parts of a ledger")
		}
		if err := p.walk(b, func(key, value []byte) error {
			if !bytes.Equal(key, sealKey) {
				_, adds := h.entry(part.name, key, value)
				rest.add(adds)
			}
			return part.take(key, value)
		}); err != nil {
			return err
		}
	}
	if found != len(buckets) {
		return damaged("it does not have the parts of a ledger")
	}
	if !l.old && rest != l.seal.rest {
		return damaged("its runs, forms or settings are not as they were written")
	}
	return nil
}

func (l *Ledger) takeMeta(key, value []byte) error {
	var ok bool
	switch h := newHasher(l.secret); {
	case bytes.Equal(key, checkKey):
		if !bytes.Equal(value, h.check()) {
			return errOtherSecret
		}
	case bytes.Equal(key, idKey):
		l.id = bytes.Clone(value)
	case bytes.Equal(key, paceKey):
		l.pace = bytes.Clone(value)
	case bytes.Equal(key, sealKey): // id comes before it
		if l.seal, ok = parseSeal(value, h, l.id); !ok {
			return damaged("its seal is not as it was written")
		}
	case bytes.Equal(key, versionKey):
		l.hasProblems = bytes.Equal(value, []byte{version})
	default:
		return damaged("it does not have the parts of a ledger")
	}
	return nil
}

func (l *Ledger) takeRun(key, value []byte) error {
	at, n := binary.Varint(value)
	if len(key) != 8 || n <= 0 {
		return damaged("a run in it is damaged")
	}
	l.runs[binary.BigEndian.Uint64(key)] = Run{ID: string(value[n:]), Began: time.UnixMilli(at).UTC()}
	return nil
}

func (l *Ledger) takeForm(key, value []byte) error {
	p := parser{rest: key}
	var f Form
	if !l.old {
		copy(f.Scope[:], p.bytes(uint64(len(f.Scope))))
	}
	f.Tenant, f.ID = p.text(), p.text()
	l.forms = append(l.forms, f)
	night, known := parseNight(value)
	if p.failed || len(value) > 0 && !known {
		return damaged("a form in it is damaged")
	}
	if known {
		l.nights[f] = night
	}
	return nil
}

// Walk gives every customer, in the order of the keys; the value is for
// ParseEntry, and good until f returns. What f was given counts only once Walk
// has returned without an error: only then is it known that none is missing.
func (l *Ledger) Walk(f func(key Key, value []byte) error) error {
	var stop error // of f: the file is not to blame
	err := l.reading(func(p *pages, buckets map[string]bucket) error {
		if err := l.head(p, buckets); err != nil {
			return err
		}
		h, all, n := newHasher(l.secret), sum{}, uint64(0)
		err := p.walk(buckets[string(customerBucket)], func(key, value []byte) error {
			value, err := untagged(h, customerBucket, key, value, &all)
			if err != nil || len(key) != len(Key{}) {
				return cmp.Or(err, damaged("a key is not as it was written"))
			}
			n++
			stop = f(Key(key), value)
			return stop
		})
		if err != nil {
			return err
		}
		if all != l.seal.sum || n != l.seal.Customers {
			return damaged("%d customers are in it, and they are not the %d that were put there", n, l.seal.Customers)
		}
		return p.accounted()
	})
	if stop != nil {
		return l.entryError(stop)
	}
	l.whole = l.whole || err == nil
	return err
}

// All gives every customer, as Walk does.
func (l *Ledger) All(f func(Key, *Entry) error) error {
	return l.Walk(func(key Key, value []byte) error {
		e, err := ParseEntry(value)
		if err != nil {
			return err
		}
		return f(key, &e)
	})
}

// reading opens the file for as long as it is read.
func (l *Ledger) reading(f func(*pages, map[string]bucket) error) error {
	p, err := openPages(l.path)
	if err != nil {
		return fileError("read", l.path, err)
	}
	defer p.close()
	buckets, err := p.buckets()
	if err == nil {
		err = f(p, buckets)
	}
	return fileError("read", l.path, err)
}

// Change is what became of a customer.
type Change struct {
	Key   Key
	Entry Entry
}

// News is what a run puts down. Without a RunID it is what was known before
// there was a ledger.
type News struct {
	Run     uint64    // its number; 0: it has none yet, and gets one
	RunID   string    // its name everywhere else
	Began   time.Time // when the run did
	Forms   []Form    // of the customers, so that one can be looked for in all of them
	Changes []Change

	// Abandoned says that nobody will resume the run: the problems that it was
	// the first to report, as it was about to be complete, are news again.
	Abandoned bool
}

// fullPages leaves some room for who comes between. It is for many customers
// whose keys are near each other.
const fullPages = 0.9

// Put puts down what became of customers, durably and all at once. Putting the
// same twice comes to the same as putting it once, and the order does not
// matter: of each customer the newest session id and the newest refusal stay.
// The changes are sorted in place.
func (l *Ledger) Put(n *News) error {
	fill := bolt.DefaultFillPercent
	if n.RunID == "" {
		fill = fullPages
	}
	slices.SortStableFunc(n.Changes, func(a, b Change) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	problems := l.problems
	err := l.update(func(s *sealed) (err error) {
		if n.Run == 0 && n.RunID != "" {
			number, err := l.numberFor(s, Run{n.RunID, n.Began})
			if err != nil {
				return err
			}
			n.Run = number
		}
		for _, form := range n.Forms {
			if err := l.addForm(s, form); err != nil {
				return err
			}
		}
		s.tx.Bucket(customerBucket).FillPercent = fill
		for now, i := time.Now(), 0; i < len(n.Changes); i++ {
			n.Changes[i].Entry.of(n.Run)
			if err := s.change(&n.Changes[i], now); err != nil {
				return err
			}
		}
		if n.Abandoned {
			problems, err = l.unreport(s, n.Run)
		}
		return err
	})
	if err == nil {
		l.problems = problems
	}
	return err
}

// update makes changes durable, or leaves everything as it was. Nothing is
// changed in a file that was not read to its end.
func (l *Ledger) update(f func(*sealed) error) error {
	if !l.whole {
		if err := l.Walk(func(Key, []byte) error { return nil }); err != nil {
			return err
		}
	}
	s := sealed{h: newHasher(l.secret), seal: l.seal}
	runs, forms, nights := maps.Clone(l.runs), l.forms, maps.Clone(l.nights)
	err := l.db.update(func(tx *bolt.Tx) error {
		s.tx = tx
		if err := f(&s); err != nil {
			return err
		}
		return s.end()
	})
	if err != nil {
		l.runs, l.forms, l.nights = runs, forms, nights
		return err
	}
	l.seal = s.seal
	return l.counter.save(l.secret, l.id, l.seal.Changes)
}

func (s *sealed) change(c *Change, now time.Time) error {
	before, err := s.get(customerBucket, c.Key[:])
	if err != nil {
		return err
	}
	after := c.Entry
	if before != nil {
		was, err := ParseEntry(before)
		if err != nil {
			return err
		}
		after = was.with(&c.Entry, now)
	}
	return s.put(customerBucket, c.Key[:], before, after.Append(nil))
}

// Run is a run that put something down.
type Run struct {
	ID    string
	Began time.Time // in milliseconds
}

// RunNumber is the number of a run that has put something down, by its name
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

// entryError names the file where that is to blame.
func (l *Ledger) entryError(err error) error {
	if d := damage(""); errors.As(err, &d) {
		return &FormatError{Path: l.path, Reason: d.Error()}
	}
	return err
}
