package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"bulkonboard/batch/state"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// runResults are the results of a complete run that are, byte for byte, as the
// run left them, and its summary. Nothing reads results in another way: rows
// whose cells somebody has moved would give a customer the session id of
// another.
type runResults struct {
	path    string
	summary *sink.Summary
}

// resultsOf compares results with their summary. Where they differ, or where
// there is none, it says what to do.
func resultsOf(path string) (*runResults, error) {
	s, err := completeSummaryOf(path)
	if err != nil {
		return nil, err
	}
	v := &verification{summary: s, results: path}
	if err := v.checkBytes(); err != nil {
		return nil, err
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	return &runResults{path: path, summary: s}, nil
}

// completeSummaryOf reads the summary of a complete run, unchanged.
func completeSummaryOf(path string) (*sink.Summary, error) {
	s, err := summaryOf(path)
	if err != nil && !errors.Is(err, sink.ErrEdited) {
		return nil, err
	}
	v := &verification{summary: s, results: path}
	if err != nil {
		v.differ("%s: %v", sink.SummaryPath(path), err)
	} else if err := v.unfinished(); err != nil {
		return nil, err
	}
	for _, wrong := range s.Check() {
		v.differ("%s: %s", sink.SummaryPath(path), wrong)
	}
	return s, v.err()
}

// checkBytes compares the results with the summary.
func (v *verification) checkBytes() error {
	size, sum, err := sumOf(v.results)
	if err != nil {
		return err
	}
	v.same(v.results, size, sum, v.summary.Output)
	return nil
}

// sumOf is the size of a file and the hash of its bytes.
func sumOf(path string) (size int64, sum string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, "", &state.IOError{Op: "read", Path: path, Err: err}
	}
	defer func() { _ = file.Close() }() // it was only read
	hash := newFileSum()
	if size, err = io.Copy(hash, file); err != nil {
		return 0, "", &state.IOError{Op: "read", Path: path, Err: err}
	}
	return size, hash.String(), nil
}

// options are how the results are read: as their run wrote them, whatever the
// list was like.
func (r *runResults) options() source.Options { return resultsOptions(r.path, r.summary) }

// resultsOptions are how results are read that the run of a summary wrote.
func resultsOptions(name string, s *sink.Summary) source.Options {
	o := source.Options{Name: name, Results: true, FormulaSafe: s.Settings["formulaSafe"] == "true"}
	for _, k := range setOf(s) {
		o.Set = append(o.Set, k.StandIn())
	}
	_ = yaml.Unmarshal([]byte(s.Settings["map"]), &o.Map) // in a forged summary it may be anything
	delimiter := s.Command.Delimiter
	switch {
	case s.Command.Name == "": // of an earlier version
		delimiter = s.Settings["delimiter"]
	case delimiter == "":
		o.Format = source.FormatJSONL
	default:
		o.Format = source.FormatCSV
	}
	o.Delimiter, _ = source.ParseDelimiter(delimiter)
	return o
}

// setOf are the values that a run gave every row.
func setOf(s *sink.Summary) []source.KeptConstant {
	if s.Command.Name != "" {
		return s.Command.Set
	}
	var texts []string // of an earlier version
	_ = yaml.Unmarshal([]byte(s.Settings["set"]), &texts)
	var set []source.KeptConstant
	for _, text := range texts {
		field, value, _ := strings.Cut(text, "=")
		set = append(set, source.KeptConstant{Field: field, Value: strings.TrimSuffix(value, source.Hidden)})
	}
	return set
}

// previousOf finds the results in the records of a results file.
func previousOf(list *source.List) (retried, error) {
	if list.Format() == source.FormatJSONL {
		return &sink.RetryJSONL{}, nil
	}
	return sink.NewRetryCSV(list.Header(), sink.DialectOf(list))
}

// notResults says that a file has not the columns of results.
func notResults(path string, err error) error {
	return &source.ListError{Name: path, Line: 1, Reason: "this is not a results file: " + err.Error(), Hint: "name the results of a run"}
}

// adoption is what a command takes over from the run.
func (r *runResults) adoption() *cli.Adoption {
	a := &cli.Adoption{
		Of: r.path, Run: r.summary.Run, Settings: r.summary.Settings, Set: setOf(r.summary), Folder: r.summary.Command.Folder,
		Bound: boundInRetry(),
		Own:   []string{"app-secret-command", "only", "error-code", "overwrite", "until", "max-calls", "log-file", "log-format", "log-level", "metrics-file", "metrics-listen"},
	}
	if os.Getenv(cli.SecretVariable) != "" {
		a.Own = append(a.Own, "app-secret-file") // which would override it
	}
	return a
}

// folder is where the program was started.
func folder() string {
	path, err := filepath.Abs(".")
	if err != nil {
		return ""
	}
	return path
}

// wayBack is what to do with results that are not as their run left them.
func wayBack(results string) string {
	return fmt.Sprintf("results are read only as their run wrote them: restore %s and %s from a copy, or run the list again;"+
		" to correct rows, use bulkonboard fixes RESULTS -o FIXES with the results as they were", results, sink.SummaryPath(results))
}

// openResults are results at their first record. Who opened them closes them.
type openResults struct {
	*source.List
	file *os.File
}

func (r *runResults) open() (*openResults, error) {
	file, err := os.Open(r.path)
	if err != nil {
		return nil, &state.IOError{Op: "read", Path: r.path, Err: err}
	}
	list, err := source.Open(file, r.options())
	if err != nil {
		_ = file.Close() // it was only read
		return nil, err
	}
	return &openResults{list, file}, nil
}

func (o *openResults) close() { _ = o.file.Close() } // it was only read
