package main

import (
	"os"
	"strings"

	"bulkonboard/batch/state"
	"bulkonboard/sink"
	"bulkonboard/sink/report"
	"bulkonboard/source"
)

// maxReportRows bounds the page: more rows are not fixed by hand.
const maxReportRows = 1000

// rowsThatNeedWork reads the rows that need attention from the results. An
// incomplete run has none; what stands at its output is of an earlier one.
func rowsThatNeedWork(s *sink.Summary, results string) (*report.Rows, error) {
	if !s.Complete {
		return &report.Rows{Note: "The run is not complete, so there are no results yet to list rows from."}, nil
	}
	file, err := os.Open(results)
	if err != nil {
		return nil, &state.IOError{Op: "read", Path: results, Err: err}
	}
	defer func() { _ = file.Close() }() // it was only read
	list, err := source.Open(file, resultsOptions(results, s))
	if err != nil {
		return nil, err
	}
	previous, err := previousOf(list)
	if err != nil {
		return nil, err
	}
	rows := &report.Rows{}
	for rec, err := range list.Records() {
		if err != nil {
			return nil, err
		}
		res, ok := previous.Result(rec)
		if ok && res.Status.Good() {
			continue
		}
		if rows.Total++; rows.Total <= maxReportRows {
			rows.List = append(rows.List, reportRow(rec, &res))
		}
	}
	return rows, nil
}

// reportRow is a record with its result.
func reportRow(rec *source.Record, res *sink.Result) report.Row {
	c := &rec.Customer
	name := strings.TrimSpace(c.FirstName + " " + c.LastName)
	if name == "" {
		name = c.FullName
	}
	row := report.Row{Row: rec.Row, Name: name, Email: c.Email, Status: res.Status, Code: res.ErrorCode, Message: res.ErrorMessage}
	if res.Status == "" {
		row.Status, row.Message = sink.Invalid, "the row cannot be read"
	}
	return row
}
