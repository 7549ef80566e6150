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

func (o *obtained) result(e *ledger.Entry, more string, now time.Time) *sink.Result {
	return &sink.Result{Status: sink.Known, SessionID: e.SessionID, ErrorMessage: o.at(e.At) + more, ProcessedAt: now}
}

func refusedResult(e *ledger.Entry, now time.Time) *sink.Result {
	return &sink.Result{
		Status: sink.Rejected, ErrorCode: e.Code, ProcessedAt: now,
		ErrorMessage: fmt.Sprintf("%s%s%s, and not sent again because nothing has changed)", e.Message, refusedWords, e.At.UTC().Format(time.RFC3339)),
	}
}

// obtained says when session ids were obtained. Of customers that stand near each
// other in a list, many were called in the same second.
type obtained struct {
	second int64
	words  string
}

func (o *obtained) at(t time.Time) string {
	if second := t.Unix(); o.words == "" || second != o.second {
		o.second, o.words = second, obtainedWord+t.UTC().Format(time.RFC3339)
	}
	return o.words
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
