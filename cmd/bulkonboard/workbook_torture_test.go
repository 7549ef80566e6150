//go:build torture && linux

package main

import (
	"archive/zip"
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// largeWorkbook writes a workbook as spreadsheet programs do: every text is shared.
func largeWorkbook(t *testing.T, path string, rows int) {
	file, err := os.Create(path)
	require.NoError(t, err)
	packed := zip.NewWriter(file)
	part := func(name string) *bufio.Writer {
		w, err := packed.Create(name)
		require.NoError(t, err)
		return bufio.NewWriter(w)
	}
	for name, text := range map[string]string{
		"[Content_Types].xml":        `<Types/>`,
		"_rels/.rels":                `<Relationships><Relationship Id="a" Type="x/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml":            `<workbook xmlns:r="r"><sheets><sheet name="List" sheetId="1" r:id="r1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="r1" Type="x/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="x/sharedStrings" Target="sharedStrings.xml"/></Relationships>`,
	} {
		w := part(name)
		fmt.Fprint(w, text)
		require.NoError(t, w.Flush())
	}
	header := []string{"customerEmail", "customerMobileNumber", "firstName", "lastName", "customerType", "Individual"}
	sheet := part("xl/worksheets/sheet1.xml")
	fmt.Fprint(sheet, `<worksheet><sheetData><row r="1">`)
	for i := range 5 {
		fmt.Fprintf(sheet, `<c r="%c1" t="s"><v>%d</v></c>`, 'A'+i, i)
	}
	fmt.Fprint(sheet, `</row>`)
	for i := range rows {
		r, own := i+2, len(header)+1000+2*i
		fmt.Fprintf(sheet, `<row r="%d" spans="1:5"><c r="A%d" t="s"><v>%d</v></c><c r="B%d" t="s"><v>%d</v></c><c r="C%d" t="s"><v>%d</v></c><c r="D%d" t="s"><v>%d</v></c><c r="E%d" t="s"><v>5</v></c></row>`,
			r, r, own, r, own+1, r, len(header)+i%1000, r, len(header)+i/7%1000, r)
	}
	fmt.Fprint(sheet, `</sheetData></worksheet>`)
	require.NoError(t, sheet.Flush())
	shared := part("xl/sharedStrings.xml")
	fmt.Fprint(shared, `<sst>`)
	for _, name := range header {
		fmt.Fprintf(shared, `<si><t>%s</t></si>`, name)
	}
	for i := range 1000 {
		fmt.Fprintf(shared, `<si><t>Name %d</t></si>`, i)
	}
	for i := range rows {
		fmt.Fprintf(shared, `<si><t>customer.%d@example%d.com</t></si><si><t>+97150%07d</t></si>`, i, i%977, i)
	}
	fmt.Fprint(shared, `</sst>`)
	require.NoError(t, shared.Flush())
	require.NoError(t, packed.Close())
	require.NoError(t, file.Close())
}

func TestTortureAWorkbookOfAMillionRowsTakesLessThan256MiB(t *testing.T) {
	const rows = 1_000_000
	p := newListProgram(t, nil)
	largeWorkbook(t, p.file("list.xlsx"), rows)
	began := time.Now()
	c, said := p.command("check", "-i", p.file("list.xlsx"))
	peak := peakOf(t, c.Process.Pid)
	require.Zero(t, p.end(c), said.String())
	took, most := time.Since(began), <-peak
	cpu := c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	t.Logf("%.0f rows/s, %.0f rows a second of CPU, %d MiB", rows/took.Seconds(), rows/cpu.Seconds(), most)
	assert.Positive(t, most)
	assert.Less(t, most, 256)
}

// peakOf tells how many MiB a process had at the most, once that has ended. What the
// system tells then counts the memory of this test, too, from which it was started.
func peakOf(t *testing.T, pid int) <-chan int {
	peak := make(chan int, 1)
	go func() {
		most := 0
		for look := time.NewTicker(20 * time.Millisecond); ; <-look.C {
			status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			_, after, found := strings.Cut(string(status), "VmHWM:")
			if !found { // it has ended
				look.Stop()
				peak <- most
				return
			}
			kilobytes, err := strconv.Atoi(strings.Fields(after)[0])
			assert.NoError(t, err)
			most = kilobytes >> 10
		}
	}()
	return peak
}
