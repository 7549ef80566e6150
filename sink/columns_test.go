package sink

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestEveryFieldOfAResultHasAColumn(t *testing.T) {
	full := Result{Status: Failed, SessionID: "s", ErrorCode: "c", ErrorMessage: "=m", Attempts: 3, ProcessedAt: at, Expires: at.Add(time.Hour), Kept: true}
	fields := reflect.TypeFor[Result]()
	got, ok := cellsOf(&full, new(clock)).withoutPrefix().result()
	assert.True(t, ok)
	for i := range fields.NumField() {
		name := fields.Field(i).Name
		value := reflect.ValueOf(full).Field(i)
		assert.False(t, value.IsZero(), name)
		if name != "Expires" && name != "Kept" { // which are not written
			assert.Equal(t, value.Interface(), reflect.ValueOf(got).Field(i).Interface(), name)
		}
	}
}
