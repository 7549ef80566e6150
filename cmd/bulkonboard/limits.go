package main

// How fast, how long and up to what a run sends.

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"bulkonboard/batch/measure"
	"bulkonboard/batch/preflight"
	"bulkonboard/cmd/internal/cli"
)

// limits are the bounds of a run: as they were given, and as check reads them.
type limits struct {
	maxInvalid string
	invalid    measure.Limit

	minRows string // of a run alone
	rows    preflight.RowLimit

	rate string
	pace paceSettings

	calls cli.CallFlags
	grace time.Duration
	until until

	maxFailures string
	failures    measure.Limit

	maxCalls int64 // customers whose calls begin in this start, at most; 0 for no limit
}

func (l *limits) registerInvalid(f *pflag.FlagSet) {
	cli.RegisterMaxInvalid(f, &l.maxInvalid, "send")
}

func (l *limits) register(f *pflag.FlagSet) {
	f.StringVar(&l.rate, "rate", "auto", "attempts per second at most: a `NUMBER`, auto (find what the service accepts), or 0 (as fast as possible)")
	l.calls.Register(f)
	cli.RegisterGrace(f, &l.grace)
	cli.RegisterMaxFailures(f, &l.maxFailures, "stop the run")
	f.Int64Var(&l.maxCalls, "max-calls", 0, "stop after calls for this `NUMBER` of new customers; the same command resumes with as many more; 0 for no limit")
}

func (l *limits) registerRows(f *pflag.FlagSet) {
	cli.RegisterMinRows(f, &l.minRows, "send")
}

// checkList reads the limits of the list.
func (l *limits) checkList(p *cli.Problems) {
	l.invalid, l.rows = cli.CheckMaxInvalid(p, l.maxInvalid), cli.CheckMinRows(p, l.minRows)
}

func (l *limits) check(p *cli.Problems) {
	var err error
	if l.pace, err = parseRate(l.rate); err != nil {
		p.Add(err.Error())
	}
	l.calls.Check(p)
	cli.CheckGrace(p, l.grace)
	l.failures = cli.CheckMaxFailures(p, l.maxFailures)
	if l.maxCalls < 0 {
		p.Add(fmt.Sprintf("--max-calls is %d; it takes a number of customers such as 100, or 0 for no limit", l.maxCalls))
	}
}

// inFlight is how many attempts may be under way at once.
func (l *limits) inFlight() int { return l.calls.InFlight(l.pace.paced()) }

// paceSettings are what --rate means.
type paceSettings struct {
	ceiling float64 // attempts per second; 0 for none
	search  bool    // begin slowly, and search for what the service takes
}

// paced reports that a rate limits how many attempts are under way.
func (p paceSettings) paced() bool { return p.search || p.ceiling > 0 }

func parseRate(s string) (paceSettings, error) {
	if s == "auto" {
		return paceSettings{search: true}, nil
	}
	n, err := cli.ParseRate(s)
	if err != nil {
		return paceSettings{}, fmt.Errorf("--rate is %q; it takes attempts per second such as 50, auto, or 0 for no ceiling", s)
	}
	return paceSettings{ceiling: n}, nil
}
