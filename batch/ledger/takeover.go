package ledger

import (
	"cmp"
	"slices"
)

// A ledger of version 1 has neither tags nor a seal, and does not say of which
// service and application its customers are. It is taken over when it is
// opened: it is written again, as it is when something is erased, so it is of one
// version or of the other. Its customers become those of the run that opens it; when
// that is a command that needs no service, they wait for the first that does.
//
// A value of version 1 is: a byte of status and flags, the last call; for an
// OK the session id, as 16 bytes when it is a UUID; for others, if there was
// one, the session from before it: digest, time, and id; for a Rejected code
// and message.
const (
	v1StatusBits  = 0x03
	v1UUIDFlag    = 0x04
	v1EarlierFlag = 0x08
)

// parseV1 reads a value of version 1.
func parseV1(b []byte) (e Entry, err error) {
	if len(b) == 0 || b[0]&^(v1StatusBits|v1UUIDFlag|v1EarlierFlag) != 0 {
		return e, errValue
	}
	status, flags := Status(b[0]&v1StatusBits), b[0]
	p := parser{rest: b[1:]}
	last := p.sent()
	if flags&v1EarlierFlag != 0 {
		copy(e.Session.Digest[:], p.bytes(uint64(len(Digest{}))))
		e.Session.At, e.Session.ID = p.time(), p.text()
		p.failed = p.failed || e.Session.ID == ""
	}
	switch {
	case status == OK && flags&v1EarlierFlag == 0:
		e.Session.Sent = last
		if flags&v1UUIDFlag != 0 {
			e.Session.ID = p.uuid()
		} else {
			e.Session.ID = p.text()
		}
		p.failed = p.failed || e.Session.ID == ""
	case status == Rejected:
		e.Refusal = Refusal{Sent: last, Status: Rejected, Code: p.text(), Message: p.text()}
	case status == Failed:
		e.Refusal = Refusal{Sent: last, Status: Failed}
	default:
		return Entry{}, errValue
	}
	if p.failed || len(p.rest) != 0 {
		return Entry{}, errValue
	}
	return e, nil
}

// takeOver makes a ledger of version 1 one of this version.
func (l *Ledger) takeOver(owner Owner) error {
	l.old = true
	if err := l.reading(l.head); err != nil {
		return l.ofSecret(err)
	}
	n := uint64(0)
	if err := l.walkV1(func(Key) bool { return true }, func(Key, []byte) error { n++; return nil }); err != nil {
		return err
	}
	l.old = false // the new file is read once it is there
	err := l.move(n, owner, l.walkV1)
	l.takenOver = int64(n)
	return err
}

// walkV1 gives the customers of a ledger of version 1 that are picked, as this
// version writes them.
func (l *Ledger) walkV1(pick func(Key) bool, f func(key Key, value []byte) error) error {
	return l.reading(func(p *pages, buckets map[string]bucket) error {
		for _, name := range [][]byte{metaBucket, runsBucket, formsBucket} {
			if err := p.walk(buckets[string(name)], func(_, _ []byte) error { return nil }); err != nil {
				return err
			}
		}
		err := p.walk(buckets[string(customerBucket)], func(key, value []byte) error {
			if len(key) != len(Key{}) {
				return damaged("a key is not as it was written")
			}
			if !pick(Key(key)) {
				return nil
			}
			e, err := parseV1(value)
			if err != nil {
				return err
			}
			return f(Key(key), e.Append(nil))
		})
		return cmp.Or(err, p.accounted())
	})
}

// TakenOver counts the customers that were taken over from an earlier version
// of the file when it was opened.
func (l *Ledger) TakenOver() int64 { return l.takenOver }

// adopt makes customers the owner's that have none yet.
func (l *Ledger) adopt(owner Owner) error {
	waiting := l.seal.Customers > 0 && len(l.forms) == 0 || slices.ContainsFunc(l.forms, func(f Form) bool { return f.Scope == Scope{} })
	if owner.Service == "" || !waiting {
		return nil
	}
	n := l.seal.Customers
	picked := func(pick func(Key) bool, f func(Key, []byte) error) error {
		return l.Walk(func(key Key, value []byte) error {
			if !pick(key) {
				return nil
			}
			return f(key, value)
		})
	}
	if err := l.move(n, owner, picked); err != nil {
		return err
	}
	l.takenOver = int64(n)
	return nil
}
