package main

// Outputs with a date in their names: which day, of a run that begins and of one
// that resumes.

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"bulkonboard/batch/state"
	"bulkonboard/cmd/internal/cli"
)

// dateParts are what the name of an output may have for the day on which its run
// began, in local time: a night has results of its own.
var dateParts = map[string]string{"%Y": "2006", "%m": "01", "%d": "02"}

// dateIn finds them in a name.
var dateIn = regexp.MustCompile(`%[Ymd]`)

// dated is a name for a day.
func dated(pattern string, day time.Time) string {
	folder, name := filepath.Split(pattern)
	return folder + dateIn.ReplaceAllStringFunc(name, func(part string) string { return day.Format(dateParts[part]) })
}

// date gives outputs that have a date in their names the date of the run: that of
// one which was interrupted and has the same name but for its date, so that the
// same command resumes it, or else today. A run that is started over is of today.
func (o *outputs) date(now time.Time) {
	if !dateIn.MatchString(filepath.Base(o.results)) {
		return
	}
	o.datedResults, o.datedRejects = o.results, o.rejects
	o.dateOf(lastUnfinished(o.results, now))
}

// redate looks once more, after what was complete has been put in place: what
// begins then is of today.
func (o *outputs) redate(now time.Time) {
	if o.datedResults != "" {
		o.dateOf(lastUnfinished(o.datedResults, now))
	}
}

// dateOf dates the outputs.
func (o *outputs) dateOf(day time.Time) {
	o.results, o.rejects = dated(o.datedResults, day), dated(o.datedRejects, day)
}

// lastUnfinished is the day of the last run that has such a name and that is not
// complete, or today.
func lastUnfinished(pattern string, now time.Time) time.Time {
	folder := filepath.Dir(pattern)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return now // which is said when the output is looked at
	}
	slices.Reverse(entries)
	for _, e := range entries {
		day, is := dayOf(filepath.Base(pattern), strings.TrimSuffix(e.Name(), cli.StateDirOf("")), now.Location())
		if !is || cli.StateDirOf(filepath.Base(dated(pattern, day))) != e.Name() {
			continue
		}
		left, err := state.Inspect(fileSystem, filepath.Join(folder, e.Name()))
		if err != nil || left.Held || left.Checkpoint != nil { // damage is said by the run
			return day
		}
	}
	return now
}

// dayOf reads the day in a name that is made by a pattern.
func dayOf(pattern, name string, zone *time.Location) (day time.Time, is bool) {
	var parts []string
	text := "^"
	for len(pattern) > 0 {
		at := dateIn.FindStringIndex(pattern)
		if at == nil {
			at = []int{len(pattern), len(pattern)}
		}
		if text += regexp.QuoteMeta(pattern[:at[0]]); at[0] < at[1] {
			part := pattern[at[0]:at[1]]
			parts = append(parts, part)
			text += fmt.Sprintf(`(\d{%d})`, len(dateParts[part]))
		}
		pattern = pattern[at[1]:]
	}
	as, err := regexp.Compile(text + "$")
	if err != nil { // bytes that are not text
		return day, false
	}
	found := as.FindStringSubmatch(name)
	if found == nil {
		return day, false
	}
	of := map[string]int{"%Y": 1, "%m": 1, "%d": 1}
	for i, part := range parts {
		of[part], _ = strconv.Atoi(found[i+1]) // digits
	}
	return time.Date(of["%Y"], time.Month(of["%m"]), of["%d"], 12, 0, 0, 0, zone), true
}

// errAnotherDay ends a start that has thrown away, or taken over, what a run of
// another day left: the new run has outputs of its own.
var errAnotherDay = errors.New("the new run is of another day")

// today makes an interrupted run's place free when the run that begins now is of
// another day.
func (j *job) today(now time.Time) error {
	o := &j.settings.outputs
	if o.datedResults == "" || dated(o.datedResults, now) == o.results || j.settings.list.FromStandardInput() { // which does not come again
		return nil
	}
	if err := j.dir.Dismantle(); err != nil {
		return err
	}
	o.dateOf(now)
	return errAnotherDay
}
