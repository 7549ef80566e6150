package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bulkonboard/batch"
	"bulkonboard/batch/session"
	"bulkonboard/source"
)

// envPrefix begins every environment variable: --base-url is
// BULKONBOARD_BASE_URL.
const envPrefix = "BULKONBOARD_"

// secretVariable holds the app secret, which is never a flag: flags are
// visible to every user of the machine.
const secretVariable = envPrefix + "APP_SECRET"

// settings are the flags of run, as they were given.
type settings struct {
	input, output, rejects string
	overwrite, restart     bool
	format                 string
	encoding, delimiter    string
	columns, constants     []string // --map and --set
	formulaSafe            bool
	retry                  *retrySelection // nil for run

	baseURL, appID, tenantID, formID, secretFile string
	sandbox                                      bool

	rate        string
	maxInFlight int
	timeout     time.Duration
	maxAttempts int
	maxBackoff  time.Duration
	grace       time.Duration
	maxFailures string

	secret    session.Secret
	limit     batch.FailureLimit
	perSecond float64 // 0: no ceiling
}

func (s *settings) register(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVarP(&s.input, "input", "i", "", "customer list to read: CSV or JSONL")
	f.StringVarP(&s.output, "output", "o", "", "results file to write; <output>.state keeps the state of a run under way")
	f.StringVar(&s.rejects, "rejects", "", "also write the records that did not end well to this file, as the very bytes of the input")
	f.BoolVar(&s.overwrite, "overwrite", false, "replace an output that another run made")
	f.BoolVar(&s.restart, "restart", false, "throw away what an interrupted run left and begin anew")
	f.StringVar(&s.format, "format", "auto", "format of the list: auto, csv or jsonl")
	f.StringVar(&s.encoding, "encoding", "", "encoding of the list, such as windows-1252 or utf-16le (default: by its byte order mark, or else utf-8)")
	f.StringVar(&s.delimiter, "delimiter", "", "what separates the cells of a CSV list: , ; tab or | (default: found from its header)")
	f.StringArrayVar(&s.columns, "map", nil, "read a field from this column: FIELD=COLUMN; FIELD= reads it from none; may be repeated")
	f.StringArrayVar(&s.constants, "set", nil, "give a field this value in every row: FIELD=VALUE; may be repeated")
	f.BoolVar(&s.formulaSafe, "formula-safe", false, "put an apostrophe before input cells of CSV results that a spreadsheet would run; retry such results with the flag again, which takes it away before a value is sent")
	f.BoolVar(&s.sandbox, "sandbox", false, "call a service built into this program; needs no configuration")
	f.StringVar(&s.baseURL, "base-url", "", "address of the service, without /api/…")
	f.StringVar(&s.appID, "app-id", "", "application id")
	f.StringVar(&s.tenantID, "tenant-id", "", "tenant id")
	f.StringVar(&s.formID, "form-id", "", "form id, for rows that have none of their own")
	f.StringVar(&s.secretFile, "app-secret-file", "", "file that holds the app secret (or "+secretVariable+")")
	f.StringVar(&s.rate, "rate", "10", "attempts per second at most; 0 for no ceiling")
	f.IntVar(&s.maxInFlight, "max-inflight", 64, "attempts under way at once, at most")
	f.DurationVar(&s.timeout, "timeout", 30*time.Second, "time for one attempt")
	f.IntVar(&s.maxAttempts, "max-attempts", 8, "attempts for one row, at most")
	f.DurationVar(&s.maxBackoff, "max-backoff", time.Minute, "wait between two attempts for one row, at most")
	f.DurationVar(&s.grace, "grace", 30*time.Second, "time for the calls in flight when the run is told to stop")
	f.StringVar(&s.maxFailures, "max-failures", "", "stop when more rows than this were rejected or failed: a number, or a share such as 5% (of at least 100 rows)")
}

// fromEnvironment fills in every flag that was not given and has a variable.
func fromEnvironment(c *cobra.Command) error {
	var wrong []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		value, ok := os.LookupEnv(variableOf(f.Name))
		if !ok || value == "" || f.Changed || f.Name == "help" || f.Name == "version" {
			return
		}
		if err := setFlag(c.Flags(), f, value); err != nil {
			wrong = append(wrong, fmt.Sprintf("%s=%q is no value for --%s", variableOf(f.Name), value, f.Name))
		}
	})
	if len(wrong) > 0 {
		return &usageError{wrong}
	}
	return nil
}

// setFlag sets a flag from text. One that can be repeated takes a line each.
func setFlag(flags *pflag.FlagSet, f *pflag.Flag, value string) error {
	if f.Value.Type() != "stringArray" {
		return flags.Set(f.Name, value)
	}
	for line := range strings.Lines(value) {
		if err := flags.Set(f.Name, strings.TrimSpace(line)); err != nil {
			return err
		}
	}
	return nil
}

func variableOf(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// check finds everything that is missing or contradictory, all at once, before
// any file is made.
func (s *settings) check() error {
	var p problems
	p.need("input", s.input)
	p.need("output", s.output)
	if s.input != "" && s.input == s.output && s.retry == nil {
		p.add("--output is the input; a list is never overwritten: name another file")
	}
	if s.rejects != "" && (s.rejects == s.input || s.rejects == s.output) {
		p.add("--rejects is the input or the output; name another file")
	}
	if _, err := formatOf(s.format); err != nil {
		p.add(err.Error())
	}
	if _, err := source.ParseDelimiter(s.delimiter); err != nil {
		p.add(err.Error())
	}
	o := s.listOptions()
	p = append(p, o.Check()...)
	s.checkService(&p)
	s.checkPace(&p)
	if len(p) > 0 {
		return &usageError{p}
	}
	return nil
}

// listOptions is how the list is to be read, with nothing checked.
func (s *settings) listOptions() source.Options {
	format, _ := formatOf(s.format)
	delimiter, _ := source.ParseDelimiter(s.delimiter)
	return source.Options{
		Format: format, Name: s.input, Encoding: s.encoding, Delimiter: delimiter, Map: s.columns, Set: s.constants,
		// What run writes, retry reads.
		FormulaSafe: s.formulaSafe && s.retry != nil,
	}
}

func (s *settings) checkService(p *problems) {
	if s.sandbox {
		if s.baseURL != "" {
			p.add(fmt.Sprintf("--sandbox and --base-url (or %s) contradict each other: leave one out", variableOf("base-url")))
		}
		return
	}
	p.need("base-url", s.baseURL)
	if s.baseURL != "" {
		if err := session.ValidateBaseURL(s.baseURL); err != nil {
			p.add(fmt.Sprintf("--base-url (or %s): %v", variableOf("base-url"), err))
		}
	}
	p.need("app-id", s.appID)
	p.need("tenant-id", s.tenantID)
	p.need("form-id", s.formID)
	var err error
	if s.secret, err = readSecret(s.secretFile); err != nil {
		p.add(err.Error())
	}
}

func (s *settings) checkPace(p *problems) {
	var err error
	if s.perSecond, err = parseRate(s.rate); err != nil {
		p.add(err.Error())
	}
	if s.maxInFlight < 1 || s.maxInFlight > maxInFlightLimit {
		p.add(fmt.Sprintf("--max-inflight is %d; it takes 1 to %d", s.maxInFlight, maxInFlightLimit))
	}
	if s.maxAttempts < 1 {
		p.add(fmt.Sprintf("--max-attempts is %d; it takes 1 or more", s.maxAttempts))
	}
	p.positive("timeout", s.timeout)
	p.positive("max-backoff", s.maxBackoff)
	if s.grace < 0 {
		p.add(fmt.Sprintf("--grace is %s; it takes zero or more", s.grace))
	}
	if s.maxFailures != "" {
		if s.limit, err = batch.ParseFailureLimit(s.maxFailures); err != nil {
			p.add("--max-failures: " + err.Error())
		}
	}
}

// maxInFlightLimit keeps a slip of the finger from opening a million
// connections.
const maxInFlightLimit = 4096

// problems collects what is wrong, in order.
type problems []string

func (p *problems) add(problem string) { *p = append(*p, problem) }

func (p *problems) need(flag, value string) {
	if strings.TrimSpace(value) == "" {
		p.add(fmt.Sprintf("--%s is missing (or set %s)", flag, variableOf(flag)))
	}
}

func (p *problems) positive(flag string, d time.Duration) {
	if d <= 0 {
		p.add(fmt.Sprintf("--%s is %s; it takes a time above zero, such as 30s", flag, d))
	}
}

func parseRate(s string) (float64, error) {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || !(n >= 0) || n > 1e6 {
		return 0, fmt.Errorf("--rate is %q; it takes attempts per second such as 50, or 0 for no ceiling", s)
	}
	return n, nil
}

func formatOf(s string) (source.Format, error) {
	switch s {
	case "auto":
		return source.FormatAuto, nil
	case "csv":
		return source.FormatCSV, nil
	case "jsonl":
		return source.FormatJSONL, nil
	}
	return 0, fmt.Errorf("--format is %q; it takes auto, csv or jsonl", s)
}

// readSecret takes the app secret from the file, or else from the environment.
func readSecret(file string) (session.Secret, error) {
	secret := os.Getenv(secretVariable)
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("--app-secret-file cannot be read: %w", err)
		}
		secret = strings.TrimRight(string(b), "\r\n")
	}
	if strings.TrimSpace(secret) == "" {
		return "", fmt.Errorf("the app secret is missing: name a file with --app-secret-file (or %s), or set %s", variableOf("app-secret-file"), secretVariable)
	}
	return session.Secret(secret), nil
}
