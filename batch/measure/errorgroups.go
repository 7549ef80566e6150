package measure

import (
	"cmp"
	"maps"
	"slices"

	"bulkonboard/sink"
	"bulkonboard/source"
)

const (
	// maxErrorGroups bounds the memory that error codes can take: a service
	// that invents a new code for every row is not given a group for each.
	maxErrorGroups = 200

	// OtherErrors is the group of codes beyond maxErrorGroups.
	OtherErrors = "other"

	// firstRows is how many rows of a group are told, and firstShapes how many
	// shapes of the values.
	firstRows   = 5
	firstShapes = 3
)

// ErrorGroups are error groups by their code and field.
type ErrorGroups map[string]*sink.ErrorGroup

// Add counts a record that did not end well. One without an error code, which
// only somebody's edit of an earlier result can make, is in no group.
func (g ErrorGroups) Add(rec *source.Record, res *sink.Result) {
	if res.ErrorCode == "" {
		return
	}
	group := g.of(rec, res)
	group.Count++
	if len(group.Rows) < firstRows {
		group.Rows = append(group.Rows, rec.Row)
	}
	if len(group.Shapes) < firstShapes && group.Field != "" {
		shape := source.Shape(rec.Customer.Value(group.Field))
		if shape != "" && !slices.Contains(group.Shapes, shape) {
			group.Shapes = append(group.Shapes, shape)
		}
	}
}

// of is the group of a record; a new one when it is the first of its kind.
func (g ErrorGroups) of(rec *source.Record, res *sink.Result) *sink.ErrorGroup {
	code, field := res.ErrorCode, fieldAtFault(rec, res)
	key := code + " " + field
	if g[key] == nil && len(g) >= maxErrorGroups {
		code, field, key = OtherErrors, "", OtherErrors
	}
	if g[key] == nil {
		g[key] = &sink.ErrorGroup{Code: code, Field: field, Status: res.Status, Line: rec.Line, Message: res.ErrorMessage}
	}
	return g[key]
}

// fieldAtFault is the field that a record is invalid for. What the service
// refuses a record for, it does not say by field.
func fieldAtFault(rec *source.Record, res *sink.Result) string {
	if len(rec.Problems) > 0 && rec.Problems[0].Code == res.ErrorCode {
		return rec.Problems[0].Field
	}
	return ""
}

// Commonest lists the groups, the largest first.
func (g ErrorGroups) Commonest() []*sink.ErrorGroup {
	return slices.SortedFunc(maps.Values(g), func(a, b *sink.ErrorGroup) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Rows[0], b.Rows[0]))
	})
}
