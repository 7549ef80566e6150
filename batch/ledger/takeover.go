package ledger

// A ledger of version 1 is taken over when it is opened: it is written anew, as
// it is when something is erased, so it is of one version or of the other.
//
// A value of version 1 is: a byte of outcome and flags, the last call; for an
// OK the session id, as 16 bytes when it is a UUID; for others, if there was
// one, the session from before it: digest, time, and id; for a Rejected code
// and message.
const (
	v1OutcomeBits = 0x03
	v1UUIDFlag    = 0x04
	v1EarlierFlag = 0x08
)

// parseV1 reads a value of version 1.
func parseV1(b []byte) (e Entry, err error) {
	if len(b) == 0 || b[0]&^(v1OutcomeBits|v1UUIDFlag|v1EarlierFlag) != 0 {
		return e, errValue
	}
	outcome, flags := Outcome(b[0]&v1OutcomeBits), b[0]
	p := parser{rest: b[1:]}
	last := p.sent()
	if flags&v1EarlierFlag != 0 {
		copy(e.Session.Digest[:], p.bytes(uint64(len(Digest{}))))
		e.Session.At, e.Session.ID = p.time(), p.text()
		p.failed = p.failed || e.Session.ID == ""
	}
	switch {
	case outcome == OK && flags&v1EarlierFlag == 0:
		e.Session.Sent = last
		if flags&v1UUIDFlag != 0 {
			e.Session.ID = unpackUUID(p.bytes(16))
		} else {
			e.Session.ID = p.text()
		}
		p.failed = p.failed || e.Session.ID == ""
	case outcome == Rejected:
		e.Refusal = Refusal{Sent: last, Outcome: Rejected, Code: p.text(), Message: p.text()}
	case outcome == Failed:
		e.Refusal = Refusal{Sent: last, Outcome: Failed}
	default:
		return Entry{}, errValue
	}
	if p.failed || len(p.rest) != 0 {
		return Entry{}, errValue
	}
	return e, nil
}

// takeOver makes a ledger of version 1 one of this version.
func (l *Ledger) takeOver() error {
	n := int64(0)
	err := l.rewrite(func(_ Key, value []byte) ([]byte, error) {
		e, err := parseV1(value)
		if err != nil {
			return nil, l.entryError(err)
		}
		n++
		return e.Append(nil), nil
	})
	if err == nil {
		l.takenOver = n
	}
	return err
}

// TakenOver counts the customers that were taken over from an earlier version
// of the file when it was opened.
func (l *Ledger) TakenOver() int64 { return l.takenOver }
