// Package answers gives rows their results where these need no call.
//
// A Chain asks its sources in order, and the first that has a result for a row
// answers it. What a source says is for one record, whose fingerprint it names:
// an answer for any other record ends the run, so that however a source looks
// its results up, no customer gets those of another.
//
// The results of a journal, of a job's parts, of the results file that a retry
// reads and of the ledger come this way, and so do the problems of an invalid
// row. Sources that need the cells of a record decode it. The others leave that,
// as most rows of a night are known by their bytes.
package answers

import (
	"time"

	"bulkonboard/sink"
	"bulkonboard/source"
)

// Answer is what a source says of a row. The zero value says nothing.
type Answer struct {
	Result *sink.Result // nil: the source does not answer the row. It is not changed
	Print  uint64       // fingerprint of the record that the result is for

	// Known says that the ledger has the result, so the result is not put there, and Key
	// is the beginning of the key that the customer has there; 0: not asked for.
	Known bool
	Key   uint32

	// Past says that a call of an earlier run or of another part brought the
	// result, so that it does not count against the failures of this run.
	Past bool

	// Before is the result that the row had in an earlier run, when it is to get
	// a new one. May be nil.
	Before *sink.Result
}

// Source answers rows. It is asked in the order of the list, at most once for
// each row, by one goroutine. An error ends the run.
type Source interface {
	Answer(rec *source.Record) (Answer, error)
}

// Func is a Source that is a function.
type Func func(rec *source.Record) (Answer, error)

// Answer implements Source.
func (f Func) Answer(rec *source.Record) (Answer, error) { return f(rec) }

// Chain is sources in the order in which they are asked.
type Chain []Source

// Answer gives the answer of the first source that has a result. Without one, it
// says what result the row had before. An answer that is for another record is a
// *source.ChangedError.
func (c Chain) Answer(rec *source.Record) (Answer, error) {
	var none Answer
	for _, s := range c {
		a, err := s.Answer(rec)
		switch {
		case err != nil:
			return Answer{}, err
		case a.Result != nil && a.Print != rec.Fingerprint():
			return Answer{}, rec.Changed()
		case a.Result != nil:
			return a, nil
		case a.Before != nil:
			none.Before = a.Before
		}
	}
	return none, nil
}

// Kept are the results that records carry from an earlier run: each with whether
// it stays. One that does not is the result that the row had before.
type Kept func(rec *source.Record) (res sink.Result, stays bool)

// Answer implements Source.
func (k Kept) Answer(rec *source.Record) (Answer, error) {
	rec.Decode()
	res, stays := k(rec)
	if !stays {
		return Answer{Before: &res}, nil
	}
	res.Kept = true
	return Answer{Result: &res, Print: rec.Fingerprint()}, nil
}

// Problems are the results of invalid rows, decided at a time that is asked for.
// They come last, though no row is valid because another source has a result for
// it: most rows that have one need not be decoded to find that out.
type Problems func() time.Time

// Answer implements Source.
func (decided Problems) Answer(rec *source.Record) (Answer, error) {
	rec.Decode()
	if len(rec.Problems) == 0 {
		return Answer{}, nil
	}
	res := sink.InvalidFor(rec.Problems)
	res.ProcessedAt = decided()
	return Answer{Result: &res, Print: rec.Fingerprint()}, nil
}
