package measure

import (
	"cmp"
	"maps"
	"slices"
	"time"

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

// Add counts a record that failed, by its error code. One without a
// code, which only somebody's edit of an earlier result can make, is in no group.
func (g ErrorGroups) Add(rec *source.Record, res *sink.Result) { g.addOpen(rec, res, time.Time{}) }

// addOpen is Add for what is open since an earlier run, which is in groups of its
// own; zero when it is not.
func (g ErrorGroups) addOpen(rec *source.Record, res *sink.Result, since time.Time) {
	if res.ErrorCode == "" {
		return
	}
	like := &sink.ErrorGroup{Code: res.ErrorCode, Field: fieldAtFault(rec, res), Status: res.Status, Message: res.ErrorMessage}
	if !since.IsZero() {
		like.OpenSince = &since
	}
	g.count(rec, like)
}

// AddProblem counts a record that is invalid, by one of its problems.
func (g ErrorGroups) AddProblem(rec *source.Record, p *source.Problem) {
	g.count(rec, &sink.ErrorGroup{Code: p.Code, Field: p.Field, Status: sink.Invalid, Message: p.Message})
}

// Has reports a group with a code.
func (g ErrorGroups) Has(code string) bool {
	for _, group := range g {
		if group.Code == code {
			return true
		}
	}
	return false
}

// Fields are those of the groups with a code.
func (g ErrorGroups) Fields(code string) (fields []string) {
	for _, group := range g {
		if group.Code == code && group.Field != "" {
			fields = append(fields, group.Field)
		}
	}
	return fields
}

// count adds a record to the group that is like the one given.
func (g ErrorGroups) count(rec *source.Record, like *sink.ErrorGroup) {
	since := like.OpenSince
	group := g.of(rec, like)
	group.Count++
	if since != nil && since.Before(*group.OpenSince) {
		group.OpenSince = since
	}
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
func (g ErrorGroups) of(rec *source.Record, like *sink.ErrorGroup) *sink.ErrorGroup {
	kind := ""
	if like.OpenSince != nil {
		kind = " open"
	}
	key := like.Code + " " + like.Field + kind
	if g[key] == nil && len(g) >= maxErrorGroups {
		like.Code, like.Field, key = OtherErrors, "", OtherErrors+kind
	}
	if g[key] == nil {
		like.Line = rec.Line
		g[key] = like
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

// Apart gives the groups of what is news, and of what is open since an earlier run.
func (g ErrorGroups) Apart() (news, open ErrorGroups) {
	news, open = ErrorGroups{}, ErrorGroups{}
	for key, group := range g {
		if group.OpenSince == nil {
			news[key] = group
		} else {
			open[key] = group
		}
	}
	return news, open
}

// MostFrequent lists the groups, the largest first, and what is news before what is
// open since an earlier run.
func (g ErrorGroups) MostFrequent() []*sink.ErrorGroup {
	old := map[bool]int{true: 1}
	return slices.SortedFunc(maps.Values(g), func(a, b *sink.ErrorGroup) int {
		return cmp.Or(cmp.Compare(old[a.OpenSince != nil], old[b.OpenSince != nil]), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Rows[0], b.Rows[0]))
	})
}
