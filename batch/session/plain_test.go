package session

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// requireOneReading holds the plain way to reading what the general one does,
// or nothing.
func requireOneReading(t *testing.T, body string) {
	t.Helper()
	if r, ok := plainReply(200, []byte(body)); ok {
		require.Equal(t, anyReply(200, []byte(body)), r, "%q", body)
	}
	require.Equal(t, anyReply(200, []byte(body)), parseReply(200, []byte(body)), "%q", body)
}

// oddities are values that a member may have in place of what it should.
var oddities = []string{
	`null`, `true`, `0`, `00`, `01`, `-1`, `1.0`, `1e3`, `200`, `999999999`, `1000000000`, `99999999999999999999`,
	`""`, `"x"`, `" x "`, `"200"`, `"\u0041"`, `"é"`, "\"\xff\"", "\"\x00\"", "\"\x7f\"", `"a\"b"`, `"open`,
	`[]`, `[ ]`, `["a"]`, `["a","b"]`, `[ "a" , "b" ]`, `["a",]`, `["a" "b"]`, `[,"a"]`, `[null]`, `["a",1]`, `[["a"]]`, `["",""]`,
	`{}`, `{"sessionId":"i"}`, `{"sessionId":" i\t"}`, `{"SessionID":"i"}`, `{"sessionId":null}`, `{"sessionId":7}`, `{"sessionId":""}`,
	`{"sessionId":"i","sessionId":"j"}`, `{"sessionId":"i","other":1}`, `{"other":{"sessionId":"i"}}`, `{"sessionId":"i",}`, `{"sessionId" "i"}`,
	``, `nul`, `nullnull`, `x`, strings.Repeat("[", 20000),
}

func TestThePlainWayReadsOddMembersAsTheGeneralOneDoes(t *testing.T) {
	for _, name := range []string{"version", "statusCode", "messages", "result", "StatusCode", "RESULT", "meſſages", "other", "", `result\u0020`, `resul\u0074`} {
		for _, value := range oddities {
			for _, frame := range []string{
				`{"%s":%s}`, ` { "%s" : %s } `, `{"%s":%s,"statusCode":200,"result":{"sessionId":"a"}}`, `{"statusCode":200,"result":{"sessionId":"a"},"%s":%s}`,
				`{"%s":%s,}`, `{"%s":%s}x`, `{"%s":%s}{}`, `{,"%s":%s}`, "\ufeff" + `{"messages":["m"],"%s":%s}`, `[{"%s":%s}]`, "\v{\"%s\":%s}",
			} {
				requireOneReading(t, fmt.Sprintf(frame, name, value))
			}
		}
	}
}

func TestAnAnswerCutAnywhereIsReadAsTheGeneralWayDoes(t *testing.T) {
	for i := range len(processed) + 1 {
		requireOneReading(t, processed[:i])
		requireOneReading(t, processed[i:])
	}
}

func TestOrdinaryAnswersTakeThePlainWay(t *testing.T) {
	for _, body := range []string{
		processed, envelopeOf(400, "Invalid Customer Details", ""),
		"{\r\n  \"version\": \"1.0\",\r\n  \"statusCode\": 200,\r\n  \"messages\": [],\r\n  \"result\": { \"sessionId\": \"a\" }\r\n}\n",
	} {
		_, ok := plainReply(200, []byte(body))
		assert.True(t, ok, body)
	}
}

func FuzzThePlainWayReadsAsTheGeneralOneDoes(f *testing.F) {
	f.Add(processed)
	f.Add(` {"statusCode" : 429 , "messages":["a","b"],"version":null, "result" : null}` + "\r\n")
	for _, value := range oddities {
		f.Add(`{"version":` + value + `,"statusCode":` + value + `,"messages":` + value + `,"result":` + value + `}`)
	}
	f.Fuzz(func(t *testing.T, body string) { requireOneReading(t, body) })
}
