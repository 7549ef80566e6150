package session

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/source"
)

// disguises are ways to write a text, with something around it.
var disguises = map[string]func(string) string{
	"as it is":         func(s string) string { return "got " + s + ", sorry" },
	"in JSON":          func(s string) string { b, _ := json.Marshal("got " + s); return string(b) },
	"in JSON, escaped": func(s string) string { return escapedAll(s) },
	"in JSON, with escaped slashes": func(s string) string {
		return strings.ReplaceAll(string(quote(nil, s)), "/", `\/`)
	},
	"in JSON in JSON": func(s string) string {
		b, _ := json.Marshal(s)
		b, _ = json.Marshal(string(b))
		return string(b)
	},
	"in HTML":                   func(s string) string { return "<p>" + html.EscapeString(s) + "</p>" },
	"in HTML, by numbers":       func(s string) string { return entities(s, "&#%d;") },
	"in HTML, by hexadecimal":   func(s string) string { return entities(s, "&#x%X;") },
	"in a query":                url.QueryEscape,
	"in a query, in lower case": func(s string) string { return strings.ToLower(url.QueryEscape(s)) },
	"in a path":                 url.PathEscape,
	"in percents, all of it":    func(s string) string { return percents(s) },
	"in base64":                 func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"in base64 without padding": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"in base64 of more, one":    func(s string) string { return "x " + base64.StdEncoding.EncodeToString([]byte("a"+s+"z")) },
	"in base64 of more, two":    func(s string) string { return "xy" + base64.URLEncoding.EncodeToString([]byte("ab"+s+"z")) },
	"in base64 of a request": func(s string) string {
		return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"appSecret":%s}`, quote(nil, s)))
	},
	"in base64 of escaped JSON":    func(s string) string { return base64.StdEncoding.EncodeToString([]byte(escapedAll(s))) },
	"in base64 with line breaks":   func(s string) string { return chop(base64.StdEncoding.EncodeToString([]byte("abc"+s)), "\r\n", 5) },
	"in base64 of UTF-16":          func(s string) string { return base64.StdEncoding.EncodeToString(utf16Of(s)) },
	"in base64 in a query":         func(s string) string { return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(s + "??>"))) },
	"in hexadecimal":               func(s string) string { return "0x" + hex.EncodeToString([]byte(s)) },
	"in hexadecimal, in capitals":  func(s string) string { return "a" + strings.ToUpper(hex.EncodeToString([]byte(s))) },
	"in hexadecimal, in groups":    func(s string) string { return chop(hex.EncodeToString([]byte(s)), ":", 2) },
	"in hexadecimal escapes":       func(s string) string { return entities(s, `\x%02x`) },
	"in capitals":                  strings.ToUpper,
	"in lower case":                strings.ToLower,
	"cut at the end":               func(s string) string { return "starts with " + s[:len(s)*2/3] },
	"cut at the beginning":         func(s string) string { return s[len(s)/3:] + " is at its end" },
	"split by blanks":              func(s string) string { return chop(s, " ", 3) },
	"split by line breaks":         func(s string) string { return chop(s, "\r\n\t", 4) },
	"split by zero-width spaces":   func(s string) string { return chop(s, "\u200b", 1) },
	"split by what is not shown":   func(s string) string { return chop(s, "\u00ad\ufeff\u202e\u034f\ufe0f\u00a0", 2) },
	"split over several messages":  func(s string) string { return chop(s, "; ", 5) },
	"split by control characters":  func(s string) string { return chop(s, "\x00\x1b\x7f\u0085", 2) },
	"after a percent that is none": func(s string) string { return "100% of " + s },
}

func escapedAll(s string) string { return entities(s, `\u%04X`) }

func entities(s, form string) string {
	var b strings.Builder
	for _, r := range s {
		fmt.Fprintf(&b, form, r)
	}
	return b.String()
}

func percents(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02x", s[i])
	}
	return b.String()
}

// chop puts something between every n characters.
func chop(s, between string, n int) string {
	var b strings.Builder
	for i, r := range []rune(s) {
		if i > 0 && i%n == 0 {
			b.WriteString(between)
		}
		b.WriteRune(r)
	}
	return b.String()
}

func utf16Of(s string) (b []byte) {
	for _, unit := range utf16.Encode([]rune(s)) {
		b = append(b, byte(unit), byte(unit>>8))
	}
	return b
}

// secrets are of the alphabet of base64, of what JSON and HTML escape, and one
// of each kind that the escapes in it make look like others.
var secrets = []string{
	"q7Zk+3Lr/9vTw0XyB2mN5cHd8eFg1aJs=", `k9&x<Qz>7"v'Lm&amp2<w>R"t'0p`, `pa%41ss\u0041wo&lt;rd%2Bx`, "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "correct horse battery staple",
}

func TestASecretIsFoundInEveryDisguise(t *testing.T) {
	for _, secret := range secrets {
		s := credentialsOf(Secret(secret))
		for name, disguise := range disguises {
			text := disguise(secret)
			assert.Equal(t, "http_400", s.clean(text, text, "http_400"), "%s: %s", name, text)
			assert.True(t, s.inSessionID(disguise(secret)), "%s: %s", name, text)
		}
		for _, text := range []string{
			"Invalid Customer Details", "Invalid AppId or AppSecret", "Too many requests; retry in 30 seconds", processed, strings.Repeat("Zm9vYmFyYmF6cXV4", 10),
			"HTTP 500 without the API's envelope", "ab98babe-b555-4b79-88bf-967f454df0c0", "100 % & more \\ than \\u that", secret[:5] + " " + secret[10:13],
		} {
			assert.Equal(t, text[:min(len(text), 20)], s.clean(text, text[:min(len(text), 20)], "http_400"))
			assert.False(t, s.inSessionID(text), text)
		}
	}
}

func TestAShortSecretCountsAsAWord(t *testing.T) {
	s := credentialsOf("any")
	for _, text := range []string{"appSecret=any", `{"appSecret":"any"}`, "any", "any%20", "YW55", "616e79", "x 0x616E79"} {
		assert.Equal(t, "code", s.clean(text, text, "code"), text)
	}
	for _, text := range []string{"Company not found", "many", "Any"} {
		assert.Equal(t, text, s.clean(text, text, "code"), text)
	}
	assert.False(t, s.inSessionID("any"), "by chance")
	assert.Equal(t, "text", credentialsOf("").clean("text", "text", "code"))
}

// TestNoDisguiseReachesAnAnswer goes the way of a call, for messages and for
// session ids.
func TestNoDisguiseReachesAnAnswer(t *testing.T) {
	for _, secret := range secrets {
		for name, disguise := range disguises {
			for _, status := range []int{200, 400, 500} {
				echo := string(quote(nil, disguise(secret)))
				body := `{"statusCode":400,"messages":["no",` + echo + `],"result":null}`
				if status == 200 {
					body = `{"statusCode":200,"messages":["ok"],"result":{"sessionId":` + echo + `}}`
				}
				client, err := New(Config{BaseURL: "https://auth.example.com", AppSecret: Secret(secret), Transport: answering{status, body}, MaxInFlight: 1})
				require.NoError(t, err)
				a := client.Call(t.Context(), &ann)
				assert.NotEqual(t, OK, a.Outcome, name)
				assert.Empty(t, a.SessionID, name)
				if status != 200 {
					assert.Equal(t, a.Code, a.Message, name)
				}
				assert.NotContains(t, strings.ToLower(fmt.Sprintf("%+v", a)), strings.ToLower(secret[:8]), name)
			}
		}
	}
}

// answering is a transport that gives one answer.
type answering struct {
	status int
	body   string
}

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	_ = r.Body.Close()
	return &http.Response{StatusCode: a.status, Request: r, Header: http.Header{"Retry-After": {"soon"}}, Body: io.NopCloser(strings.NewReader(a.body))}, nil
}

func TestACustomerIsCutOutByWholeWords(t *testing.T) {
	cases := []struct {
		name, text, want string
		r                source.Customer
	}{
		{"never inside a word", "Invalid value for Ali", "Invalid value for [customer]", source.Customer{FirstName: "Ali"}},
		{"never inside the marker", "no Custom here, Stomer", "no Custom here, [customer]", source.Customer{FirstName: "Stomer", LastName: "customer"}},
		{"the marker is not cut in turn", "Lee of Ann", "[customer] of [customer]", source.Customer{FirstName: "Ann", LastName: "Lee", FullName: "customer"}},
		{"in any case", "ANN@EXAMPLE.COM (ann lee)", "[customer] ([customer] [customer])", source.Customer{Email: "Ann@example.com", FirstName: "Ann", LastName: "Lee"}},
		{"in any case beyond ASCII", "ZOË ÉMILE", "[customer] [customer]", source.Customer{FirstName: "Zoë", LastName: "Émile"}},
		{"the longest first", "Ann Lee Ltd of Ann", "[customer] of [customer]", source.Customer{FullName: "Ann Lee Ltd", FirstName: "Ann"}},
		{"a number without its plus", "00971500000000 or 971500000000", "00971500000000 or [customer]", source.Customer{MobileNumber: "+971500000000"}},
		{"between marks", `"O'Brien"/O'Brien.`, `"[customer]"/[customer].`, source.Customer{LastName: "O'Brien"}},
		{"not as a part of another address", "joann@example.com", "joann@example.com", source.Customer{Email: "ann@example.com"}},
		{"a name of two letters as it is written", "Customer Ng is missing: ng or NG", "Customer [customer] is missing: ng or NG", source.Customer{LastName: "Ng"}},
		{"not a letter", "a b c", "a b c", source.Customer{FirstName: "a", LastName: "b"}},
		{"where there are no blanks between words", "客户李明无效", "客户[customer]无效", source.Customer{FullName: "李明"}},
		{"in the escapes of HTML", "O&#39;Brien &amp; Co failed", "[customer] failed", source.Customer{FullName: "O'Brien & Co"}},
		{"in the escapes of a URL", "no ann%40example.com", "no [customer]", source.Customer{Email: "ann@example.com"}},
		{"in the escapes of JSON", `no {"e":"ann\u0040example.com"}`, `no {"e":"[customer]"}`, source.Customer{Email: "ann@example.com"}},
		{"escapes of anything else stay", `50%25 of &amp; \n`, `50%25 of &amp; \n`, source.Customer{FirstName: "Ann"}},
		{"blanks and marks of direction", "Mary\u200b  Ann\u202e!", "[customer]!", source.Customer{FirstName: "Mary Ann"}},
		{"every other value", "e-17, 9f, R-1, T Ltd", "[customer], [customer], [customer], [customer]", source.Customer{EmployeeID: "e-17", ClientID: "9f", RegistrationNumber: "R-1", TradingName: "T Ltd"}},
		{"nothing", "", "", ann},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { assert.Equal(t, c.want, withoutCustomer(fold(c.text), &c.r)) })
	}
}

// TestANameIsNotARefusal of the credentials, or of the rate.
func TestANameIsNotARefusal(t *testing.T) {
	body := envelopeOf(400, "No company is called Invalid AppId or AppSecret, nor Too Many Requests", "")
	client, err := New(Config{BaseURL: "https://auth.example.com", AppSecret: "some-secret", Transport: answering{400, body}, MaxInFlight: 1})
	require.NoError(t, err)
	a := client.Call(t.Context(), &source.Customer{Type: "LegalEntity", FullName: "Invalid AppId or AppSecret", TradingName: "Too Many Requests"})
	assert.Equal(t, Rejected, a.Outcome)
	assert.Equal(t, "No company is called [customer], nor [customer]", a.Message)
}

func TestAFullAnswerIsCleanedWithinBounds(t *testing.T) {
	s := credentialsOf(Secret(secrets[0]))
	for _, part := range []string{"&amp;", "%25", `\\`, "abc ", "é", "&", "\u200b"} {
		text := strings.Repeat(part, 2*maxWords/len(part))
		r := source.Customer{FirstName: text, LastName: text[:maxWords] + "x", FullName: strings.Repeat(text, 100)}
		assert.LessOrEqual(t, testing.AllocsPerRun(1, func() { _ = s.clean(text, withoutCustomer(fold(text), &r), "code") }), 600.0, part)
	}
}

func BenchmarkASessionIDIsSearched(b *testing.B) {
	s := credentialsOf(Secret(secrets[0]))
	b.ReportAllocs()
	for b.Loop() {
		if s.inSessionID("ab98babe-b555-4b79-88bf-967f454df0c0") {
			b.Fatal()
		}
	}
}

func BenchmarkAMessageIsCleaned(b *testing.B) {
	s := credentialsOf(Secret(secrets[0]))
	const text = "Invalid Customer Details"
	b.ReportAllocs()
	for b.Loop() {
		_ = s.clean(text, withoutCustomer(fold(text), &ann), "code")
	}
}

func FuzzCleanTextIsSafeToShow(f *testing.F) {
	f.Add("plain", "s3cret-value", "Ann")
	f.Add("\x1b[31mred \u202e evil s3cret-value\n\n", "s3cret-value", "red")
	f.Add("s3cr\x00et-value", "s3cret-value", "et")
	f.Add("%73%33cret\\u002dvalue &amp;#115;", "s3cret-value", "r")
	f.Fuzz(func(t *testing.T, text, secret, name string) {
		r := source.Customer{FirstName: name, LastName: text, Email: name}
		show := func(text string) string {
			return credentialsOf(Secret(secret)).clean(text, withoutCustomer(fold(strings.ToValidUTF8(text, "\ufffd")), &r), "code")
		}
		clean := show(text)
		assert.LessOrEqual(t, utf8.RuneCountInString(clean), maxMessage)
		assert.False(t, strings.ContainsFunc(clean, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }), "%q", clean)
		if newScrubber(Secret(secret)).length >= overlapOfText && utf8.ValidString(secret) {
			for _, echo := range []string{text + secret, secret + text} {
				if strings.ContainsAny(text, `%&\`) {
					continue // the escapes of the text may take some of the secret
				}
				assert.Equal(t, "code", show(echo), "%q", echo)
			}
		}
	})
}

// credentialsOf are credentials with a secret, which no client has.
func credentialsOf(secret Secret) *credentials {
	return newAccess(&Config{AppSecret: secret}).current.Load()
}
