package main

import (
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"bulkonboard/cmd/internal/cli"
	"bulkonboard/source"
)

// What run and retry are asked for.

// Commands whose config files may be one and the same file.
var (
	jobFamily     = cli.Family{Name: "job", Init: "bulkonboard config init"}
	sandboxFamily = cli.Family{Name: "sandbox", Init: "bulkonboard config init"}
)

// settings are what run and retry were asked for, part by part.
type settings struct {
	list       cli.ListFlags
	duplicates string // once or send
	service    cli.ServiceFlags
	sandbox    bool // the service built in is called, and no other
	limits     limits
	outputs    outputs
	ledger     ledgerSettings
	metrics    metricsFlags
	log        cli.LogFlags
	retry      *retrying // nil for run

	formulaSafe bool
	printConfig bool

	spooled bool                  // standard input is kept already
	shown   map[string]string     // all settings, for the summary
	set     []source.KeptConstant // of --set, once the run has its id
}

func (s *settings) register(c *cobra.Command) {
	f := c.Flags()
	f.SortFlags = false
	s.list.Register(f)
	s.outputs.register(c, "run")
	s.limits.registerInvalid(f)
	if s.retry == nil { // a retry has the rows of its run
		s.limits.registerRows(f)
	}
	f.BoolVar(&s.formulaSafe, "formula-safe", false, "write an apostrophe before cells of CSV results that a spreadsheet would run as a formula; retry removes it before sending")
	f.BoolVar(&s.sandbox, "sandbox", false, "send to a service built into this program; nothing else is needed")
	s.service.Register(c)
	s.limits.register(f)
	cli.RegisterDuplicates(f, &s.duplicates)
	s.limits.until.register(f)
	s.ledger.register(c)
	s.metrics.register(c)
	s.log.Register(c)
	cli.TakesConfig(c, jobFamily)
	f.BoolVar(&s.printConfig, "print-config", false, "print every setting and its origin, and do nothing else")
	cli.TypedOnly(c, "print-config")
	_ = c.MarkFlagFilename("input")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"auto", "csv", "jsonl"}, cobra.ShellCompDirectiveNoFileComp))
}

// check finds everything that is missing or contradictory, all at once, before
// any file is made.
func (s *settings) check() error {
	var p cli.Problems
	s.list.Check(&p)
	p.Need("output", s.outputs.results)
	if s.retry == nil {
		s.outputs.date(time.Now())
	}
	s.outputs.checkPlaces(&p)
	apart(&p, s.files()...)
	s.limits.checkList(&p)
	s.log.Check(&p)
	s.checkService(&p)
	s.limits.check(&p)
	cli.CheckDuplicates(&p, s.duplicates)
	s.limits.until.check(&p, time.Now())
	s.ledger.check(&p)
	s.metrics.check(&p)
	return p.Err()
}

func (s *settings) checkService(p *cli.Problems) {
	if s.sandbox {
		if s.service.Target.BaseURL != "" {
			p.Add("--sandbox and --base-url contradict each other: leave one out")
		}
		return
	}
	s.service.Check(p)
}

// secretOrigin says whether there is an app secret, and never what it is.
func (s *settings) secretOrigin() string {
	if s.sandbox {
		return "not needed, the sandbox is called"
	}
	return s.service.Access.SecretOrigin()
}

// files are all files of a run that are written, or that must not be.
func (s *settings) files() []namedFile {
	files := append(s.outputs.files(), s.ledger.files()...)
	files = append(files, namedFile{"--log-file", s.log.File}, namedFile{"--metrics-file", s.metrics.file})
	read := s.service.Access.Files()
	for _, flag := range slices.Sorted(maps.Keys(read)) {
		files = append(files, namedFile{flag, read[flag]})
	}
	files = append(files, s.outputs.summaryFile())
	if !s.list.FromStandardInput() && (s.retry == nil || !sameFile(s.list.Input, s.outputs.results)) { // a retry replaces what it reads
		files = append(files, namedFile{"--input", s.list.Input})
	}
	return files
}
