package source

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAWorkbookIsReadAgainFromAnyPlaceAndInParts(t *testing.T) {
	rows := [][]any{nil, people}
	for i := range 300 {
		row := []any{fmt.Sprintf("c%d@example.com", i), "+9715", "A", "B", nil, "x\ny"}
		switch {
		case i%7 == 0:
			row[1] = 501234567
		case i%11 == 0:
			row = nil
		}
		rows = append(rows, row)
	}
	b := workbookOf(t, rows, nil)
	var plain bytes.Buffer
	l, err := openWorkbook(t, b, Options{Copy: &plain})
	require.NoError(t, err)
	whole := collect(t, l)
	assert.True(t, strings.HasPrefix(plain.String(), string(l.HeaderRaw())))
	for i := 0; i < len(whole)-1; i += 37 {
		from := whole[i].Next
		again, err := openWorkbook(t, b, Options{})
		require.NoError(t, err)
		rest := slices.Collect(func(yield func(*Record) bool) {
			for rec, err := range again.RecordsFrom(from) {
				require.NoError(t, err)
				if !yield(rec) {
					return
				}
			}
		})
		require.Equal(t, whole[i+1:], rest)

		part, err := Open(strings.NewReader(string(l.HeaderRaw())+plain.String()[from.Offset:]), Options{
			Format: FormatCSV, Encoding: l.Encoding(), Delimiter: l.Delimiter(), Part: &Part{Begins: from, LineEnd: l.LineEnd()}, SheetRows: true,
		})
		require.NoError(t, err)
		cut := collect(t, part)
		require.Len(t, cut, len(rest))
		for k := range cut {
			require.Equal(t, rest[k].Problems, cut[k].Problems)
			require.Equal(t, []int64{rest[k].Row, rest[k].Line, rest[k].Offset}, []int64{cut[k].Row, cut[k].Line, cut[k].Offset})
		}
	}
	excerpt := l.Excerpt(ExcerptState{})
	out := excerpt.Header(nil)
	for _, rec := range whole[:9] {
		out = excerpt.Append(out, rec)
	}
	rejected, err := Open(bytes.NewReader(out), Options{})
	require.NoError(t, err)
	for i, rec := range collect(t, rejected) {
		assert.Equal(t, whole[i].Cells, rec.Cells, "rejects are a list again")
		assert.Equal(t, codes(whole[i]), codes(rec))
	}
}

func TestAWorkbookThatIsDamagedInTheMiddleEndsReading(t *testing.T) {
	rows := [][]any{people}
	for i := range 3000 {
		rows = append(rows, []any{fmt.Sprintf("c%d@example.com", i), "+9715", "A", "B"})
	}
	b := workbookOf(t, rows, nil)
	damaged := replacePart(t, b, "xl/worksheets/sheet1.xml", func(text []byte) []byte { return text[:len(text)*2/3] })
	l, err := openWorkbook(t, damaged, Options{})
	require.NoError(t, err)
	read, last := 0, error(nil)
	for _, err := range l.Records() {
		if last = err; err == nil {
			read++
		}
	}
	assert.Greater(t, read, 1000)
	require.ErrorAs(t, last, new(*ListError))
	assert.ErrorContains(t, last, "damaged")
}

// replacePart changes one part of a workbook.
func replacePart(t testing.TB, b []byte, name string, change func([]byte) []byte) []byte {
	in, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, part := range in.File {
		r, err := part.Open()
		require.NoError(t, err)
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		if part.Name == name {
			text = change(text)
		}
		to, err := w.Create(part.Name)
		require.NoError(t, err)
		_, err = to.Write(text)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

func TestAWorkbookWithoutAPlaceForItsCopyIsRefused(t *testing.T) {
	wrong := openRefused(t, string(workbookOf(t, [][]any{people}, nil)), Options{})
	assert.Contains(t, wrong.Reason, "workbook")
	_, err := Open(bytes.NewReader(workbookOf(t, [][]any{people}, nil)), Options{Scratch: func() (Scratch, error) { return nil, os.ErrPermission }})
	require.ErrorIs(t, err, os.ErrPermission)
	_, err = os.Stat(filepath.Join(t.TempDir(), "excelize"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
