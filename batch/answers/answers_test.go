package answers

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/sink"
	"bulkonboard/source"
)

// records are those of some e-mail addresses, left as they were read.
func records(t *testing.T, emails ...string) (records []*source.Record) {
	text := "customerType,customerEmail,firstName,lastName\n"
	for _, email := range emails {
		text += "Individual," + email + ",A,B\n"
	}
	list, err := source.Open(strings.NewReader(text), source.Options{})
	require.NoError(t, err)
	list.DecodeLater()
	for rec, err := range list.Records() {
		require.NoError(t, err)
		records = append(records, rec)
	}
	return records
}

// has answers every record with one session id, as one of a record.
func has(id string, of *source.Record) Source {
	return Func(func(*source.Record) (Answer, error) {
		return Answer{Result: &sink.Result{Status: sink.OK, SessionID: id}, Print: of.Fingerprint()}, nil
	})
}

var nothing = Func(func(*source.Record) (Answer, error) { return Answer{}, nil })

func TestTheFirstSourceWithAResultAnswersARow(t *testing.T) {
	rec := records(t, "a@x.io")[0]
	a, err := Chain{nothing, has("first", rec), has("second", rec)}.Answer(rec)
	require.NoError(t, err)
	assert.Equal(t, "first", a.Result.SessionID)
	a, err = Chain{nothing, nothing}.Answer(rec)
	require.NoError(t, err)
	assert.Equal(t, Answer{}, a)
}

func TestNoSourceCanGiveACustomerTheSessionIDOfAnother(t *testing.T) {
	of := records(t, "a@x.io", "b@x.io")
	for _, chain := range []Chain{{has("a's", of[0])}, {nothing, has("a's", of[0]), has("b's", of[1])}} {
		a, err := chain.Answer(of[1])
		var changed *source.ChangedError
		require.ErrorAs(t, err, &changed)
		assert.EqualValues(t, 2, changed.At.Row)
		assert.Nil(t, a.Result)
	}
	unbound := Func(func(*source.Record) (Answer, error) {
		return Answer{Result: &sink.Result{Status: sink.OK, SessionID: "x"}}, nil
	})
	_, err := Chain{unbound}.Answer(of[0])
	require.Error(t, err, "an answer that is for no record")
}

func TestWhenASourceFailsNoneBehindItIsAsked(t *testing.T) {
	rec, broken := records(t, "a@x.io")[0], errors.New("input/output error")
	fails := Func(func(*source.Record) (Answer, error) { return Answer{}, broken })
	a, err := Chain{fails, has("x", rec)}.Answer(rec)
	require.ErrorIs(t, err, broken)
	assert.Nil(t, a.Result)
}

func TestAResultThatDoesNotStayIsRememberedForItsRow(t *testing.T) {
	of := records(t, "a@x.io", "b@x.io")
	kept := Kept(func(rec *source.Record) (sink.Result, bool) {
		return sink.Result{Status: sink.Failed, SessionID: rec.Customer.Email}, rec.Row == 1
	})
	a, err := Chain{kept}.Answer(of[0])
	require.NoError(t, err)
	assert.Equal(t, &sink.Result{Status: sink.Failed, SessionID: "a@x.io", Kept: true}, a.Result)
	a, err = Chain{kept, nothing}.Answer(of[1])
	require.NoError(t, err)
	assert.Nil(t, a.Result)
	assert.Equal(t, &sink.Result{Status: sink.Failed, SessionID: "b@x.io"}, a.Before)
}

func TestAnInvalidRowIsAnsweredWithItsProblemsAndNoOther(t *testing.T) {
	of, now := records(t, "a@x.io", "nobody"), time.UnixMilli(7)
	problems := Problems(func() time.Time { return now })
	a, err := Chain{problems}.Answer(of[0])
	require.NoError(t, err)
	assert.Nil(t, a.Result)
	a, err = Chain{problems}.Answer(of[1])
	require.NoError(t, err)
	assert.Equal(t, sink.Invalid, a.Result.Status)
	assert.Equal(t, "invalid_customer_email", a.Result.ErrorCode)
	assert.Equal(t, now, a.Result.ProcessedAt)
}

func TestARowThatIsAnsweredBeforeItsProblemsIsNotDecoded(t *testing.T) {
	rec := records(t, "a@x.io")[0]
	_, err := Chain{has("x", rec), Problems(time.Now)}.Answer(rec)
	require.NoError(t, err)
	assert.Empty(t, rec.Customer.Email)
}
