package ledger

import (
	"encoding/binary"
	"encoding/hex"
	"time"
)

// Key names a customer of a tenant's form to whoever has the secret of the
// ledger, and nobody to others: the first half of an HMAC-SHA-256. That two of
// ten million customers share one has a chance of one in 2^82.
type Key [16]byte

// String is the key as logs show it.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// Digest stands for the fields that were sent: the first bytes of an
// HMAC-SHA-256, so that nobody without the secret can try names. A change of
// one customer's fields goes unnoticed with a chance of one in 2^64.
type Digest [8]byte

// Outcome is how the last call for a customer ended.
type Outcome byte

// The outcomes. A customer of whom nothing is known has no entry.
const (
	OK       Outcome = 1 // has a session id
	Rejected Outcome = 2 // refused by the service
	Failed   Outcome = 3 // attempts used up on transient errors
)

// String is the outcome as results call it.
func (o Outcome) String() string {
	return map[Outcome]string{OK: "ok", Rejected: "rejected", Failed: "failed"}[o]
}

// Entry is what is known of one customer.
type Entry struct {
	Outcome Outcome
	Digest  Digest // of the fields that were sent
	Run     uint64 // in which it was; 0: it was imported

	// At is when the session id was obtained, when these fields were first
	// refused, or when the last attempt failed. In milliseconds.
	At time.Time

	SessionID     string // of an OK
	Code, Message string // of a Rejected: the service's words, safe to show

	// Earlier is the session id from before fields were refused or failed, which
	// stays good for those that it was given for. Zero: there is none.
	Earlier Session
}

// Session is a session id, when it was obtained, and for what fields.
type Session struct {
	ID     string
	At     time.Time
	Digest Digest
}

// A value is: a byte of outcome and flags, the digest (8 bytes), the run as a
// uvarint, the time in Unix milliseconds as a varint; for an OK the session
// id, as 16 bytes when it is a UUID and otherwise as a string; for others, if
// there was one, the earlier session: the digest, the time, the id as a string;
// for a Rejected code and message as strings. A string has its length as a
// uvarint before it.
const (
	outcomeBits = 0x03
	uuidFlag    = 0x04
	earlierFlag = 0x08
)

const badValue = "an entry is not in the format of this version"

var errValue error = &FormatError{Path: "the file", Reason: badValue}

// Append appends the entry as ParseEntry reads it.
func (e *Entry) Append(dst []byte) []byte {
	uuid, packed := packUUID(e.SessionID)
	flags := byte(e.Outcome)
	if packed && e.Outcome == OK {
		flags |= uuidFlag
	}
	earlier := e.Earlier.ID != "" && e.Outcome != OK
	if earlier {
		flags |= earlierFlag
	}
	dst = append(append(dst, flags), e.Digest[:]...)
	dst = binary.AppendUvarint(dst, e.Run)
	dst = binary.AppendVarint(dst, e.At.UnixMilli())
	if earlier {
		dst = append(dst, e.Earlier.Digest[:]...)
		dst = appendString(binary.AppendVarint(dst, e.Earlier.At.UnixMilli()), e.Earlier.ID)
	}
	switch {
	case flags&uuidFlag != 0:
		dst = append(dst, uuid[:]...)
	case e.Outcome == OK:
		dst = appendString(dst, e.SessionID)
	case e.Outcome == Rejected:
		dst = appendString(appendString(dst, e.Code), e.Message)
	}
	return dst
}

// ParseEntry reads what Append made. It copies what it keeps.
func ParseEntry(b []byte) (Entry, error) {
	e, b, packed, err := parseHead(b)
	switch {
	case err != nil:
	case packed:
		e.SessionID, b = unpackUUID(b), nil
	case e.Outcome == OK:
		e.SessionID, b, err = cutString(b)
	case e.Outcome == Rejected:
		if e.Code, b, err = cutString(b); err == nil {
			e.Message, b, err = cutString(b)
		}
	}
	if err != nil || len(b) != 0 || e.Outcome == OK && e.SessionID == "" {
		return Entry{}, errValue
	}
	return e, nil
}

// ParseHead is ParseEntry without session id, code and message: what it takes
// to know how a customer stands.
func ParseHead(b []byte) (Entry, error) {
	e, _, _, err := parseHead(b)
	return e, err
}

// parseHead reads what all entries have. It returns what is left, and whether
// that is a UUID.
func parseHead(b []byte) (e Entry, rest []byte, packed bool, err error) {
	if len(b) < 1+len(e.Digest) || b[0]&^(outcomeBits|uuidFlag|earlierFlag) != 0 {
		return e, nil, false, errValue
	}
	earlier := b[0]&earlierFlag != 0
	e.Outcome, packed = Outcome(b[0]&outcomeBits), b[0]&uuidFlag != 0
	b = b[1+copy(e.Digest[:], b[1:]):]
	run, n := binary.Uvarint(b)
	if n <= 0 {
		return e, nil, false, errValue
	}
	at, m := binary.Varint(b[n:])
	if m <= 0 || e.Outcome == 0 {
		return e, nil, false, errValue
	}
	e.Run, e.At, rest = run, time.UnixMilli(at).UTC(), b[n+m:]
	if earlier {
		if e.Earlier, rest, err = cutSession(rest); err != nil || e.Outcome == OK {
			return e, nil, false, errValue
		}
	}
	if packed && (e.Outcome != OK || len(rest) != 16) {
		return e, nil, false, errValue
	}
	return e, rest, packed, nil
}

func cutSession(b []byte) (s Session, rest []byte, err error) {
	if len(b) < len(s.Digest) {
		return s, nil, errValue
	}
	b = b[copy(s.Digest[:], b):]
	at, n := binary.Varint(b)
	if n <= 0 {
		return s, nil, errValue
	}
	s.At = time.UnixMilli(at).UTC()
	if s.ID, rest, err = cutString(b[n:]); s.ID == "" {
		return s, nil, errValue
	}
	return s, rest, err
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func cutString(b []byte) (string, []byte, error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return "", nil, errValue
	}
	b = b[size:]
	return string(b[:n]), b[n:], nil
}

// uuidDashes are where a UUID has its hyphens.
var uuidDashes = [...]int{8, 13, 18, 23}

// packUUID packs a UUID in lower case, which unpackUUID gives back as it was.
func packUUID(s string) (packed [16]byte, ok bool) {
	if len(s) != 36 {
		return packed, false
	}
	var digits [32]byte
	n := 0
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return packed, false
			}
		case '0' <= c && c <= '9' || 'a' <= c && c <= 'f':
			digits[n] = c
			n++
		default:
			return packed, false
		}
	}
	_, err := hex.Decode(packed[:], digits[:])
	return packed, err == nil
}

func unpackUUID(b []byte) string {
	var out [36]byte
	at, from := 0, 0
	for _, dash := range uuidDashes {
		n := (dash - at) / 2
		hex.Encode(out[at:], b[from:from+n])
		out[dash] = '-'
		at, from = dash+1, from+n
	}
	hex.Encode(out[at:], b[from:])
	return string(out[:])
}

// after is the entry that stands once another outcome has come. It is the same
// however often that is said, so that a journal can be taken up again: even
// after another list's run, whose later answer stays. A time that is still to
// come at now is no time, and not later than any.
func (e Entry) after(before *Entry, now time.Time) Entry {
	switch {
	case before == nil:
		return e
	case before.At.After(e.At) && !before.At.After(now):
		return before.over(&e)
	case e.Outcome == Failed && before.Outcome == OK:
		// The session id stays good for the fields that it was given for;
		// fields that differ from them are sent again.
		return *before
	case e.Outcome == Rejected && before.Outcome == Rejected && before.Digest == e.Digest && !before.At.After(e.At):
		e.At = before.At
	}
	if before.At.After(now) {
		return e
	}
	return e.keeping(before)
}

// keeping is the entry with the session id that there was before, unless the
// very fields that it was given for have been refused since.
func (e Entry) keeping(before *Entry) Entry {
	if e.Outcome == OK {
		return e
	}
	e.Earlier = before.Earlier
	if before.Outcome == OK {
		e.Earlier = Session{ID: before.SessionID, At: before.At, Digest: before.Digest}
	}
	if e.Outcome == Rejected && e.Earlier.Digest == e.Digest {
		e.Earlier = Session{}
	}
	return e
}

// over is the entry when an older one comes after it: it stands with what it
// would have, had the two come in the order of their times. What an entry has
// no room for is beyond it: that the older session id was itself followed by
// another, or that its fields were refused before the last refusal.
func (e Entry) over(old *Entry) Entry {
	switch {
	case e.Outcome == OK || !old.At.Before(e.At) || e.Earlier.ID != "" && !old.At.After(e.Earlier.At):
	case old.Outcome == OK && e.Outcome == Failed:
		return *old
	case old.Outcome == OK:
		return e.keeping(old)
	case old.Outcome == Rejected && old.Digest == e.Earlier.Digest:
		e.Earlier = Session{}
	}
	return e
}

// Past is the entry with the earlier session id, and whether there is one. It
// is what counts for fields to which somebody returned after others were
// refused.
func (e *Entry) Past() (_ Entry, there bool) {
	return Entry{Outcome: OK, Digest: e.Earlier.Digest, Run: e.Run, At: e.Earlier.At, SessionID: e.Earlier.ID}, e.Earlier.ID != ""
}
