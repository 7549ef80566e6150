package ledger

import (
	"encoding/binary"
	"encoding/hex"
	"time"
)

// Key names a customer of a tenant's form to the owner of the secret of the
// ledger, and no customer to others: the first half of an HMAC-SHA-256. That two of
// ten million customers share one has a chance of one in 2^82.
type Key [16]byte

// String is the key as logs show it.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// Digest stands for the fields that were sent: the first bytes of an
// HMAC-SHA-256, so that names cannot be tried without the secret. A change of
// one customer's fields goes unnoticed with a chance of one in 2^64.
type Digest [8]byte

// Status is how a call for a customer ended.
type Status byte

// The statuses. A customer of whom nothing is known has no entry.
const (
	OK       Status = 1 // has a session id
	Rejected Status = 2 // refused by the service
	Failed   Status = 3 // attempts used up on transient errors
)

// String is the status as results call it.
func (s Status) String() string {
	return map[Status]string{OK: "ok", Rejected: "rejected", Failed: "failed"}[s]
}

// Entry is what is known of one customer: the last session id, and the last
// call that gave none. An entry has at least one of the two.
type Entry struct {
	Session Session // zero: the customer has none
	Refusal Refusal // zero: every call gave a session id
}

// Sent is a call that was made for a customer.
type Sent struct {
	At     time.Time // when it ended, in milliseconds
	Digest Digest    // of the fields that were sent
	Run    uint64    // in which it was made; 0: it was imported
}

// Session is a session id.
type Session struct {
	Sent
	ID      string
	Expires time.Time // in seconds, as the service said; zero when it did not
}

// Refusal is a call that gave no session id.
type Refusal struct {
	Sent
	Status        Status // Rejected or Failed
	Code, Message string // of a Rejected: the service's words, safe to show
}

// Status is how the customer stands: a failure changes nothing for one who has
// a session id.
func (e *Entry) Status() Status {
	switch {
	case e.Session.ID == "":
		return e.Refusal.Status
	case e.Refusal.Status == Rejected && e.Refusal.At.After(e.Session.At):
		return Rejected
	}
	return OK
}

// Last is the call that the status comes from.
func (e *Entry) Last() Sent {
	if e.Status() == OK {
		return e.Session.Sent
	}
	return e.Refusal.Sent
}

// of says in which run the calls of an entry were made.
func (e *Entry) of(run uint64) {
	if e.Session.Run = 0; e.Session.ID != "" {
		e.Session.Run = run
	}
	if e.Refusal.Run = 0; e.Refusal.Status != 0 {
		e.Refusal.Run = run
	}
}

// with is the entry after another one for the same customer. Of each kind the
// newest call stays, whatever the order in which they come, and however often.
// A time that is still to come is not a time: a clock was wrong, and what has it
// gives way.
func (e Entry) with(other *Entry, now time.Time) Entry {
	if other.Session.ID != "" && e.Session.givesWay(&other.Session.Sent, now) {
		e.Session = other.Session
	}
	if other.Refusal.Status != 0 && e.Refusal.givesWay(&other.Refusal.Sent, now) {
		e.Refusal = other.Refusal
	}
	return e
}

func (s *Sent) givesWay(to *Sent, now time.Time) bool { return to.At.After(s.At) || s.At.After(now) }

// A value is: a byte of flags; of a session the call and the id, as 16 bytes
// when it is a UUID and otherwise as a string, and when it expires, in Unix
// seconds as a varint, if the service has said so; of a refusal the call, and for a
// Rejected code and message as strings. A call is the digest (8 bytes), the run
// as a uvarint, the time in Unix milliseconds as a varint. A string has its
// length as a uvarint before it.
const (
	sessionFlag  = 1 << iota // there is a session
	uuidFlag                 // its id is a UUID
	rejectedFlag             // there is a refusal: Rejected
	failedFlag               // there is a refusal: Failed
	expiresFlag              // the service has said when the session id expires
	knownFlags   = 1<<iota - 1
)

var errValue = damaged("an entry is not in the format of this version")

// Append appends the entry as ParseEntry reads it.
func (e *Entry) Append(dst []byte) []byte {
	at := len(dst)
	dst = append(dst, 0)
	if e.Session.ID != "" {
		dst[at] |= sessionFlag
		dst = e.Session.append(dst)
		if uuid, packed := packUUID(e.Session.ID); packed {
			dst[at] |= uuidFlag
			dst = append(dst, uuid[:]...)
		} else {
			dst = appendString(dst, e.Session.ID)
		}
		if !e.Session.Expires.IsZero() {
			dst[at] |= expiresFlag
			dst = binary.AppendVarint(dst, e.Session.Expires.Unix())
		}
	}
	switch e.Refusal.Status {
	case Rejected:
		dst[at] |= rejectedFlag
		dst = appendString(appendString(e.Refusal.append(dst), e.Refusal.Code), e.Refusal.Message)
	case Failed:
		dst[at] |= failedFlag
		dst = e.Refusal.append(dst)
	}
	return dst
}

func (s *Sent) append(dst []byte) []byte {
	dst = binary.AppendUvarint(append(dst, s.Digest[:]...), s.Run)
	return binary.AppendVarint(dst, s.At.UnixMilli())
}

// ParseEntry reads what Append made. It copies what it keeps.
func ParseEntry(b []byte) (Entry, error) { return parseEntry(b, false) }

// ParseCalls is ParseEntry for who asks when calls were made and how they ended:
// texts are "?".
func ParseCalls(b []byte) (Entry, error) { return parseEntry(b, true) }

func parseEntry(b []byte, callsOnly bool) (e Entry, err error) {
	if len(b) == 0 {
		return e, errValue
	}
	flags := b[0]
	refused := flags & (rejectedFlag | failedFlag)
	if flags&^knownFlags != 0 || flags&(sessionFlag|rejectedFlag|failedFlag) == 0 || flags&(uuidFlag|expiresFlag) != 0 && flags&sessionFlag == 0 || refused == rejectedFlag|failedFlag {
		return e, errValue
	}
	p := parser{rest: b[1:], callsOnly: callsOnly}
	if flags&sessionFlag != 0 {
		e.Session.Sent = p.sent()
		if flags&uuidFlag != 0 {
			e.Session.ID = p.uuid()
		} else {
			e.Session.ID = p.text()
		}
		if flags&expiresFlag != 0 {
			e.Session.Expires = time.Unix(p.varint(), 0).UTC()
		}
		p.failed = p.failed || e.Session.ID == ""
	}
	switch refused {
	case rejectedFlag:
		e.Refusal = Refusal{Sent: p.sent(), Status: Rejected, Code: p.text(), Message: p.text()}
	case failedFlag:
		e.Refusal = Refusal{Sent: p.sent(), Status: Failed}
	}
	if p.failed || len(p.rest) != 0 {
		return Entry{}, errValue
	}
	return e, nil
}

// parser takes values from the front of bytes. Once one is not there, it has
// failed, and gives zeros.
type parser struct {
	rest      []byte
	failed    bool
	callsOnly bool // texts are "?"
}

func (p *parser) bytes(n uint64) []byte {
	if p.failed || n > uint64(len(p.rest)) {
		p.failed = true
		return nil
	}
	b := p.rest[:n]
	p.rest = p.rest[n:]
	return b
}

func (p *parser) uvarint() uint64 {
	v, n := binary.Uvarint(p.rest)
	p.bytes(uint64(max(n, 0)))
	p.failed = p.failed || n <= 0
	return v
}

func (p *parser) varint() int64 {
	v, n := binary.Varint(p.rest)
	p.bytes(uint64(max(n, 0)))
	p.failed = p.failed || n <= 0
	return v
}

func (p *parser) time() time.Time { return time.UnixMilli(p.varint()).UTC() }

func (p *parser) text() string {
	b := p.bytes(p.uvarint())
	if p.callsOnly && len(b) > 0 {
		return "?"
	}
	return string(b)
}

func (p *parser) uuid() string {
	b := p.bytes(16)
	if p.callsOnly && b != nil {
		return "?"
	}
	return unpackUUID(b)
}

func (p *parser) sent() (s Sent) {
	copy(s.Digest[:], p.bytes(uint64(len(s.Digest))))
	s.Run = p.uvarint()
	s.At = p.time()
	return s
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
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

// unpackUUID is "" for what is not a packed UUID.
func unpackUUID(b []byte) string {
	if len(b) != 16 {
		return ""
	}
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
