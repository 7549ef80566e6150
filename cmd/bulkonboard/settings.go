package main

import (
	"crypto/x509"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

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
	listFlags
	output, rejects    string
	overwrite, restart bool
	formulaSafe        bool
	retry              *retrySelection // nil for run

	noPreflight bool
	maxInvalid  string

	baseURL, appID, tenantID, formID, secretFile string
	sandbox                                      bool
	caFile                                       string
	noProxyEnv                                   bool

	rate        string
	maxInFlight int
	timeout     time.Duration
	maxAttempts int
	maxBackoff  time.Duration
	grace       time.Duration
	maxFailures string
	maxOutage   time.Duration
	maxWait     time.Duration

	acceptRefusals bool
	duplicates     string
	window         window
	ledger         ledgerSettings
	metrics        metricsFlags

	logs logFlags

	printConfig bool
	shown       map[string]string // all settings, for the summary

	secret       session.Secret
	warning      string         // about the file that the secret was in
	authorities  *x509.CertPool // of --ca-file; nil: those of the system
	invalidLimit batch.InvalidLimit
	limit        batch.FailureLimit
	pace         paceSettings
}

func (s *settings) register(c *cobra.Command) {
	f := c.Flags()
	f.SortFlags = false
	s.listFlags.register(f)
	f.StringVarP(&s.output, "output", "o", "", "results file to write; OUTPUT.state keeps the state of a run under way")
	f.StringVar(&s.rejects, "rejects", "", "also write the records that did not end well to this file, as the very bytes of the input")
	f.BoolVar(&s.overwrite, "overwrite", false, "replace an output that another run made")
	f.BoolVar(&s.restart, "restart", false, "throw away what an interrupted run left and begin anew")
	f.BoolVar(&s.noPreflight, "no-preflight", false, "do not read the whole list before the first call: no forecast, no --max-invalid, no search for duplicates")
	f.StringVar(&s.maxInvalid, "max-invalid", "20%", "send nothing when more rows than this are invalid: a number, or a share such as 20%")
	f.BoolVar(&s.formulaSafe, "formula-safe", false, "put an apostrophe before input cells of CSV results that a spreadsheet would run; retry such results with the flag again, which takes it away before a value is sent")
	f.BoolVar(&s.sandbox, "sandbox", false, "call a service built into this program; needs no configuration")
	f.StringVar(&s.baseURL, "base-url", "", "address of the service, without /api/…")
	f.StringVar(&s.appID, "app-id", "", "application id")
	f.StringVar(&s.tenantID, "tenant-id", "", "tenant id")
	f.StringVar(&s.formID, "form-id", "", "form id, for rows that have none of their own")
	f.StringVar(&s.secretFile, "app-secret-file", "", "file that holds the app secret (or "+secretVariable+")")
	f.StringVar(&s.caFile, "ca-file", "", "PEM file with the certificates that may vouch for the service, in place of the system's")
	f.BoolVar(&s.noProxyEnv, "no-proxy-env", false, "go straight to the service, whatever proxy the environment names (HTTPS_PROXY)")
	f.StringVar(&s.rate, "rate", "auto", "attempts per second at most; auto searches for what the service takes; 0 sends as fast as it can until the service objects")
	f.IntVar(&s.maxInFlight, "max-inflight", 64, "attempts under way at once, at most")
	f.DurationVar(&s.timeout, "timeout", 30*time.Second, "time for one attempt")
	f.IntVar(&s.maxAttempts, "max-attempts", 8, "attempts for one row, at most")
	f.DurationVar(&s.maxBackoff, "max-backoff", time.Minute, "wait between two attempts for one row, at most")
	f.DurationVar(&s.maxOutage, "max-outage", 2*time.Hour, "stop when the service has answered nothing for so long")
	f.DurationVar(&s.maxWait, "max-wait", 15*time.Minute, "stop when the service asks to wait for longer")
	f.DurationVar(&s.grace, "grace", 30*time.Second, "time for the calls in flight when the run is told to stop")
	f.StringVar(&s.maxFailures, "max-failures", "", "stop when more rows than this were rejected or failed: a number, or a share such as 5% (of at least 100 rows)")
	f.BoolVar(&s.acceptRefusals, "accept-refusals", false, "go on though the first ten rows are all refused in the same words")
	f.StringVar(&s.duplicates, "duplicates", "once", "once calls a customer that has several rows once; send calls for each row, one after the other")
	s.window.register(f)
	s.ledger.register(c)
	s.metrics.register(c)
	s.logs.register(c)
	takesConfig(c, jobFamily)
	f.BoolVar(&s.printConfig, "print-config", false, "print every setting and where it comes from, and run nothing")
	typedOnly(c, "print-config")
	for _, name := range []string{"input", "output", "rejects", "app-secret-file", "ca-file"} {
		_ = c.MarkFlagFilename(name)
	}
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"auto", "csv", "jsonl"}, cobra.ShellCompDirectiveNoFileComp))
}

func variableOf(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// check finds everything that is missing or contradictory, all at once, before
// any file is made.
func (s *settings) check() error {
	var p problems
	s.listFlags.check(&p)
	p.need("output", s.output)
	p.apart(s.files()...)
	var err error
	if s.invalidLimit, err = batch.ParseInvalidLimit(s.maxInvalid); err != nil {
		p.add("--max-invalid: " + err.Error())
	}
	s.logs.check(&p)
	s.checkService(&p)
	s.checkPace(&p)
	s.ledger.check(&p)
	s.metrics.check(&p)
	if len(p) > 0 {
		return &usageError{p}
	}
	return nil
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
	if s.secret, s.warning, err = readSecret(s.secretFile); err != nil {
		p.add(err.Error())
	}
	if s.authorities, err = readAuthorities(s.caFile); err != nil {
		p.add(err.Error())
	}
}

func (s *settings) checkPace(p *problems) {
	var err error
	if s.pace, err = parseRate(s.rate); err != nil {
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
	p.positive("max-outage", s.maxOutage)
	p.positive("max-wait", s.maxWait)
	if s.duplicates != "once" && s.duplicates != "send" {
		p.add(fmt.Sprintf("--duplicates is %q; it takes once or send", s.duplicates))
	}
	if s.grace < 0 {
		p.add(fmt.Sprintf("--grace is %s; it takes zero or more", s.grace))
	}
	s.window.check(p, time.Now())
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

// paceSettings are what --rate means.
type paceSettings struct {
	ceiling float64 // attempts per second; 0 for none
	search  bool    // begin slowly, and search for what the service takes
}

func parseRate(s string) (paceSettings, error) {
	if s == "auto" {
		return paceSettings{search: true}, nil
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || !(n >= 0) || n > 1e6 {
		return paceSettings{}, fmt.Errorf("--rate is %q; it takes attempts per second such as 50, auto, or 0 for no ceiling", s)
	}
	return paceSettings{ceiling: n}, nil
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
