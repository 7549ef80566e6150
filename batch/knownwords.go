package batch

import (
	"fmt"
	"strings"
	"time"

	"bulkonboard/batch/ledger"
	"bulkonboard/sink"
)

// What the results say of rows that a ledger has answered, and how it is read
// again from them, by whoever fills a ledger from results.
const (
	obtainedWord = "obtained "
	refusedWords = " (first refused "

	// fieldsDiffer is said of a customer whose changed fields were never sent.
	fieldsDiffer = "; the fields differ from those sent"
)

func knownResult(e *ledger.Entry, more string, now time.Time) *sink.Result {
	return &sink.Result{Status: sink.Known, SessionID: e.SessionID, ErrorMessage: obtained(e.At, more), ProcessedAt: now}
}

func refusedResult(e *ledger.Entry, now time.Time) *sink.Result {
	return &sink.Result{
		Status: sink.Rejected, ErrorCode: e.Code, ProcessedAt: now,
		ErrorMessage: fmt.Sprintf("%s%s%s, and not sent again because nothing has changed)", e.Message, refusedWords, e.At.UTC().Format(time.RFC3339)),
	}
}

func obtained(at time.Time, more string) string {
	b := append(make([]byte, 0, 64), obtainedWord...)
	return string(append(at.UTC().AppendFormat(b, time.RFC3339), more...))
}

// asItCame makes a result that a ledger has answered with what it was when it
// came. It has no time when that cannot be read.
func asItCame(res *sink.Result) {
	switch res.Status {
	case sink.Known:
		moment, _, _ := strings.Cut(strings.TrimPrefix(res.ErrorMessage, obtainedWord), ";")
		res.Status = sink.OK
		res.ProcessedAt, _ = time.Parse(time.RFC3339, moment)
	case sink.Rejected:
		words, more, _ := strings.Cut(res.ErrorMessage, refusedWords)
		moment, _, _ := strings.Cut(more, ",")
		if at, err := time.Parse(time.RFC3339, moment); err == nil {
			res.ErrorMessage, res.ProcessedAt = words, at
		}
	}
}
