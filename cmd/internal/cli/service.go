package cli

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bulkonboard/batch/chunks"
	"bulkonboard/batch/session"
)

// ServiceFlags say which service is called, as whom, and by which way.
type ServiceFlags struct {
	Target TargetFlags
	Access AccessFlags
}

// Register gives a command the flags.
func (s *ServiceFlags) Register(c *cobra.Command) {
	s.Target.register(c.Flags())
	s.Access.Register(c)
}

// Check finds what is missing or wrong, and reads the secret and the
// certificates.
func (s *ServiceFlags) Check(p *Problems) {
	s.Target.check(p)
	s.Access.Check(p)
}

// TargetFlags say which service is called, and for whom.
type TargetFlags struct{ BaseURL, AppID, TenantID, FormID string }

// register adds the flags.
func (t *TargetFlags) register(f *pflag.FlagSet) {
	f.StringVar(&t.BaseURL, "base-url", "", "address of the service: a `URL` without /api/…")
	f.StringVar(&t.AppID, "app-id", "", "application `ID`")
	f.StringVar(&t.TenantID, "tenant-id", "", "tenant `ID`")
	f.StringVar(&t.FormID, "form-id", "", "form `ID`, for rows without one of their own")
}

// check finds what is missing or wrong.
func (t *TargetFlags) check(p *Problems) {
	p.Need("base-url", t.BaseURL)
	if t.BaseURL != "" {
		if err := session.ValidateBaseURL(t.BaseURL); err != nil {
			p.Add("--base-url: " + err.Error())
		}
	}
	p.Need("app-id", t.AppID)
	p.Need("tenant-id", t.TenantID)
	p.Need("form-id", t.FormID)
}

// AccessFlags say with what secret and by which way a service is called. They
// are of the machine that calls.
type AccessFlags struct {
	caFile string

	noProxyEnv bool

	secret      secretSource
	certificate KeyPair
	warning     string         // about the file of the certificate's key
	authorities *x509.CertPool // of --ca-file; nil: those of the system
	renew       func(context.Context) (session.Secret, error)
}

// Register gives a command the flags.
func (a *AccessFlags) Register(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&a.secret.file, "app-secret-file", "", "`FILE` with the app secret (or "+SecretVariable+")")
	f.StringVar(&a.secret.command, "app-secret-command", "", "`COMMAND` that prints the app secret, such as \"vault kv get -field=secret kv/kyc\"; it is run without a shell")
	f.StringVar(&a.caFile, "ca-file", "", "PEM `FILE` with the authorities to trust, in place of the system's")
	f.StringVar(&a.certificate.CertFile, "client-cert-file", "", "PEM `FILE` with the client certificate (mTLS); read again when it changes")
	f.StringVar(&a.certificate.KeyFile, "client-key-file", "", "PEM `FILE` with the key of that certificate")
	f.BoolVar(&a.noProxyEnv, "no-proxy-env", false, "ignore the proxy in the environment (HTTPS_PROXY)")
	for _, name := range []string{"app-secret-file", "ca-file", "client-cert-file", "client-key-file"} {
		_ = c.MarkFlagFilename(name)
	}
}

// Files are the files that are read, by the flags that name them.
func (a *AccessFlags) Files() map[string]string {
	return map[string]string{
		"--app-secret-file": a.secret.file, "--ca-file": a.caFile, "--client-cert-file": a.certificate.CertFile, "--client-key-file": a.certificate.KeyFile,
	}
}

// Check finds what is missing or wrong, and reads the secret and the
// certificates.
func (a *AccessFlags) Check(p *Problems) {
	a.secret.check(p)
	a.warning = a.certificate.Check(p, "client-cert-file", "client-key-file")
	var err error
	if a.authorities, err = readAuthorities(a.caFile); err != nil {
		p.Add(err.Error())
	}
}

// Given reports whether it is said where the app secret is from.
func (a *AccessFlags) Given() bool {
	return a.secret.file != "" || a.secret.command != "" || os.Getenv(SecretVariable) != ""
}

// SecretOrigin says whether Check found an app secret and where, and never what
// it is.
func (a *AccessFlags) SecretOrigin() string { return a.secret.origin() }

// ClientConfig is what a client of the service is made from, once Check has
// found nothing.
func (s *ServiceFlags) ClientConfig(calls *CallFlags, paced bool) session.Config {
	c := s.Access.Access()
	c.BaseURL, c.AppID, c.TenantID = s.Target.BaseURL, s.Target.AppID, s.Target.TenantID
	c.Timeout, c.MaxInFlight = calls.Timeout, calls.InFlight(paced)
	return c
}

// Access is what of a client's configuration is of the machine that calls, once
// Check has found nothing.
func (a *AccessFlags) Access() session.Config {
	c := session.Config{
		AppSecret: a.secret.last(), UserAgent: "bulkonboard/" + Version(), Authorities: a.authorities, NoProxy: a.noProxyEnv, Renew: a.renew,
	}
	if a.certificate.Given() {
		c.Certificate = a.certificate.Get
	}
	return c
}

// AccessFor is Access for the calls of a job.
func (a *AccessFlags) AccessFor(j *chunks.Job) session.Config {
	c, target, calls := a.Access(), &j.Service, &j.Calls
	c.BaseURL, c.AppID, c.TenantID = target.BaseURL, target.AppID, target.TenantID
	c.Timeout, c.MaxInFlight = calls.Timeout, calls.MaxInFlight
	return c
}

// Client makes a client, and says by v what is worth knowing about the secret's
// file and the way that calls take. A command that prints the secret is run now.
func (a *AccessFlags) Client(ctx context.Context, c session.Config, v *Voice) (*session.Client, error) {
	a.secret.people = v.aside("--app-secret-command")
	if c.AppSecret == "" {
		var err error
		if c.AppSecret, err = a.secret.get(ctx); err != nil {
			return nil, Problems{err.Error()}
		}
	}
	if a.secret.renewable() {
		a.renew = a.renewing(v)
		c.Renew = a.renew
	}
	client, err := session.New(c)
	if err != nil {
		return nil, Problems{err.Error()}
	}
	for _, warning := range []string{a.secret.warning, a.warning} {
		if warning != "" {
			v.Say("%s", warning)
		}
	}
	if proxy := client.Proxy(); proxy != "" {
		v.Say("calls go through the proxy %s, by the environment; --no-proxy-env goes without", OneLine(proxy))
	}
	return client, nil
}

// renewing reads the secret again once the service has refused it.
func (a *AccessFlags) renewing(v *Voice) func(context.Context) (session.Secret, error) {
	return func(ctx context.Context) (session.Secret, error) {
		before := a.secret.last()
		secret, err := a.secret.renew(ctx)
		switch {
		case err != nil:
			v.Say("the service refuses the app secret, and it cannot be read again: %v", err)
		case secret == before:
			v.Say("the service refuses the app secret; read again, it is the same")
		default:
			v.Say("the service refused the app secret; read again, it is another one, and the calls that were refused go again with it")
		}
		return secret, err
	}
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
	f.StringVar(&l.maxInFlight, "max-inflight", "auto", "attempts in flight at most: a `NUMBER`, or auto (as many as the rate needs)")
	f.DurationVar(&l.Timeout, "timeout", 30*time.Second, "time limit of one attempt")
	f.IntVar(&l.MaxAttempts, "max-attempts", 8, "attempts that count against a row, at most")
	f.DurationVar(&l.MaxBackoff, "max-backoff", time.Minute, "longest wait between two attempts for one row")
	f.DurationVar(&l.MaxOutage, "max-outage", 2*time.Hour, "stop when the service has been unavailable for this long")
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
