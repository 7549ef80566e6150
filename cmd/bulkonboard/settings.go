package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"bulkonboard/batch"
	"bulkonboard/batch/preflight"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/source"
)

// Commands whose config files may be one and the same file.
var (
	jobFamily     = cli.Family{Name: "job", Init: "bulkonboard config init"}
	sandboxFamily = cli.Family{Name: "sandbox", Init: "bulkonboard config init"}
)

// settings are the flags of run, as they were given.
type settings struct {
	cli.ListFlags
	output, rejects    string
	overwrite, restart bool
	replaceRejects     bool // the rejects that stand there give way
	replaceSummary     bool // likewise the summary beside the output
	formulaSafe        bool
	retry              *retrying // nil for run
	job                string    // of a merge, with its round

	maxInvalid string

	cli.ServiceFlags
	sandbox bool // the service built in is called, and no other

	rate string
	cli.CallFlags
	cli.GraceFlag
	maxFailures string
	maxCalls    int64

	duplicates string
	window     window
	ledger     ledgerSettings
	metrics    metricsFlags

	logs cli.LogFlags

	spooled bool // standard input is kept already

	printConfig bool
	shown       map[string]string     // all settings, for the summary
	set         []source.KeptConstant // of --set, once the run has its id

	invalidLimit preflight.InvalidLimit
	limit        batch.FailureLimit
	pace         paceSettings
}

func (s *settings) register(c *cobra.Command) {
	f := c.Flags()
	f.SortFlags = false
	s.ListFlags.Register(f)
	f.StringVarP(&s.output, "output", "o", "", "results file to write; OUTPUT.state keeps the state of a run under way")
	f.StringVar(&s.rejects, "rejects", "", "also write the records that did not end well to this file, as the very bytes of the input")
	f.BoolVar(&s.overwrite, "overwrite", false, "replace an output that another run made")
	f.BoolVar(&s.restart, "restart", false, "throw away what an interrupted run left and begin anew")
	f.StringVar(&s.maxInvalid, "max-invalid", "20%", "send nothing when more rows than this are invalid: a number, or a share such as 20%")
	f.BoolVar(&s.formulaSafe, "formula-safe", false, "put an apostrophe before input cells of CSV results that a spreadsheet would run; retry takes it away before a value is sent")
	f.BoolVar(&s.sandbox, "sandbox", false, "call a service built into this program; needs no configuration")
	s.ServiceFlags.Register(c)
	f.StringVar(&s.rate, "rate", "auto", "attempts per second at most; auto searches for what the service takes; 0 sends as fast as it can until the service objects")
	s.CallFlags.Register(f)
	s.GraceFlag.Register(f)
	cli.RegisterMaxFailures(f, &s.maxFailures, "stop the run")
	f.Int64Var(&s.maxCalls, "max-calls", 0, "stop after beginning calls for this many new customers; the same command resumes with as many more. 0 sets no limit")
	f.StringVar(&s.duplicates, "duplicates", "once", "once calls a customer that has several rows once; send calls for each row, one after the other")
	s.window.register(f)
	s.ledger.register(c)
	s.metrics.register(c)
	s.logs.Register(c)
	cli.TakesConfig(c, jobFamily)
	f.BoolVar(&s.printConfig, "print-config", false, "print every setting and where it comes from, and run nothing")
	cli.TypedOnly(c, "print-config")
	for _, name := range []string{"input", "output", "rejects"} {
		_ = c.MarkFlagFilename(name)
	}
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"auto", "csv", "jsonl"}, cobra.ShellCompDirectiveNoFileComp))
}

// check finds everything that is missing or contradictory, all at once, before
// any file is made.
func (s *settings) check() error {
	var p cli.Problems
	s.ListFlags.Check(&p)
	p.Need("output", s.output)
	s.checkPlaces(&p)
	apart(&p, s.files()...)
	var err error
	if s.invalidLimit, err = preflight.ParseInvalidLimit(s.maxInvalid); err != nil {
		p.Add("--max-invalid: " + err.Error())
	}
	s.logs.Check(&p)
	s.checkService(&p)
	s.checkPace(&p)
	s.ledger.check(&p)
	s.metrics.check(&p)
	return p.Err()
}

func (s *settings) checkService(p *cli.Problems) {
	if s.sandbox {
		if s.BaseURL != "" {
			p.Add(fmt.Sprintf("--sandbox and --base-url (or %s) contradict each other: leave one out", cli.VariableOf("base-url")))
		}
		return
	}
	s.ServiceFlags.Check(p)
}

func (s *settings) checkPace(p *cli.Problems) {
	var err error
	if s.pace, err = parseRate(s.rate); err != nil {
		p.Add(err.Error())
	}
	s.CallFlags.Check(p)
	s.GraceFlag.Check(p)
	cli.CheckDuplicates(p, s.duplicates)
	s.window.check(p, time.Now())
	if s.maxCalls < 0 {
		p.Add(fmt.Sprintf("--max-calls is %d; it takes a number of customers such as 100, or 0 for no limit", s.maxCalls))
	}
	s.limit = cli.CheckMaxFailures(p, s.maxFailures)
}

// secretOrigin says whether there is an app secret, and never what it is.
func (s *settings) secretOrigin() string {
	if s.sandbox {
		return "not needed, the sandbox is called"
	}
	return s.SecretOrigin()
}

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
