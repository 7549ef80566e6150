package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"bulkonboard/cmd/internal/cli"
)

var bookHeader = []string{"customerEmail", "customerMobileNumber", "firstName", "lastName", "fullName", "registrationNumber", "tradingName", "Branch"}

// bookRow is a row of a list in three languages, of persons and companies.
func bookRow(i int) []any {
	mobile := fmt.Sprintf("+97150%07d", i)
	email := fmt.Sprintf("c%d@example.com", i)
	switch i % 6 {
	case 0:
		return []any{email, mobile, "Zoë", "O\u2019Brien", "", "", "", "Zürich"}
	case 1:
		return []any{email, mobile, "محمد", "الهاشمي", "", "", "", "دبي"}
	case 2:
		return []any{email, "", "上海", "王", "", "", "", "中环, \"1\""}
	case 3:
		return []any{email, fmt.Sprintf("00971%09d", i), "", "", "Müller & Söhne GmbH", fmt.Sprintf("%08d", i), "Müller", "=Zürich"}
	case 4:
		return []any{email, mobile, "", "", "شركة " + fmt.Sprint(i), "HRB " + fmt.Sprint(i), "شركة", "two\nlines"}
	default:
		return []any{email, mobile, "", "", "株式会社", fmt.Sprint(i), "会社", "'quoted"}
	}
}

// spoil makes a row invalid in one of the ways of spreadsheets.
func spoil(row []any, kind int) {
	switch kind % 9 {
	case 0:
		row[1] = 501234567
	case 1:
		row[1] = 9.7150123456789e17
	case 2:
		row[1] = "9.71501E+11"
	case 3:
		row[0] = fmt.Sprint(row[0]) + "\u200b"
	case 4:
		row[0] = strings.Replace(fmt.Sprint(row[0]), "@", " at ", 1)
	case 5:
		row[1] = "#N/A"
	case 6:
		row[3], row[6] = "", ""
	case 7:
		row[1] = "\u202a+971501234567\u202c"
	default:
		row[1], row[5] = "971501234567.0", "#REF!"
	}
}

func saveBook(t *testing.T, path string, rows [][]any) {
	t.Helper()
	f := excelize.NewFile()
	for i, row := range rows {
		for k, value := range row {
			if value == "" {
				continue
			}
			cell, err := excelize.CoordinatesToCellName(k+1, i+1)
			require.NoError(t, err)
			require.NoError(t, f.SetCellValue("Sheet1", cell, value))
		}
	}
	require.NoError(t, f.SaveAs(path))
}

func csvRows(t *testing.T, b []byte) [][]string {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(b, []byte("\ufeff")))).ReadAll()
	require.NoError(t, err)
	return rows
}

func TestAWorkbookWithDirtGoesToAllRowsOKByFixesInAWorkbook(t *testing.T) {
	t.Parallel()
	const rows = 5000
	p := newListProgram(t, nil)
	book := [][]any{nil}
	for _, name := range bookHeader {
		book[0] = append(book[0], name)
	}
	dirty := map[int]bool{}
	for i := range rows {
		row := bookRow(i)
		if i%33 == 7 {
			dirty[i] = true
			spoil(row, i/33)
		}
		book = append(book, row)
	}
	list, out, sheet := p.file("list.xlsx"), p.file("out"), p.file("fixes.xlsx")
	saveBook(t, list, book)
	step := func(code int, arguments ...string) string {
		c, said := p.command(arguments...)
		require.Equal(t, code, p.end(c), said.String())
		return said.String()
	}
	said := step(cli.ExitBadRows, "run", "-i", list, "-o", out, "--rejects", p.file("rejects"))
	assert.Contains(t, said, "cell B9: customerMobileNumber is stored as a number")
	before := csvRows(t, p.read("out"))
	require.Len(t, before, rows+1)
	for i := range rows {
		assert.Equal(t, !dirty[i], before[i+1][8] == "ok", "row %d: %v", i+1, before[i+1])
	}
	step(cli.ExitOK, "fixes", out, "-o", sheet)

	f, err := excelize.OpenFile(sheet)
	require.NoError(t, err)
	shown, err := f.GetRows("Fixes")
	require.NoError(t, err)
	require.Len(t, shown, len(dirty)+1)
	for n, cells := range shown[1:] {
		var row int
		_, err := fmt.Sscan(cells[1], &row)
		require.NoError(t, err)
		for k, value := range bookRow(row - 1) {
			if k == 7 {
				continue // it is right as it is
			}
			cell, err := excelize.CoordinatesToCellName(k+4, n+2)
			require.NoError(t, err)
			require.NoError(t, f.SetCellStr("Fixes", cell, fmt.Sprint(value)))
		}
	}
	require.NoError(t, f.Save())
	require.NoError(t, f.Close())

	said = step(cli.ExitOK, "retry", out, "--fixes", sheet)
	assert.Contains(t, said, fmt.Sprintf("fixes: %d rows in %s, %d of them changed", len(dirty), sheet, len(dirty)))
	after := csvRows(t, p.read("out"))
	require.Len(t, after, rows+1)
	assert.Equal(t, append(append([]string{}, bookHeader...), "onboardingStatus", "sessionId", "errorCode", "errorMessage", "attempts", "processedAt"), after[0])
	for i := range rows {
		require.Equal(t, "ok", after[i+1][8], "row %d", i+1)
		for k, value := range bookRow(i) {
			require.Equal(t, fmt.Sprint(value), after[i+1][k], "row %d", i+1)
		}
		if !dirty[i] {
			require.Equal(t, before[i+1], after[i+1], "what succeeded stays as it is")
		}
	}
	assert.Equal(t, rows, p.calls())
	left, err := filepath.Glob(filepath.Join(p.folder, "*"))
	require.NoError(t, err)
	assert.Len(t, left, 6, "list, an empty one, results, summary, rejects and fixes: no copy of the list is left: %v", left)
}

func TestARunOfAWorkbookResumesAndRefusesAnotherOne(t *testing.T) {
	t.Parallel()
	p := newListProgram(t, nil)
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) > 100 && calls.Load() < 110 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		p.service.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	p.env = append(p.env, "BULKONBOARD_BASE_URL="+server.URL)
	book := [][]any{{"customerEmail", "firstName", "lastName"}}
	for i := range 300 {
		book = append(book, []any{fmt.Sprintf("c%d@example.com", i), "A", "B"})
	}
	list, out := p.file("list.xlsx"), p.file("out")
	saveBook(t, list, book)
	first, err := os.ReadFile(list)
	require.NoError(t, err)
	run := func(flags ...string) (int, string) {
		c, said := p.command(append([]string{"run", "-i", list, "-o", out}, flags...)...)
		return p.end(c), said.String()
	}
	code, said := run("--max-failures", "1", "--max-attempts", "1")
	require.Equal(t, cli.ExitStopped, code, said)

	book[250][1] = "Ann"
	saveBook(t, list, book)
	code, said = run("--max-failures", "1", "--max-attempts", "1")
	require.Equal(t, cli.ExitState, code, said)
	assert.Contains(t, said, "workbook")

	require.NoError(t, os.WriteFile(list, first, 0o600))
	code, said = run()
	require.Contains(t, []int{cli.ExitOK, cli.ExitBadRows}, code, said)
	rows := csvRows(t, p.read("out"))
	require.Len(t, rows, 301)
	for i := range 300 {
		assert.Equal(t, fmt.Sprintf("c%d@example.com", i), rows[i+1][0])
	}
	left, err := filepath.Glob(filepath.Join(p.folder, "out.state*"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

// TestAWorkbookThatIsSavedAgainIsTakenOver with the same rows: an export at night
// is another file each time, and with a ledger that is nothing to stop for.
func TestAWorkbookThatIsSavedAgainIsTakenOver(t *testing.T) {
	t.Parallel()
	p := newListProgram(t, nil)
	book := [][]any{{"customerEmail", "firstName", "lastName"}}
	for i := range 30 {
		book = append(book, []any{fmt.Sprintf("c%d@example.com", i), "A", "B"})
	}
	list := p.file("list.xlsx")
	saveBook(t, list, book)
	night := func(flags ...string) (int, string) {
		c, said := p.command(append([]string{"run", "-i", list, "-o", p.file("out"), "--ledger", p.file("customers.db")}, flags...)...)
		return p.end(c), said.String()
	}
	code, said := night("--max-calls", "10")
	require.Equal(t, cli.ExitStopped, code, said)

	f, err := excelize.OpenFile(list)
	require.NoError(t, err)
	require.NoError(t, f.SetDocProps(&excelize.DocProperties{Modified: "2026-02-03T04:05:06Z"}))
	require.NoError(t, f.Save())
	code, said = night()
	require.Zero(t, code, said)
	assert.Contains(t, said, "the list has changed since run")
	assert.Contains(t, said, "known      10")
	assert.Equal(t, 30, p.calls(), "no customer twice")
}

func TestAJobOfAWorkbookInChunksGivesTheResultsOfARun(t *testing.T) {
	t.Parallel()
	p := newListProgram(t, nil)
	book := [][]any{nil}
	for _, name := range bookHeader {
		book[0] = append(book[0], name)
	}
	for i := range 90 {
		row := bookRow(i)
		if i%10 == 7 {
			spoil(row, i/10)
		}
		book = append(book, row)
	}
	saveBook(t, p.file("list.xlsx"), book)
	p.runs("plan", "-i", p.file("list.xlsx"), "--sheet", "Sheet1", "--job", p.file("job"), "--chunk-rows", "20")
	for i := range 5 {
		p.runs("run-chunk", "--job", p.file("job"), "--index", fmt.Sprint(i))
	}
	c, _ := p.command("merge", "--job", p.file("job"), "--output", p.file("merged"))
	require.Equal(t, cli.ExitBadRows, p.end(c))
	c, said := p.command("run", "-i", p.file("list.xlsx"), "-o", p.file("out"))
	require.Equal(t, cli.ExitBadRows, p.end(c), said.String())
	require.NoError(t, os.Rename(p.file("out"), p.file("whole")))
	whole := csvRows(t, p.read("whole"))
	merged := csvRows(t, p.read("merged"))
	require.Len(t, merged, len(whole))
	for i, row := range whole {
		last := len(row) - 1 // when it was
		assert.Equal(t, row[:last], merged[i][:last])
	}
}
