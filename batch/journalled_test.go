package batch

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/sink"
)

func TestAJournalledResultReadsBack(t *testing.T) {
	want := sink.Result{Status: sink.Failed, SessionID: "s", ErrorCode: "timeout", ErrorMessage: "zu spät", Attempts: 8, ProcessedAt: time.Unix(0, 1e18), Expires: time.Unix(2e9, 0).UTC()}
	print, got, _, err := parseJournalResult(appendJournalResult(nil, 42, &want))
	require.NoError(t, err)
	assert.EqualValues(t, 42, print)
	assert.Equal(t, want, got)
	for i, fields := 0, reflect.ValueOf(got); i < fields.NumField(); i++ {
		name := fields.Type().Field(i).Name
		assert.Equal(t, name == "Kept", fields.Field(i).IsZero(), "the journal has all of a result, or a run that resumes writes another: "+name)
	}
}

func FuzzJournalledResults(f *testing.F) {
	f.Add(appendJournalResult(nil, 1, &sink.Result{Status: sink.OK, SessionID: "s", ProcessedAt: time.Unix(0, 5)}))
	f.Add(append(appendJournalResult(nil, 1, &sink.Result{Status: sink.OK, SessionID: "s", ProcessedAt: time.Unix(0, 5)}), make([]byte, 41)...))
	f.Add([]byte("12345678\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		print, result, who, err := parseJournalResult(b)
		if err != nil {
			return
		}
		payload := appendJournalResult(nil, print, &result)
		if who != nil {
			payload = who.Append(payload)
		}
		again, same, sameWho, err := parseJournalResult(payload)
		require.NoError(t, err)
		assert.Equal(t, who, sameWho)
		assert.Equal(t, print, again)
		assert.Equal(t, result, same)
	})
}
