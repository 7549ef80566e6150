package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"bulkonboard/sink"
)

var update = flag.Bool("update", false, "write the golden page again")

// night is a run that met everything: 7,000 rows in two hours, a pause, an
// outage, an interruption, and errors.
func night() *sink.Summary {
	at := time.Date(2026, 1, 31, 2, 0, 0, 0, time.UTC)
	s := &sink.Summary{
		Version: 1, Run: "20260131T020000Z-abc234", Tool: "v1.2.3 go1.26", Complete: true, ExitCode: 1,
		StartedAt: at, EndedAt: at.Add(10 * time.Hour), RunningSeconds: 7215, Resumed: 1,
		Status:   map[sink.Status]int64{sink.Duplicate: 41, sink.Invalid: 12, sink.Rejected: 1, sink.Failed: 2},
		Attempts: 7200, InDoubt: 3, Throttled: 17, HeldSeconds: 125, Outages: 1, OutageSeconds: 611,
		Latency: sink.Latency{
			Count: 7183, P50: 84.2, P90: 190, P95: 260, P99: 900.4, Max: 12034,
			Counts: []int64{0, 0, 0, 0, 0, 12, 1800, 3900, 1200, 250, 20, 0, 0, 1}, UpTo: []int64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 8192, 16384},
		},
		Input: sink.File{Name: "customers.csv", Size: 1 << 20, SHA256: strings.Repeat("0123456789abcdef", 4), Rows: 7000},
		Errors: []sink.ErrorGroup{
			{Code: "invalid_customer_email", Field: "customerEmail", Status: sink.Invalid, Count: 12, Rows: []int64{5, 1017, 1044, 2001, 2002}, Line: 6,
				Message: "customerEmail is not an e-mail address", Shapes: []string{"aaaa.aaaaaaa.aaa", "aa@aaa aaa"}, Retry: "bulkonboard retry results.csv --error-code invalid_customer_email"},
			{Code: "http_503", Status: sink.Failed, Count: 2, Rows: []int64{3300, 3301}, Line: 3301, Message: "HTTP 503 without the API's envelope", Retry: "bulkonboard retry results.csv --error-code http_503"},
			{Code: "invalid_customer_details", Status: sink.Rejected, Count: 1, Rows: []int64{77}, Line: 78, Message: "Invalid Customer Details", Retry: "bulkonboard retry results.csv --error-code invalid_customer_details"},
		},
		Settings: map[string]string{"baseUrl": "https://auth.example.com", "rate": "auto", "timeout": "30s", "rejects": "", "map": "[]", "appSecretFile": "/etc/bulkonboard/app-secret"},
	}
	s.Output = &sink.File{Name: "results.csv", Size: 2 << 20, SHA256: strings.Repeat("fedcba9876543210", 4), Rows: 7000}
	t := &s.Timeline
	t.BucketSeconds = 60
	for i := range 121 {
		n := int64(55 + 15*math.Sin(float64(i)/9))
		held, outage := 0.0, 0.0
		switch {
		case i == 20 || i == 21:
			n, held = 10, 60
		case i == 22:
			held = 5
		case i >= 80 && i < 90:
			n, outage = 0, 60
		case i == 90:
			outage = 11
		}
		t.Rows, t.Calls, t.Throttled = append(t.Rows, n), append(t.Calls, n), append(t.Throttled, 0)
		t.HeldSeconds, t.OutageSeconds = append(t.HeldSeconds, held), append(t.OutageSeconds, outage)
		s.Rows += n
	}
	s.Status[sink.OK] = s.Rows - 56
	s.Input.Rows, s.Output.Rows = s.Rows, s.Rows
	t.Starts = []sink.Start{
		{AtSeconds: 0, StartedAt: at, EndedAt: at.Add(time.Hour)},
		{AtSeconds: 3600, StartedAt: at.Add(9 * time.Hour), EndedAt: at.Add(10*time.Hour + 15*time.Second)},
	}
	return s
}

func pageOf(s *sink.Summary) *Page {
	return &Page{
		Summary: s, Zone: time.UTC,
		FixesCommand: "bulkonboard fixes results.csv", RetryCommand: "bulkonboard retry results.csv", StatusCommand: "bulkonboard status results.csv",
		GroupCommand: func(_ sink.Status, code string) string {
			return "bulkonboard retry results.csv --error-code " + code
		},
	}
}

// written is the page as it is written, and what a browser reads in it.
func written(t testing.TB, p *Page) (string, *html.Node) {
	var b bytes.Buffer
	require.NoError(t, p.Write(&b))
	root, err := html.Parse(bytes.NewReader(b.Bytes()))
	require.NoError(t, err)
	return b.String(), root
}

// elements are the elements of a name in a page.
func elements(root *html.Node, name string) []*html.Node {
	var out []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == name {
			out = append(out, n)
		}
	}
	return out
}

// textOf is what a reader sees of an element.
func textOf(root *html.Node) string {
	var b strings.Builder
	for n := range root.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "style" {
			b.WriteString(n.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func TestThePageIsAsItWasApproved(t *testing.T) {
	text, _ := written(t, pageOf(night()))
	golden := filepath.Join("testdata", "night.html")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(text), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), text, "if it is meant: go test ./sink/report -update, and look at it")
}

func TestTheVerdictIsOneSentenceAndThePageSaysWhatToTypeNext(t *testing.T) {
	cases := []struct {
		name              string
		change            func(*sink.Summary)
		sentence, command string
		says              string
	}{
		{"work is left", func(*sink.Summary) {}, "15 of 5,977 rows need attention", "bulkonboard fixes results.csv", "Correct the rows"},
		{"all is well", func(s *sink.Summary) {
			s.Status = map[sink.Status]int64{sink.OK: 1}
			s.Rows, s.Errors, s.ExitCode = 1, nil, 0
		}, "The row has a session id", "", "nothing to do"},
		{"an empty list", func(s *sink.Summary) { s.Rows, s.Status, s.Errors = 0, nil, nil }, "The list has no rows", "", "Nothing was sent."},
		{"interrupted", func(s *sink.Summary) {
			s.Complete, s.ExitCode, s.Reason, s.Output, s.Input.Rows = false, 130, "interrupted", nil, 26000
		}, "The run stopped after 5,977 of 26,000 rows", "bulkonboard status results.csv", "5,977 rows (22.99%) are done and saved."},
		{"refused", func(s *sink.Summary) {
			s.Complete, s.ExitCode, s.Reason, s.Output, s.Input.Rows = false, 77, "refused", nil, 0
		}, "The run stopped after 5,977 rows", "bulkonboard status results.csv", "Fix the credentials first."},
		{"before the first row", func(s *sink.Summary) {
			*s = sink.Summary{Run: "x", Reason: "the service is down", ExitCode: 75, Input: sink.File{Name: "list.csv"}}
		}, "The run stopped after 0 rows", "bulkonboard status results.csv", "the service is down"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := night()
			c.change(s)
			_, root := written(t, pageOf(s))
			assert.Equal(t, c.sentence, textOf(elements(root, "h1")[0]))
			assert.Contains(t, textOf(elements(root, "main")[0]), c.says)
			if steps := elements(root, "ol"); c.command == "" {
				assert.Empty(t, steps)
			} else {
				assert.Equal(t, c.command, textOf(elements(steps[0], "code")[0]))
			}
			if !s.Complete {
				assert.NotContains(t, textOf(root), "retry", "there are no results to retry")
			}
		})
	}
}

func TestACompleteRunIsComparedWithTheOneBefore(t *testing.T) {
	s := night()
	assert.Nil(t, pageOf(s).comparison())
	s.EarlierRun = night().AsEarlierRun()
	s.EarlierRun.Rows, s.EarlierRun.RunningSeconds = s.Rows-100, s.RunningSeconds/2
	s.EarlierRun.Status = map[sink.Status]int64{sink.OK: s.Rows - 120, sink.Failed: 20}
	_, root := written(t, pageOf(s))
	for _, words := range []string{"Rows 5,977 5,877 +100", "Onboarded 5,962 5,857 +105", "Need attention 15 20 −5", "Attempts sent 7,200 7,200 no change", "Duration 2 h 0 min 1 h 0 min +100%"} {
		assert.Contains(t, textOf(root), words)
	}
	s.Complete = false
	assert.Nil(t, pageOf(s).comparison(), "half a run differs in everything")
}

func TestAShortRunHasNumbersInPlaceOfACurve(t *testing.T) {
	s := night()
	s.Timeline = sink.Timeline{BucketSeconds: 1, Rows: []int64{5}, HeldSeconds: []float64{0}, OutageSeconds: []float64{0}}
	s.RunningSeconds, s.Latency = 0.5, sink.Latency{Count: 5, P50: 3, Max: 7}
	_, root := written(t, pageOf(s))
	assert.Empty(t, elements(root, "figure"))
	assert.Contains(t, textOf(root), "too short for a chart")
	assert.Contains(t, textOf(root), "5 attempts, too few for percentiles")
}

// hostile is what a file, a service and a customer may be called.
const hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(1)> {{.}} javascript:alert(1) </style></title></svg>-->`

func hostilePage() *Page {
	s := night()
	s.Run, s.Tool, s.Reason, s.Input.Name, s.Output.Name = hostile, hostile, hostile, hostile, hostile
	s.Output.SHA256 = hostile
	s.Settings = map[string]string{hostile: hostile}
	s.Errors[0] = sink.ErrorGroup{Code: hostile, Field: hostile, Status: hostile, Count: 1, Rows: []int64{1}, Message: hostile, Shapes: []string{hostile}, Retry: hostile}
	p := pageOf(s)
	p.FixesCommand, p.RetryCommand, p.StatusCommand = hostile, hostile, hostile
	p.GroupCommand = func(sink.Status, string) string { return hostile }
	p.Rows = &Rows{Total: 2, Note: hostile, List: []Row{{Row: 1, Name: hostile, Email: hostile, Status: hostile, Code: hostile, Message: hostile}}}
	return p
}

func TestWhateverAnythingIsCalledIsShownAsText(t *testing.T) {
	complete, stopped := hostilePage(), hostilePage()
	stopped.Summary.Complete = false
	for _, p := range []*Page{complete, stopped} {
		_, plain := written(t, pageOf(night()))
		_, root := written(t, p)
		assert.Empty(t, elements(root, "script"))
		assert.Empty(t, elements(root, "img"))
		assert.Len(t, elements(root, "style"), len(elements(plain, "style")))
		for n := range root.Descendants() {
			for _, a := range n.Attr {
				assert.False(t, strings.HasPrefix(a.Key, "on") || strings.Contains(a.Val, "alert"), "%s=%q", a.Key, a.Val)
			}
		}
		shown := strings.Count(textOf(root), "<script>alert(1)</script>")
		assert.Greater(t, shown, 15, "and none of it is lost")
	}
}

func TestThePageNeedsAndRunsNothingElse(t *testing.T) {
	text, root := written(t, hostilePage())
	for _, name := range []string{"script", "link", "iframe", "object", "embed", "form", "base", "img"} {
		assert.Empty(t, elements(root, name), name)
	}
	for _, link := range elements(root, "a") {
		assert.Regexp(t, `^#[a-z]+$`, attribute(link, "href"), "links stay on the page")
	}
	assert.NotRegexp(t, `(?i)url\(|@import|\bstyle="`, text)
	policy := ""
	for _, meta := range elements(root, "meta") {
		if attribute(meta, "http-equiv") == "Content-Security-Policy" {
			policy = attribute(meta, "content")
		}
	}
	assert.Regexp(t, `^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]{44}'; base-uri 'none'; form-action 'none'$`, policy)
	assert.True(t, strings.HasPrefix(text, Marker))
}

func TestNobodyIsNamedUnlessTheRowsWereAskedFor(t *testing.T) {
	p := pageOf(night())
	text, _ := written(t, p)
	assert.NotContains(t, text, "personal data")
	p.Rows = &Rows{Total: 1200, List: []Row{{Row: 5, Name: "Ann Lee", Email: "ann.example.com", Status: sink.Invalid, Code: "x", Message: "no address"}}}
	_, root := written(t, p)
	shown := textOf(root)
	assert.Contains(t, shown, "This part is personal data.")
	assert.Contains(t, shown, "The first 1 of 1,200 rows that need attention")
	assert.Contains(t, shown, "5 Ann Lee ann.example.com invalid x no address")
}

// TestThePageCanBeReadWithoutSeeingIt checks what screen readers go by.
func TestThePageCanBeReadWithoutSeeingIt(t *testing.T) {
	p := pageOf(night())
	p.Rows = &Rows{Total: 1, List: []Row{{Row: 5}}}
	_, root := written(t, p)
	ids := map[string]bool{}
	for n := range root.Descendants() {
		if id := attribute(n, "id"); id != "" {
			assert.False(t, ids[id], "the id %s is given twice", id)
			ids[id] = true
		}
	}
	assert.Equal(t, "en", attribute(elements(root, "html")[0], "lang"))
	assert.Len(t, elements(root, "h1"), 1)
	assert.Len(t, elements(root, "main"), 1)
	for _, table := range elements(root, "table") {
		assert.NotEmpty(t, textOf(elements(table, "caption")[0]))
		for _, head := range elements(table, "th") {
			assert.Contains(t, []string{"col", "row"}, attribute(head, "scope"))
		}
	}
	for _, section := range elements(root, "section") {
		assert.True(t, ids[attribute(section, "aria-labelledby")])
	}
	for _, svg := range elements(root, "svg") {
		if attribute(svg, "aria-hidden") == "true" {
			continue // beside the number that it draws
		}
		assert.Equal(t, "img", attribute(svg, "role"))
		for id := range strings.FieldsSeq(attribute(svg, "aria-labelledby")) {
			assert.True(t, ids[id], id)
		}
		assert.NotEmpty(t, textOf(elements(svg, "title")[0]))
		assert.NotEmpty(t, textOf(elements(svg, "desc")[0]))
	}
}

func TestPausesOutagesAndInterruptionsAreInTheDrawingAndInWords(t *testing.T) {
	_, root := written(t, pageOf(night()))
	shown := textOf(root)
	for _, words := range []string{
		"0.83 rows per second on average", "paused for 2 min 5 s after 429 answers", "in an outage for 10 min 11 s", "interrupted once",
		"Paused after 429 20:00 2026-01-31 02:20:00 UTC 2 min 5 s", "Outage 1:20:00 2026-01-31 11:20:00 UTC 10 min 11 s",
		"1 2026-01-31 03:00:00 UTC 2026-01-31 11:00:00 UTC 8 h 0 min",
	} {
		assert.Contains(t, shown, words)
	}
	drawn := map[string]int{}
	for n := range root.Descendants() {
		if n.Data == "rect" || n.Data == "line" {
			drawn[attribute(n, "class")]++
		}
	}
	assert.Equal(t, []int{3, 11, 1}, []int{drawn["paused"], drawn["outage"], drawn["break"]})
}

// TestEveryDrawingStaysInsideItsFrame for whatever a timeline holds.
func TestEveryDrawingStaysInsideItsFrame(t *testing.T) {
	lengths := map[string]func(*sink.Summary){
		"a night": func(*sink.Summary) {},
		"a moment": func(s *sink.Summary) {
			s.Timeline = sink.Timeline{BucketSeconds: 1, Rows: []int64{300}, HeldSeconds: []float64{0}, OutageSeconds: []float64{0}}
			s.RunningSeconds = 0.09
		},
		"nothing":                    func(s *sink.Summary) { s.Timeline, s.RunningSeconds = sink.Timeline{}, 0 },
		"no rows":                    func(s *sink.Summary) { s.Timeline.Rows = make([]int64, len(s.Timeline.Rows)) },
		"lists of different lengths": func(s *sink.Summary) { s.Timeline.HeldSeconds = s.Timeline.HeldSeconds[:7] },
		"one start":                  func(s *sink.Summary) { s.Timeline.Starts = nil },
	}
	for name, change := range lengths {
		t.Run(name, func(t *testing.T) {
			s := night()
			change(s)
			_, root := written(t, pageOf(s))
			for _, svg := range elements(root, "svg") {
				height := number(t, attribute(svg, "height"))
				for _, rect := range elements(svg, "rect") {
					x, width := number(t, attribute(rect, "x")), number(t, attribute(rect, "width"))
					y, tall := number(t, attribute(rect, "y")), number(t, attribute(rect, "height"))
					assert.GreaterOrEqual(t, min(x, y, width, tall), 0.0)
					assert.LessOrEqual(t, x+width, 100.01)
					assert.LessOrEqual(t, y+tall, height+0.01)
				}
			}
		})
	}
}

func number(t *testing.T, text string) float64 {
	if text == "" {
		return 0
	}
	n, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	require.NoError(t, err)
	return n
}

// TestTextCanBeToldFromItsGround by WCAG 2.2: 4.5 to 1, and 3 to 1 for what is
// drawn; in light and in dark.
func TestTextCanBeToldFromItsGround(t *testing.T) {
	light, dark, found := strings.Cut(style, "prefers-color-scheme: dark")
	require.True(t, found)
	for name, text := range map[string]string{"light": light, "dark": dark} {
		colours := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z]+): #([0-9a-f]{6})`).FindAllStringSubmatch(text, -1) {
			rgb, err := strconv.ParseUint(m[2], 16, 32)
			require.NoError(t, err)
			colours[m[1]] = luminance(rgb)
		}
		for _, ground := range []string{"ground", "card"} {
			for colour, least := range map[string]float64{"text": 7, "quiet": 4.5, "bar": 3, "good": 3, "bad": 3, "paused": 3, "outage": 3} {
				require.Contains(t, colours, colour)
				a, b := colours[colour], colours[ground]
				assert.GreaterOrEqual(t, (max(a, b)+0.05)/(min(a, b)+0.05), least, "%s: %s on %s", name, colour, ground)
			}
		}
	}
}

func luminance(rgb uint64) float64 {
	part := func(shift uint) float64 {
		c := float64(rgb>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(16) + 0.7152*part(8) + 0.0722*part(0)
}

func TestNumbersAndTimesAreAsPeopleReadThem(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		assert.Equal(t, want, count(n))
	}
	for seconds, want := range map[float64]string{0.09: "90 ms", 3.26: "3.2 s", 59.99: "59.9 s", 61: "1 min 1 s", 3599.7: "1 h 0 min", 3 * 86400: "3 days 0 h"} {
		assert.Equal(t, want, length(seconds))
	}
	for seconds, want := range map[float64]string{0: "0:00", 61: "1:01", 3600: "1:00:00", 36061: "10:01:01"} {
		assert.Equal(t, want, clock(seconds))
	}
	for x, want := range map[float64]float64{0: 1, 0.3: 0.3, 1: 1, 1.1: 1.5, 430: 500, 554: 600, 900: 1000} {
		assert.InDelta(t, want, roundUp(x), 1e-9)
	}
	assert.Equal(t, "< 0.01%", share(1, 1e6))
	assert.Equal(t, "> 99.99%", share(1e6-1, 1e6))
	assert.Equal(t, "33.33%", share(1, 3))
}

// FuzzThePageHasTheSameElementsWhateverItIsTold: nothing that is told can make
// or end one.
func FuzzThePageHasTheSameElementsWhateverItIsTold(f *testing.F) {
	f.Add("name", "message")
	f.Add(hostile, "</p><h1>")
	f.Add("\x00\xff", "&lt;b&gt;")
	shape := func(root *html.Node) string {
		var b strings.Builder
		for n := range root.Descendants() {
			if n.Type == html.ElementNode {
				b.WriteString(n.Data + " ")
			}
		}
		return b.String()
	}
	page := func(t testing.TB, name, message string) *html.Node {
		p := pageOf(night())
		p.Summary.Input.Name, p.Summary.Settings = "x"+name, map[string]string{"k": "x" + name}
		p.Summary.Errors[0].Message, p.Summary.Errors[0].Code = message, name
		p.Rows = &Rows{Total: 1, List: []Row{{Row: 1, Name: "x" + name, Email: "x" + message, Message: message}}}
		_, root := written(t, p)
		return root
	}
	f.Fuzz(func(t *testing.T, name, message string) {
		assert.Equal(t, shape(page(t, "a", "b")), shape(page(t, name, message)))
	})
}

// FuzzAnySummaryMakesAPage: a summary can be made up, in spite of its
// digest.
func FuzzAnySummaryMakesAPage(f *testing.F) {
	b, err := night().Encode()
	require.NoError(f, err)
	f.Add(b)
	f.Add([]byte(`{"runningSeconds":-1e308,"rows":-5,"status":{"":9223372036854775807},"timeline":{"bucketSeconds":-9,"rows":[-1,9223372036854775807],"heldSeconds":[1e308,-1],"outageSeconds":[0,1e308],"starts":[{"atSeconds":-1e308},{"atSeconds":1e308}]}}`))
	f.Add([]byte(`{"latency":{"count":-1,"counts":[-1,0,5],"upToMs":[0]},"timeline":{"bucketSeconds":9223372036854775807,"rows":[1],"heldSeconds":[1],"outageSeconds":[1]},"heldSeconds":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s sink.Summary
		if json.Unmarshal(b, &s) != nil || len(b) > 1<<16 {
			return
		}
		_, root := written(t, pageOf(&s))
		assert.Len(t, elements(root, "h1"), 1)
		assert.Len(t, elements(root, "main"), 1)
	})
}

func TestAPageThatCannotBeWrittenIsAnError(t *testing.T) {
	for _, room := range []int{0, 100, 5000} {
		assert.Error(t, pageOf(night()).Write(&narrow{room}))
	}
}

// narrow is a writer with limited room.
type narrow struct{ room int }

func (n *narrow) Write(b []byte) (int, error) {
	if n.room -= len(b); n.room < 0 {
		return 0, errors.New("no room")
	}
	return len(b), nil
}
