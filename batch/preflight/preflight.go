package preflight

import (
	"context"
	"math"
	"runtime/debug"
	"slices"

	"bulkonboard/batch/answers"
	"bulkonboard/batch/customers"
	"bulkonboard/batch/known"
	"bulkonboard/batch/measure"
	"bulkonboard/batch/state"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// Preflight reads a list to its end without sending anything.
type Preflight struct {
	List   *source.List // at its beginning; the run needs another one
	FormID string       // for records that carry none

	// Keep is that of the run: see Config. May be nil.
	Keep func(*source.Record) (sink.Result, bool)

	// KnownInvalid reports a record that was invalid on an earlier run, so
	// that no limit is to stop this one for it. May be nil.
	KnownInvalid func(*source.Record) bool

	// Scratch takes some 40 bytes a row and is for this use alone. With a ledger it
	// takes some 60 more, and the answers of the forecast are read from it.
	Scratch state.ScratchFile

	// Known is asked for all customers. Nil without a ledger.
	Known *known.Known

	// RunID is that of the run, which may have put something down in the ledger
	// before it was interrupted; empty when there is none.
	RunID string

	// Each is called with every record, in order. An error ends the preflight. May
	// be nil.
	Each func(*source.Record) error

	// Monitor shows how far reading is, and Share is how much of the list has
	// been read, from 0 to 1. Both may be nil.
	Monitor *measure.Monitor
	Share   func() float64

	search   *customers.Search
	join     *known.Join // nil without a ledger
	answers  answers.Chain
	customer []byte // of the record that is being counted
	doubts   source.Doubts
}

// Forecast is what a run of the list would do.
type Forecast struct {
	Rows  int64 `json:"rows"`
	Bytes int64 `json:"bytes"` // after decompression

	Kept         int64 `json:"kept"` // carry a result that stays
	Invalid      int64 `json:"invalid"`
	KnownInvalid int64 `json:"knownInvalid"` // of the invalid, those that were before
	Repeated     int64 `json:"repeated"`     // valid, and of the customer of an earlier row
	Calls        int64 `json:"calls"`        // valid, and of no earlier row's customer
	Mailed       int64 `json:"mailed"`       // of the calls, those that ask for a mail

	// What the ledger, if it was asked, knows of the customers that would
	// otherwise be called. Known and Refused are not among Calls; New, Changed,
	// Expired and Due are, and come to all of them.
	Asked   bool  `json:"asked,omitempty"`
	New     int64 `json:"new,omitempty"`
	Known   int64 `json:"known,omitempty"`
	Changed int64 `json:"changed,omitempty"`
	Expired int64 `json:"expired,omitempty"`
	Refused int64 `json:"refused,omitempty"` // and have not changed since
	Due     int64 `json:"due,omitempty"`     // failed or refused before, and are tried again
	Gone    int64 `json:"gone,omitempty"`    // customers of the ledger that are not in the list
	Forms   int   `json:"forms,omitempty"`   // of which it has customers

	// Misread is the encoding that the list is read in, when it is a code page
	// and the list could be UTF-8.
	Misread string `json:"misread,omitempty"`

	Errors measure.ErrorGroups `json:"errors"` // of the invalid; a row is in a group for each of its problems

	// TypeWords are the words in customerType that make rows invalid.
	TypeWords TypeWords `json:"typeWords,omitzero"`

	// Sheet says that the list is a workbook: its lines are rows of a sheet.
	Sheet bool `json:"sheet,omitempty"`

	// Notices are what a person should know of the list, though it keeps no row
	// from being sent.
	Notices []source.Notice `json:"notices,omitempty"`

	Ends source.Position `json:"ends"` // the list

	Duplicates *customers.Duplicates `json:"-"`
}

// Standings are what the ledger knows of the customers; nil when it was not
// asked.
func (f *Forecast) Standings() *sink.Standings {
	if !f.Asked {
		return nil
	}
	return &sink.Standings{New: f.New, Known: f.Known, Changed: f.Changed, Expired: f.Expired, Again: f.Due, Refused: f.Refused}
}

// progressRows is how many rows go between two looks at the context, and two
// words to the monitor.
const progressRows = 4096

// Run reads the list. It ends early with the cause of ctx, or with what ended
// reading. What it held in memory has been given back when it returns, but for
// the forecast. The answers are those of the ledger, to be asked by the run.
func (p *Preflight) Run(ctx context.Context) (*Forecast, answers.Chain, error) {
	f := &Forecast{Bytes: int64(len(p.List.HeaderRaw())), Errors: measure.ErrorGroups{}}
	p.begin()
	if err := p.read(ctx, f); err != nil {
		return nil, nil, err
	}
	f.Misread = p.List.Misread()
	f.Sheet = p.List.Sheet() != ""
	f.Notices = append(slices.Clone(p.List.Notices()), p.doubts.Notices()...)
	if text := p.List.UnreadDetails(f.Errors.Has); text != "" {
		f.Notices = append(f.Notices, source.Notice{Code: "details_unread", Text: text})
	}
	if text := p.List.SharedDetails(f.Errors.Fields(source.BothDetails)); text != "" {
		f.Notices = append(f.Notices, source.Notice{Code: "details_shared", Text: text})
	}
	if err := p.compare(f); err != nil {
		return nil, nil, err
	}
	if f.Rows > progressRows {
		debug.FreeOSMemory()
	}
	return f, p.answers, nil
}

func (p *Preflight) begin() {
	file := customers.NewSpillFile(p.Scratch)
	p.search = customers.NewSearch(file)
	if p.Known != nil {
		p.join = p.Known.NewJoin(file, p.RunID)
	}
}

func (p *Preflight) read(ctx context.Context, f *Forecast) error {
	for rec, err := range p.List.Lent() {
		if err == nil && p.Each != nil {
			err = p.Each(rec)
		}
		if err == nil {
			err = p.count(f, rec)
		}
		if err != nil {
			return err
		}
		f.Ends = rec.Next
		if rec.Row%progressRows != 0 {
			continue
		}
		if p.Monitor != nil {
			p.Monitor.Read(f.Rows, f.Bytes, p.share())
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// count adds one record. Rows are counted as calls here, and those that turn
// out to be duplicates taken off at the end.
func (p *Preflight) count(f *Forecast, rec *source.Record) error {
	if rec.Row > math.MaxUint32 {
		return &source.ListError{
			Reason: "the list has more than 4,294,967,295 rows, which is as far as duplicates are searched for",
			Hint:   "split the list",
		}
	}
	f.Rows, f.Bytes = rec.Row, rec.Next.Offset
	v := customers.Sighting{Row: uint32(rec.Row)}
	switch res, kept := p.keep(rec); {
	case kept && (!res.Status.Good() || len(rec.Problems) > 0):
		f.Kept++
		return nil
	case kept:
		f.Kept++
		v.Traits = customers.IsKept
	case len(rec.Problems) > 0:
		p.invalid(f, rec)
		return nil
	default:
		p.doubts.See(rec)
		f.Calls++
		if rec.Customer.SendEmail == "true" {
			f.Mailed++
			v.Traits = customers.AsksMail
		}
	}
	p.customer = rec.AppendIdentity(p.customer[:0], p.FormID)
	if p.join != nil {
		p.join.Sight(&v, rec, p.customer)
	} else {
		v.Key = p.search.Key(p.customer)
	}
	return p.search.See(&v)
}

// compare compares all rows with each other and with the ledger.
func (p *Preflight) compare(f *Forecast) error {
	if p.join != nil {
		said, c, err := p.join.Run(p.search, f.Rows)
		if err != nil {
			return err
		}
		f.Asked, p.answers = true, answers.Chain{said}
		f.Gone, f.Forms = p.Known.Ledger.Len()-c.Found, len(p.Known.Ledger.Forms())
		f.Known, f.Refused, f.Changed, f.Expired, f.Due = c.Known, c.Refused, c.Changed, c.Expired, c.Due
		f.Mailed -= c.Mails
	}
	found, err := p.search.End()
	if err != nil {
		return err
	}
	f.Duplicates, f.Repeated = found.Duplicates, found.Repeated
	f.Calls -= f.Repeated + f.Known + f.Refused
	f.Mailed -= found.Mails
	if f.Asked {
		f.New = f.Calls - f.Changed - f.Expired - f.Due
	}
	return nil
}

func (p *Preflight) share() float64 {
	if p.Share == nil {
		return 0
	}
	return p.Share()
}

func (p *Preflight) keep(rec *source.Record) (sink.Result, bool) {
	if p.Keep == nil {
		return sink.Result{}, false
	}
	return p.Keep(rec)
}

func (p *Preflight) invalid(f *Forecast, rec *source.Record) {
	f.Invalid++
	if p.KnownInvalid != nil && p.KnownInvalid(rec) {
		f.KnownInvalid++
	}
	for i := range rec.Problems {
		f.Errors.AddProblem(rec, &rec.Problems[i])
		if rec.Problems[i].Code == "invalid_customer_type" {
			f.TypeWords.add(rec.Customer.Type)
		}
	}
}
