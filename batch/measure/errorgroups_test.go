package measure

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/sink"
	"bulkonboard/source"
)

// damaged is a record whose field is wrong.
func damaged(row int64, code, field string, c source.Customer) (*source.Record, *sink.Result) {
	p := []source.Problem{{Code: code, Field: field, Message: field + " is wrong"}}
	res := sink.InvalidFor(p)
	return &source.Record{Row: row, Line: row + 1, Customer: c, Problems: p}, &res
}

func TestErrorsAreGroupedByCodeAndField(t *testing.T) {
	g := ErrorGroups{}
	g.Add(damaged(1, "control_character", "firstName", source.Customer{FirstName: "A\tb"}))
	for row := int64(2); row < 12; row++ {
		g.Add(damaged(row, "control_character", "lastName", source.Customer{FirstName: "Zoë", LastName: fmt.Sprintf("x\t%0*d", row%4+1, row)}))
	}
	g.Add(&source.Record{Row: 12, Line: 13}, &sink.Result{Status: sink.Rejected, ErrorCode: "http_400", ErrorMessage: "no"})
	g.Add(&source.Record{Row: 13, Line: 14}, &sink.Result{Status: sink.Failed})
	groups := g.MostFrequent()
	require.Len(t, groups, 3, "a row without a code is in none")
	assert.Equal(t, sink.ErrorGroup{
		Code: "control_character", Field: "lastName", Status: sink.Invalid, Count: 10, Rows: []int64{2, 3, 4, 5, 6}, Line: 3,
		Message: "lastName is wrong", Shapes: []string{"a?999", "a?9999", "a?9"},
	}, *groups[0])
	assert.Equal(t, []string{"A?a"}, groups[1].Shapes)
	assert.Equal(t, sink.ErrorGroup{Code: "http_400", Status: sink.Rejected, Count: 1, Rows: []int64{12}, Line: 13, Message: "no"}, *groups[2])
}

func TestCodesBeyondReasonAreOneGroup(t *testing.T) {
	g := ErrorGroups{}
	for row := range int64(10 * maxErrorGroups) {
		g.Add(&source.Record{Row: row + 1}, &sink.Result{Status: sink.Rejected, ErrorCode: fmt.Sprintf("invented_%d", row)})
	}
	assert.Len(t, g, maxErrorGroups+1)
	other := g.MostFrequent()[0]
	assert.Equal(t, OtherErrors, other.Code)
	assert.Equal(t, int64(9*maxErrorGroups), other.Count)
}
