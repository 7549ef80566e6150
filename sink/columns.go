package sink

import (
	"slices"
	"strconv"
	"time"

	"bulkonboard/source"
)

// column is a part of a result, as a results file has it.
type column struct {
	name   string
	text   func(*Result, *clock) string
	read   func(*Result, string) bool // what text wrote, and nothing else
	number bool                       // in JSON
	prefix bool                       // others have written it: a spreadsheet could run it as a formula
}

// columns are those of a result, in order. What they are of, a journal has too.
var columns = [...]column{
	{
		name: "onboardingStatus",
		text: func(r *Result, _ *clock) string { return string(r.Status) },
		read: func(r *Result, text string) bool {
			r.Status = Status(text)
			return slices.Contains(Statuses(), r.Status)
		},
	},
	{
		name: "sessionId",
		text: func(r *Result, _ *clock) string { return r.SessionID },
		read: func(r *Result, text string) bool { r.SessionID = text; return true },
	},
	{
		name: "errorCode",
		text: func(r *Result, _ *clock) string { return r.ErrorCode },
		read: func(r *Result, text string) bool { r.ErrorCode = text; return true },
	},
	{
		name: "errorMessage", prefix: true,
		text: func(r *Result, _ *clock) string { return r.ErrorMessage },
		read: func(r *Result, text string) bool { r.ErrorMessage = text; return true },
	},
	{
		name: "attempts", number: true,
		text: func(r *Result, _ *clock) string { return strconv.Itoa(r.Attempts) },
		read: func(r *Result, text string) (ok bool) {
			var err error
			r.Attempts, err = strconv.Atoi(text)
			return err == nil
		},
	},
	{
		name: "processedAt",
		text: func(r *Result, c *clock) string { return c.text(r.ProcessedAt) },
		read: func(r *Result, text string) (ok bool) {
			var err error
			r.ProcessedAt, err = time.Parse(timeLayout, text)
			return err == nil
		},
	},
}

// Columns are the names under which a result is written, in order.
func Columns() []string {
	names := make([]string, len(columns))
	for i := range columns {
		names[i] = columns[i].name
	}
	return names
}

// cells are the values of a result, by column.
type cells [len(columns)]string

// cellsOf writes a result.
func cellsOf(r *Result, c *clock) (v cells) {
	for i := range columns {
		v[i] = columns[i].text(r, c)
		if columns[i].prefix {
			v[i] = source.WithPrefix(v[i])
		}
	}
	return v
}

// withoutPrefix are the cells without the prefix that some were given.
func (v cells) withoutPrefix() cells {
	for i := range columns {
		if columns[i].prefix {
			v[i] = source.WithoutPrefix(v[i])
		}
	}
	return v
}

// result reads what cellsOf wrote, once it is without the prefix, and nothing else.
func (v cells) result() (r Result, ok bool) {
	for i := range columns {
		if !columns[i].read(&r, v[i]) {
			return Result{}, false
		}
	}
	return r, !r.Status.Good() || r.SessionID != ""
}
