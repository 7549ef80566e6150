package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"os"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"bulkonboard/sink"
)

// sealResults puts beside results that a test has written the summary that their
// run would have left.
func sealResults(path string, settings map[string]string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	counts, err := countRows(bytes.NewReader(b), resultsOptions(path, &sink.Summary{Settings: settings}))
	if err != nil {
		return err
	}
	sum := sha256.Sum256(b)
	s := sink.Summary{
		Run: "20260131T020000Z-before", Tool: "v0", Complete: true, Rows: counts.rows, Status: counts.status,
		Input:    sink.File{Name: "list.csv", Rows: counts.rows},
		Output:   &sink.File{Name: path, Size: int64(len(b)), SHA256: hex.EncodeToString(sum[:]), Rows: counts.rows},
		Errors:   []sink.ErrorGroup{},
		Settings: settings, Command: sink.Command{Name: "run", Folder: folder(), Delimiter: ","},
		Timeline: sink.Timeline{Rows: []int64{counts.rows}},
	}
	text, err := s.Encode()
	if err != nil {
		return err
	}
	return os.WriteFile(sink.SummaryPath(path), text, 0o600)
}

// sealCmd is sealResults for the service, tenant and form of a script.
func sealCmd(ts *testscript.TestScript, _ bool, args []string) {
	settings := map[string]string{}
	for key, variable := range map[string]string{"baseUrl": "BULKONBOARD_BASE_URL", "tenantId": "BULKONBOARD_TENANT_ID", "formId": "BULKONBOARD_FORM_ID"} {
		settings[key] = ts.Getenv(variable)
	}
	ts.Check(sealResults(ts.MkAbs(args[0]), settings))
}

// correctCmd changes values of a row of a sheet of corrections: FILE ROW
// COLUMN=VALUE …
func correctCmd(ts *testscript.TestScript, _ bool, args []string) {
	rows, err := csv.NewReader(strings.NewReader(ts.ReadFile(args[0]))).ReadAll()
	ts.Check(err)
	for _, row := range rows[1:] {
		if row[1] != args[1] {
			continue
		}
		for _, change := range args[2:] {
			column, value, _ := strings.Cut(change, "=")
			row[slices.Index(rows[0], column)] = value
		}
	}
	slices.Reverse(rows[1:])
	var out bytes.Buffer
	ts.Check(csv.NewWriter(&out).WriteAll(rows))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), out.Bytes(), 0o600))
}
