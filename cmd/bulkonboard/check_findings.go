package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"bulkonboard/batch/preflight"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

// findings are what is wrong with several things that were looked at.
type findings []error

func (f *findings) add(err error) {
	if err != nil {
		*f = append(*f, err)
	}
}

// gravest are the exit codes of findings. What a person has to correct comes
// before what may pass by itself, and rows that are invalid cost only themselves.
var gravest = []int{
	cli.ExitUsage, cli.ExitRefused, cli.ExitBadList, cli.ExitState, cli.ExitHeld, cli.ExitIO, cli.ExitStopped, cli.ExitInterrupted, cli.ExitBadRows,
}

// err is all of them as one error, which ends with the code of the gravest.
func (f findings) err() error {
	if len(f) < 2 {
		return errors.Join(f...)
	}
	rank := func(err error) int { return slices.Index(gravest, cli.ExitCode(err)) }
	sorted := slices.Clone(f)
	slices.SortStableFunc(sorted, func(a, b error) int { return rank(a) - rank(b) })
	return &findingsError{sorted}
}

// findingsError is several findings, the gravest first.
type findingsError struct{ list findings }

// Error has a line for each that has not been said.
func (e *findingsError) Error() string {
	var lines []string
	for _, err := range e.list {
		var bad *cli.BadRowsError
		if !errors.As(err, &bad) {
			lines = append(lines, err.Error())
		}
	}
	return strings.Join(lines, "\n")
}

// Kind is that of the gravest.
func (e *findingsError) Kind() cli.Kind { return cli.KindOf(e.list[0]) }

// step is one thing that was looked at.
type step struct {
	Step   string `json:"step"`
	Result string `json:"result"` // ok, warning, failed or skipped
	Text   string `json:"text,omitempty"`
	Next   string `json:"next,omitempty"`
}

func (s step) print(w io.Writer) {
	next := ""
	if s.Next != "" {
		next = "; " + s.Next
	}
	cli.PrintLine(w, fmt.Sprintf("  %-10s %-8s ", s.Step, s.Result), s.Text+next)
}

// checkDocument is what check --json prints. List, config and plan depend on
// nothing but the list, the settings and the ledger: who signs them signs what a
// run will do.
type checkDocument struct {
	List     *checkedList
	Config   *checkedConfig
	Plan     *plan
	Ledger   *checkedLedger
	Service  []step
	Output   []step
	ExitCode int
}

type checkedList struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"` // of the file as it stands
	Rows   int64  `json:"rows"`
}

// checkedConfig stands for all settings that a run would have, but for the name
// of the list.
type checkedConfig struct {
	Digest string `json:"digest"`
}

// checkedLedger is a ledger that could be opened.
type checkedLedger struct {
	Name      string `json:"name"`
	Customers int64  `json:"customers"`
}

// plan is what a run would do, in rows, and what the ledger knows of the
// customers; nil without one.
type plan struct {
	Calls      int64 `json:"calls"`
	Mailed     int64 `json:"mailed"`
	Duplicates int64 `json:"duplicates"`
	Invalid    int64 `json:"invalid"`
	*sink.Standings
}

func planOf(f *preflight.Forecast) *plan {
	return &plan{Calls: f.Calls, Mailed: f.Mailed, Duplicates: f.Repeated, Invalid: f.Invalid, Standings: f.Standings()}
}

// print writes an object whose members have a line each, so that a script can
// take some of them as they are.
func (d *checkDocument) print(w io.Writer) error {
	var lines []string
	add := func(name string, value any) {
		b, _ := json.Marshal(value) // texts and numbers always encode
		lines = append(lines, fmt.Sprintf("%q: %s", name, b))
	}
	if d.List != nil {
		add("list", d.List)
	}
	add("config", d.Config)
	if d.Plan != nil {
		add("plan", d.Plan)
	}
	if d.Ledger != nil {
		add("ledger", d.Ledger)
	}
	if d.Service != nil {
		add("service", d.Service)
	}
	if d.Output != nil {
		add("output", d.Output)
	}
	add("exitCode", d.ExitCode)
	_, err := fmt.Fprintf(w, "{\n%s\n}\n", strings.Join(lines, ",\n"))
	return err
}
