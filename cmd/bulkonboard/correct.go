package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"bulkonboard/batch/state"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
	"bulkonboard/sink/fixes"
	"bulkonboard/source"
)

// correct makes the list that a retry sends: the results with the corrections of
// the sheet. It is made again at each start, from files whose hashes are known, so
// that nothing depends on what is left of it.
func (j *job) correct() (string, error) {
	table, err := j.settings.retry.from.table()
	if err != nil {
		return "", err
	}
	values, err := scratchIn(j.dir)
	if err != nil {
		return "", err
	}
	defer func() { _ = values.Close() }() // the list has them
	if j.settings.retry.sheet, err = j.readSheet(table, values); err != nil {
		return "", err
	}
	list, err := j.settings.retry.from.open()
	if err != nil {
		return "", err
	}
	defer list.close()
	corrected, err := scratchIn(j.dir)
	if err != nil {
		return "", err
	}
	defer func() { _ = corrected.Close() }() // likewise
	sum := newFileSum()
	changes, err := j.settings.retry.sheet.Apply(io.MultiWriter(corrected, sum), list.List, table)
	if err != nil {
		return "", err
	}
	if !j.began {
		if changes.Moved != nil {
			return "", changes.Moved
		}
		j.sayChanges(changes)
	}
	path := j.dir.KeptPath(state.Corrected)
	if err := j.dir.Keep(state.Corrected, io.NewSectionReader(corrected, 0, math.MaxInt64)); err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", &state.IOError{Op: "look at", Path: path, Err: err}
	}
	j.corrected = &sink.File{Name: path, Size: info.Size(), SHA256: sum.String()}
	return path, nil
}

// resumable says what to do where the sheet of a retry is refused that has begun: it
// has sent something.
func (j *job) resumable(err error) error {
	var wrong *source.ListError
	if j.began && errors.As(err, &wrong) {
		wrong.Hint = "this retry has begun: start it again with the sheet as it was then; how far it is: " + command("status", j.settings.outputs.results)
	}
	return err
}

func (j *job) readSheet(table fixes.Table, scratch fixes.Scratch) (*fixes.Sheet, error) {
	file, err := os.Open(j.settings.retry.fixes)
	if err != nil {
		return nil, &source.ReadError{Name: j.settings.retry.fixes, Err: err}
	}
	defer func() { _ = file.Close() }() // it was only read
	info, err := file.Stat()
	if err != nil {
		return nil, &source.ReadError{Name: j.settings.retry.fixes, Err: err}
	}
	return fixes.Read(io.NewSectionReader(file, 0, info.Size()), j.settings.retry.fixes, j.settings.retry.from.sheet(), table, j.settings.retry.from.options().FormulaSafe, scratch)
}

// sayChanges lists what the sheet changes, before the first call: a slip that
// reached many rows is seen here.
func (j *job) sayChanges(c *fixes.Changes) {
	fmt.Fprintf(j.voice.People, "fixes: %s in %s, %d of them changed\n", cli.Counted(c.Rows, "row"), j.settings.retry.fixes, c.Changed)
	j.sayPassed(c.Succeeded, "succeeded", "")
	j.sayPassed(c.Corrected, "got other values", "; to correct more in them, make a new sheet: "+command("fixes", j.settings.retry.from.path))
	if c.Changed == 0 {
		fmt.Fprintf(j.voice.People, "  notice     no row of the sheet is corrected: invalid rows stay as they are, and only rows that were rejected or failed are sent\n")
	}
	counts := make([]any, 0, 10+2*len(c.Columns))
	counts = append(counts, "event", "fixes", "rows", c.Rows, "changed", c.Changed, "succeeded_since", len(c.Succeeded), "corrected_since", len(c.Corrected))
	for _, column := range c.Columns {
		fmt.Fprintf(j.voice.People, "  %-20s changed in %s\n", cli.OneLine(column.Column), cli.Counted(column.Rows, "row"))
		counts = append(counts, column.Column, column.Rows)
	}
	j.voice.Told.Info("fixes", counts...)
}

// sayPassed names rows of the sheet that a retry has done something about since it
// was made.
func (j *job) sayPassed(rows []int64, what, next string) {
	const most = 20
	if len(rows) == 0 {
		return
	}
	have, numbers := "have", ""
	if len(rows) == 1 {
		have = "has"
	}
	for _, row := range rows[:min(most, len(rows))] {
		numbers += fmt.Sprintf(", %d", row)
	}
	if len(rows) > most {
		numbers += ", …"
	}
	fmt.Fprintf(j.voice.People, "  notice     %s of the sheet %s %s in a retry since it was made, and no correction is taken: %s%s\n",
		cli.Counted(len(rows), "row"), have, what, numbers[2:], next)
}
