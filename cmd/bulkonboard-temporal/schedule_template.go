package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"bulkonboard/batch/chunks"
	"bulkonboard/batch/store"
	"bulkonboard/cmd/internal/cli"
)

// template is what a schedule makes its jobs from.
type template struct {
	Request request `json:"request"`
	Pattern string  `json:"pattern"` // of the list's name in the store
	Zone    string  `json:"zone"`    // that the pattern is filled in by

	// Patience is how long a list is waited for that is late.
	Patience time.Duration `json:"patience,omitempty"`
}

func templateName(schedule string) string { return "schedules/" + schedule + ".json" }

// noScheduleError says that a schedule has nothing to make jobs from.
type noScheduleError struct{ schedule, reason string }

// Kind tells what it means.
func (e *noScheduleError) Kind() cli.Kind { return absent }

func (e *noScheduleError) Error() string {
	return fmt.Sprintf("there is no schedule %s: %s; check --store, or delete the schedule and create it again", e.schedule, e.reason)
}

func readTemplate(ctx context.Context, root store.Store, schedule string) (*template, error) {
	b, err := store.ReadAll(ctx, root, templateName(schedule), maxRequest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &noScheduleError{schedule, "it is not in the store"}
	}
	if err != nil {
		return nil, err
	}
	return parseTemplate(schedule, b)
}

func parseTemplate(schedule string, b []byte) (*template, error) {
	var t template
	err := chunks.Decode(templateName(schedule), b, &t)
	if errors.As(err, new(*chunks.NewerError)) {
		return nil, err
	}
	if err == nil {
		_, err = time.LoadLocation(t.Zone)
	}
	if err == nil {
		err = checkPattern(t.Pattern)
	}
	if err != nil {
		return nil, &noScheduleError{schedule, "what is in the store of it is damaged: " + err.Error()}
	}
	return &t, nil
}

// fields are what a pattern's letters stand for.
var fields = map[byte]string{'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04"}

// expand fills a time into a pattern.
func expand(pattern string, at time.Time) string {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != '%' || i+1 == len(pattern) {
			b.WriteByte(pattern[i])
			continue
		}
		i++
		b.WriteString(at.Format(fields[pattern[i]]))
	}
	return b.String()
}

// checkPattern finds what expand does not fill in, and names that no store has.
func checkPattern(pattern string) error {
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != '%' {
			continue
		}
		if i++; i == len(pattern) || fields[pattern[i]] == "" {
			return fmt.Errorf("the pattern %q has a %% that is none of %%Y, %%m, %%d, %%H and %%M", pattern)
		}
	}
	return store.CheckName(expand(pattern, time.Unix(0, 0)))
}
