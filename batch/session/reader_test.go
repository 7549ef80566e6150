package session

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func parsed(status int, body []byte) *envelope {
	rd := readers.Get().(*reader)
	defer rd.giveBack()
	rd.body.Reset()
	rd.body.Write(body)
	r := rd.parse(status)
	return &r
}

func TestAnEnvelopeIsReadStrictly(t *testing.T) {
	const id = `,"result":{"sessionId":"id-1"}}`
	cases := []struct {
		name, body string
		outcome    Outcome
		code       string
	}{
		{"a float", `{"statusCode":200.0` + id, OK, ""},
		{"an exponent", `{"statusCode":2e2` + id, OK, ""},
		{"digits in a string", `{"statusCode":"200"` + id, OK, ""},
		{"escaped digits in a string", `{"statusCode":"\u00320\u0030"` + id, OK, ""},
		{"a null", `{"statusCode":null` + id, OK, ""},
		{"a refusal as digits in a string", `{"statusCode":"400"` + id, Rejected, "http_400"},
		{"a refusal as a float", `{"statusCode":400.0` + id, Rejected, "http_400"},
		{"a refusal as an exponent", `{"statusCode":4e2` + id, Rejected, "http_400"},
		{"zero", `{"statusCode":0` + id, Failed, "status_code_0"},
		{"a number of the service's own", `{"statusCode":40001` + id, Failed, "status_code_40001"},
		{"a negative number", `{"statusCode":-1` + id, Failed, "status_code_-1"},
		{"a redirect inside a 200", `{"statusCode":302` + id, Failed, "status_code_302"},
		{"half a number", `{"statusCode":400.5` + id, NotTheAPI, "not_json"},
		{"a number beyond all bounds", `{"statusCode":1e300` + id, NotTheAPI, "not_json"},
		{"a word", `{"statusCode":"abc"` + id, NotTheAPI, "not_json"},
		{"a float in a string", `{"statusCode":"200.0"` + id, NotTheAPI, "not_json"},
		{"an empty string", `{"statusCode":""` + id, NotTheAPI, "not_json"},
		{"a boolean", `{"statusCode":true` + id, NotTheAPI, "not_json"},
		{"an object", `{"statusCode":{}` + id, NotTheAPI, "not_json"},
		{"two statusCodes that differ", `{"statusCode":200,"StatusCode":500` + id, NotTheAPI, "not_json"},
		{"two statusCodes that agree", `{"statusCode":200,"StatusCode":"200"` + id, OK, ""},

		{"names as .NET may write them", `{"Version":null,"StatusCode":200,"Messages":["x"],"Result":{"SessionId":"id-1"}}`, OK, ""},
		{"an escaped name", `{"st\u0061tusCode":400` + id, Rejected, "http_400"},
		{"a name that only Unicode folds", `{"ſtatusCode":400` + id, OK, ""},
		{"other members", `{"a":[[{}],1],"statusCode":200,"b":null` + id, OK, ""},
		{"a byte order mark", "\ufeff{\"statusCode\":200" + id, OK, ""},
		{"two byte order marks", "\ufeff\ufeff{\"statusCode\":200" + id, NotTheAPI, "not_json"},
		{"white space around", " \r\n{\"statusCode\":200" + id + "\n\n", OK, ""},
		{"something behind it", `{"statusCode":200` + id + `x`, NotTheAPI, "not_json"},
		{"another envelope behind it", `{"statusCode":200` + id + `{}`, NotTheAPI, "not_json"},
		{"an envelope in a list", `[{"statusCode":200` + id + `]`, NotTheAPI, "not_json"},
		{"a message in another encoding", "{\"statusCode\":200,\"messages\":[\"\xe9\"]" + id, OK, ""},
		{"half of it", `{"statusCode":200,"result":{"sessionId":"id-1"}`, NotTheAPI, "not_json"},
		{"numbers that are not JSON", `{"statusCode":0200` + id, NotTheAPI, "not_json"},
		{"nesting without end", `{"a":` + strings.Repeat("[", 50000), NotTheAPI, "not_json"},

		{"a session id outside of the result", `{"statusCode":200,"sessionId":"id-1"}`, Failed, "no_session_id"},
		{"a result in a list", `{"statusCode":200,"result":[{"sessionId":"id-1"}]}`, Failed, "no_session_id"},
		{"a session id that is null", `{"statusCode":200,"result":{"sessionId":null}}`, Failed, "no_session_id"},
		{"a session id of blanks", `{"statusCode":200,"result":{"sessionId":" \t"}}`, Failed, "no_session_id"},
		{"a session id that is a number", `{"statusCode":200,"result":{"sessionId":12345}}`, Failed, "session_id_malformed"},
		{"a session id that is an object", `{"statusCode":200,"result":{"sessionId":{"a":"b"}}}`, Failed, "session_id_malformed"},
		{"two session ids", `{"statusCode":200,"result":{"sessionId":"a","sessionId":"b"}}`, Failed, "session_id_malformed"},
		{"two session ids in two results", `{"statusCode":200,"result":{"sessionId":"a"},"Result":{"SessionId":"b"}}`, Failed, "session_id_malformed"},
		{"one session id twice", `{"statusCode":200,"result":{"sessionId":"a","SessionId":"a"}}`, OK, ""},
		{"a session id in another encoding", "{\"statusCode\":200,\"result\":{\"sessionId\":\"caf\xe9\"}}", Failed, "session_id_malformed"},
		{"a session id of half a character", `{"statusCode":200,"result":{"sessionId":"a\ud800"}}`, Failed, "session_id_malformed"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := judge(parsed(200, []byte(c.body)), http.Header{}, noon)
			assert.Equal(t, c.code, a.Code)
			assert.Equal(t, c.outcome, a.Outcome)
			assert.Equal(t, c.outcome == OK, a.SessionID != "")
		})
	}
}

func TestWhatIsNotPlainlyASessionIDIsNone(t *testing.T) {
	for _, id := range []string{
		"ab98babe-b555-4b79-88bf-967f454df0c0", "eyJhbGciOiJIUzI1NiJ9.e30.x_y-z", "a+b/c==", "1", "id:1", "сессия", "nullable", "x@",
		strings.Repeat("s", maxSessionID), "10000000-0000-0000-0000-000000000000",
	} {
		assert.Equal(t, id, judge(parsed(200, []byte(envelopeOf(200, "x", id))), http.Header{}, noon).SessionID)
	}
	for _, id := range []string{
		"a b", " a", "a ", "a\tb", "a\nb", "a\u00a0b", "a\u3000b", "a\x7f", "a\u0085", "a\x00",
		"a\u200bb", "a\ufeffb", "a\u202eb", "a\u2066b", "a\u00adb", "a\u2028b", "a\u034fb", "a\ufe0fb", "a\u3164b", "a\u2800b", "a\ufffdb", "a\ue000b",
		"=1+1", "+1", "-1", "@SUM(1)", "＝1", "ann@example.com", "ANN@localhost",
		"null", "NULL", "undefined", "None", "nil", "0", "000", "00000000-0000-0000-0000-000000000000", "{00000000-0000-0000-0000-000000000000}",
		strings.Repeat("s", maxSessionID+1),
	} {
		a := judge(parsed(200, fmt.Appendf(nil, `{"statusCode":200,"result":{"sessionId":%s}}`, quote(nil, id))), http.Header{}, noon)
		assert.Equal(t, "session_id_malformed", a.Code, "%q", id)
		assert.Equal(t, Failed, a.Outcome, "%q", id)
		assert.True(t, a.Recognised, "%q", id)
		assert.Empty(t, a.SessionID, "%q", id)
	}
}

func TestAnExpiryIsReadWhereAnAnswerHasOne(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for text, want := range map[string]time.Time{
		`"2026-03-04T05:06:07Z"`:             at,
		`"2026-03-04T05:06:07"`:              at,
		`"2026-03-04T09:06:07+04:00"`:        at,
		`"2026-03-04T05:06:07.1234567"`:      at.Add(123456700),
		`"2026-03-04T05:06:07.1234567Z"`:     at.Add(123456700),
		`"2026-03-04 05:06:07"`:              at,
		`"0001-01-01T00:00:00"`:              {},
		`"soon"`:                             {},
		`"` + strings.Repeat("2", 100) + `"`: {},
		`12`:                                 {},
		`null`:                               {},
	} {
		for _, name := range []string{"expiryDate", "ExpiryDate"} {
			a := judge(parsed(200, []byte(`{"statusCode":200,"result":{"sessionId":"id","`+name+`":`+text+`}}`)), http.Header{}, noon)
			assert.Equal(t, "id", a.SessionID, text)
			assert.Equal(t, want, a.Expires, text)
		}
	}
}

func TestAReasonIsFoundWhereverItStands(t *testing.T) {
	cases := []struct{ name, body, want string }{
		{"messages", `{"statusCode":400,"messages":["a","b"]}`, "a; b"},
		{"one message", `{"statusCode":400,"messages":"a"}`, "a"},
		{"messages that are objects", `{"statusCode":400,"messages":[{"code":7,"message":"a"},{"description":"b"}]}`, "a; b"},
		{"names in capitals", `{"StatusCode":400,"Messages":[{"Message":"a"}]}`, "a"},
		{"RFC 9457", `{"type":"about:blank","title":"Bad Request","status":400,"detail":"a","instance":"/x"}`, "Bad Request; a"},
		{"ASP.NET", `{"type":"u","title":"t","status":400,"traceId":"00-1","errors":{"CustomerEmail":["a","b"],"$.x":["c"]}}`, "t; a; b; c"},
		{"Spring", `{"timestamp":"x","status":400,"error":"Bad Request","message":"a","path":"/x"}`, "Bad Request; a"},
		{"an error object", `{"error":{"code":400,"message":"a","details":null}}`, "a"},
		{"errors in a list of objects", `{"errors":[{"code":"E1","message":"a"},{"detail":"b"}]}`, "a; b"},
		{"errors in a list of texts", `{"errors":["a","b"]}`, "a; b"},
		{"a text alone", `"a"`, "a"},
		{"a text that is not JSON", "a b", "a b"},
		{"escapes", `{"messages":["\u0061\/\n\ud83d\ude00"]}`, "a/\n😀"},
		{"nothing", `{"statusCode":400,"messages":[]}`, ""},
		{"no words", `{"messages":[null,7,true,{},[],""]}`, ""},
		{"a page", "<html>no</html>", ""},
		{"JSON that was cut off", `{"messages":["a"`, ""},
		{"too deep", `{"messages":[[[[[["a"]]]]]]}`, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { assert.Equal(t, c.want, parsed(400, []byte(c.body)).words) })
	}
}

func TestARefusalWithoutAnEnvelopeKeepsItsMeaning(t *testing.T) {
	const wrong = "Invalid AppId or AppSecret"
	for _, body := range []string{
		`{"title":"Bad Request","detail":"` + wrong + `"}`, `{"error":{"message":"` + wrong + `"}}`, `{"errors":{"AppId":["` + wrong + `"]}}`,
		`{"messages":[{"description":"invalid  APPID or App Secret."}]}`, `"` + wrong + `"`, wrong,
	} {
		for _, status := range []int{200, 400, 422, 500} {
			a := judge(parsed(status, []byte(body)), http.Header{}, noon)
			assert.Equal(t, CredentialsRefused, a.Outcome, "%d %s", status, body)
		}
	}
	problem := `{"title":"Bad Request","status":400,"detail":"Invalid Customer Details"}`
	a := judge(parsed(400, []byte(problem)), http.Header{}, noon)
	assert.Equal(t, Rejected, a.Outcome)
	assert.Equal(t, "invalid_customer_details", a.Code)
	assert.False(t, a.Recognised, "a gateway may write the same")
	assert.Equal(t, NotTheAPI, judge(parsed(404, []byte(problem)), http.Header{}, noon).Outcome)
}

func TestAnAnswerOfAMebibyteCostsLittle(t *testing.T) {
	for name, part := range map[string]string{
		"empty messages": `"",`, "numbers": `0,`, "objects": `{"message":"a"},`, "escapes": `"\u0041\n",`, "long words": `"` + strings.Repeat("w", 1000) + `",`,
	} {
		body := func(size int) []byte {
			return []byte(`{"statusCode":400,"messages":[` + strings.Repeat(part, size/len(part)) + `"a"]}`)
		}
		r := parsed(400, body(1<<20-100))
		assert.True(t, r.json, name)
		assert.LessOrEqual(t, len(r.words), 2*maxWords+len("; "), name)
		rd := readers.Get().(*reader)
		large := body(1<<20 - 100)
		assert.LessOrEqual(t, testing.AllocsPerRun(3, func() {
			rd.body.Reset()
			rd.body.Write(large)
			_ = rd.parse(400)
		}), 20.0, name)
	}
}

func BenchmarkAMebibyteOfMessages(b *testing.B) {
	body := []byte(`{"statusCode":400,"messages":[` + strings.Repeat(`"",`, 349000) + `"a"],"result":null}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		_ = parsed(400, body)
	}
}

func FuzzAnAnswerIsReadWithinBounds(f *testing.F) {
	for _, value := range []string{
		`null`, `true`, `0`, `-1`, `1.0`, `2e2`, `99999999999999999999`, `""`, `" x "`, `"200"`, `"\u0041"`, "\"\xff\"", `"a\"b"`,
		`[]`, `["a","b"]`, `[{"message":"a"}]`, `{}`, `{"sessionId":"i"}`, `{"SessionID":"i","expiryDate":"2026-01-02T03:04:05"}`, `{"sessionId":"i","sessionId":"j"}`,
		`{"a":["b"]}`, strings.Repeat("[", 200), `nul`,
	} {
		f.Add(200, `{"version":`+value+`,"statusCode":`+value+`,"messages":`+value+`,"errors":`+value+`,"result":`+value+`}`)
	}
	f.Add(429, ``)
	f.Fuzz(func(t *testing.T, status int, body string) {
		r := parsed(status, []byte(body))
		assert.LessOrEqual(t, len(r.words), 2*maxWords+len("; "))
		a := judge(r, http.Header{}, noon)
		assert.Equal(t, a.Outcome == OK, a.SessionID != "")
		assert.Equal(t, a.Outcome == OK, a.Code == "")
		if a.Outcome == OK {
			require.True(t, utf8.ValidString(a.SessionID))
			require.Empty(t, faultOfSessionID(a.SessionID))
			require.True(t, isSuccess(status))
		}
		assert.Equal(t, *r, *parsed(status, []byte(body)), "one answer has one reading")
	})
}
