package main

import (
	"io"
	"maps"
	"slices"

	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// rowCounts are the rows of a results file.
type rowCounts struct {
	rows, without int64 // without: that have no result
	status        map[sink.Status]int64
	codes         map[string]int64
}

// countRows reads results.
func countRows(in io.Reader, o source.Options) (*rowCounts, error) {
	list, err := source.Open(in, o)
	if err != nil {
		return nil, err
	}
	previous, err := previousOf(list)
	if err != nil {
		return nil, err
	}
	c := &rowCounts{status: map[sink.Status]int64{}, codes: map[string]int64{}}
	for rec, err := range list.Records() {
		if err != nil {
			return nil, err
		}
		c.rows++
		res, ok := previous.Result(rec)
		if !ok {
			c.without++
			continue
		}
		c.status[res.Status]++
		if res.ErrorCode != "" {
			c.codes[res.ErrorCode]++
		}
	}
	return c, nil
}

// compare compares the rows of the results with the counts of the summary.
func (v *verification) compare(c *rowCounts) {
	s := v.summary
	if c.rows != s.Rows {
		v.differ("%s has %s, and the summary counts %d", v.results, cli.Counted(c.rows, "row"), s.Rows)
	}
	if c.without > 0 {
		v.differ("%s has %s without a result", v.results, cli.Counted(c.without, "row"))
	}
	for _, status := range sink.Statuses() {
		if got, said := c.status[status], s.Status[status]; got != said {
			v.differ("%s has %d rows that are %s, and the summary counts %d", v.results, got, status, said)
		}
	}
	said := map[string]int64{}
	for i := range s.Errors {
		if s.Errors[i].Retry == "" {
			return // codes beyond those that the summary counts one by one
		}
		said[s.Errors[i].Code] += s.Errors[i].Count
	}
	codes := maps.Clone(c.codes)
	maps.Copy(codes, said)
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		if c.codes[code] != said[code] {
			v.differ("%s has %d rows with the error code %s, and the summary counts %d", v.results, c.codes[code], code, said[code])
		}
	}
}
