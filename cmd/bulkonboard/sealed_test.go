package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"

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
