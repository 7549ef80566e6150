package cli

import (
	"crypto/x509"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bulkonboard/batch/chunks"
	"bulkonboard/batch/session"
)

// ServiceFlags say which service is called, as whom, and by which way.
type ServiceFlags struct {
	TargetFlags
	AccessFlags
}

// Register gives a command the flags.
func (s *ServiceFlags) Register(c *cobra.Command) {
	s.TargetFlags.Register(c.Flags())
	s.AccessFlags.Register(c)
}

// Check finds what is missing or wrong, and reads the secret and the
// certificates.
func (s *ServiceFlags) Check(p *Problems) {
	s.TargetFlags.Check(p)
	s.AccessFlags.Check(p)
}

// TargetFlags say which service is called, and for whom.
type TargetFlags struct{ BaseURL, AppID, TenantID, FormID string }

// Register adds the flags.
func (t *TargetFlags) Register(f *pflag.FlagSet) {
	f.StringVar(&t.BaseURL, "base-url", "", "address of the service, without /api/…")
	f.StringVar(&t.AppID, "app-id", "", "application id")
	f.StringVar(&t.TenantID, "tenant-id", "", "tenant id")
	f.StringVar(&t.FormID, "form-id", "", "form id, for rows that have none of their own")
}

// Check finds what is missing or wrong.
func (t *TargetFlags) Check(p *Problems) {
	p.Need("base-url", t.BaseURL)
	if t.BaseURL != "" {
		if err := session.ValidateBaseURL(t.BaseURL); err != nil {
			p.Add(fmt.Sprintf("--base-url (or %s): %v", VariableOf("base-url"), err))
		}
	}
	p.Need("app-id", t.AppID)
	p.Need("tenant-id", t.TenantID)
	p.Need("form-id", t.FormID)
}

// AccessFlags say with what secret and by which way a service is called. They
// are of the machine that calls.
type AccessFlags struct {
	SecretFile, CAFile string

	noProxyEnv bool

	secret      session.Secret
	warning     string         // about the file that the secret was in
	authorities *x509.CertPool // of --ca-file; nil: those of the system
}

// Register gives a command the flags.
func (a *AccessFlags) Register(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&a.SecretFile, "app-secret-file", "", "file that holds the app secret (or "+SecretVariable+")")
	f.StringVar(&a.CAFile, "ca-file", "", "PEM file with the certificates that may vouch for the service, in place of the system's")
	f.BoolVar(&a.noProxyEnv, "no-proxy-env", false, "go straight to the service, whatever proxy the environment names (HTTPS_PROXY)")
	_ = c.MarkFlagFilename("app-secret-file")
	_ = c.MarkFlagFilename("ca-file")
}

// Check finds what is missing or wrong, and reads the secret and the
// certificates.
func (a *AccessFlags) Check(p *Problems) {
	var err error
	if a.secret, a.warning, err = readSecret(a.SecretFile); err != nil {
		p.Add(err.Error())
	}
	if a.authorities, err = readAuthorities(a.CAFile); err != nil {
		p.Add(err.Error())
	}
}

// SecretOrigin says whether Check found an app secret and where, and never what
// it is.
func (a *AccessFlags) SecretOrigin() string {
	switch {
	case a.secret == "":
		return "not set"
	case a.SecretFile != "":
		return "set, from the file of appSecretFile"
	default:
		return "set, from " + SecretVariable
	}
}

// ClientConfig is what a client of the service is made from, once Check has
// found nothing.
func (s *ServiceFlags) ClientConfig(calls *CallFlags, paced bool) session.Config {
	c := s.Access()
	c.BaseURL, c.AppID, c.TenantID = s.BaseURL, s.AppID, s.TenantID
	c.Timeout, c.MaxInflight = calls.Timeout, calls.InFlight(paced)
	return c
}

// Access is what of a client's configuration is of the machine that calls, once
// Check has found nothing.
func (a *AccessFlags) Access() session.Config {
	return session.Config{
		AppSecret: a.secret, UserAgent: "bulkonboard/" + Version(), Authorities: a.authorities, NoProxy: a.noProxyEnv,
	}
}

// AccessFor is Access for the calls of a job.
func (a *AccessFlags) AccessFor(j *chunks.Job) session.Config {
	c, target, calls := a.Access(), &j.Service, &j.Calls
	c.BaseURL, c.AppID, c.TenantID = target.BaseURL, target.AppID, target.TenantID
	c.Timeout, c.MaxInflight = calls.Timeout, calls.MaxInFlight
	return c
}

// Client makes a client, and says by v what is worth knowing about the secret's
// file and the way that calls take.
func (a *AccessFlags) Client(c session.Config, v *Voice) (*session.Client, error) {
	client, err := session.New(c)
	if err != nil {
		return nil, Problems{err.Error()}
	}
	if a.warning != "" {
		v.Say("%s", a.warning)
	}
	if proxy := client.Proxy(); proxy != "" {
		v.Say("calls go through the proxy %s, by the environment; --no-proxy-env goes without", OneLine(proxy))
	}
	return client, nil
}

// CallFlags are the bounds of calls.
type CallFlags struct {
	maxInFlight                    string
	given                          int // attempts under way at once; 0: as many as the rate asks for
	MaxAttempts                    int
	Timeout, MaxBackoff, MaxOutage time.Duration
}

const (
	// maxInFlightLimit keeps a slip of the finger from opening a million
	// connections.
	maxInFlightLimit = 4096

	// Without a number, attempts under way follow the rate and the response time
	// up to pacedInFlight. Where no rate limits them, the number does.
	pacedInFlight   = 512
	unpacedInFlight = 64
)

// Register adds the flags.
func (l *CallFlags) Register(f *pflag.FlagSet) {
	f.StringVar(&l.maxInFlight, "max-inflight", "auto", "attempts under way at once, at most; auto: as many as the rate and the response time ask for")
	f.DurationVar(&l.Timeout, "timeout", 30*time.Second, "time for one attempt")
	f.IntVar(&l.MaxAttempts, "max-attempts", 8, "attempts for one row, at most")
	f.DurationVar(&l.MaxBackoff, "max-backoff", time.Minute, "wait between two attempts for one row, at most")
	f.DurationVar(&l.MaxOutage, "max-outage", 2*time.Hour, "stop when the service has answered nothing for so long")
}

// Check finds bounds that are none.
func (l *CallFlags) Check(p *Problems) {
	if l.maxInFlight != "auto" {
		n, err := strconv.Atoi(l.maxInFlight)
		if err != nil || n < 1 || n > maxInFlightLimit {
			p.Add(fmt.Sprintf("--max-inflight is %s; it takes auto, or 1 to %d", l.maxInFlight, maxInFlightLimit))
		}
		l.given = n
	}
	if l.MaxAttempts < 1 {
		p.Add(fmt.Sprintf("--max-attempts is %d; it takes 1 or more", l.MaxAttempts))
	}
	p.positive("timeout", l.Timeout)
	p.positive("max-backoff", l.MaxBackoff)
	p.positive("max-outage", l.MaxOutage)
}

// InFlight is how many attempts may be under way at once, with or without a rate
// that limits them.
func (l *CallFlags) InFlight(paced bool) int {
	switch {
	case l.given > 0:
		return l.given
	case paced:
		return pacedInFlight
	}
	return unpacedInFlight
}

// GraceFlag is how long the calls in flight have.
type GraceFlag struct{ Grace time.Duration }

// Register adds the flag.
func (g *GraceFlag) Register(f *pflag.FlagSet) {
	f.DurationVar(&g.Grace, "grace", 30*time.Second, "time for the calls in flight when the run is told to stop")
}

// Check finds a time that is none.
func (g *GraceFlag) Check(p *Problems) {
	if g.Grace < 0 {
		p.Add(fmt.Sprintf("--grace is %s; it takes zero or more", g.Grace))
	}
}
