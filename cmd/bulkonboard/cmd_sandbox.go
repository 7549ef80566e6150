package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bulkonboard/batch/sandbox"
	"bulkonboard/batch/session"
	"bulkonboard/cmd/internal/cli"
)

// Credentials of the sandbox that runs in the process. They open nothing else.
const (
	sandboxID     = "sandbox"
	sandboxSecret = "sandbox-secret"
)

// sandboxFlags are the faults that can be asked for.
type sandboxFlags struct {
	listen  string
	options sandbox.Options
	quota   string
	token   string
	outages []string
}

func sandboxCommand() *cobra.Command {
	var f sandboxFlags
	c := &cobra.Command{
		Use:   "sandbox",
		Short: "Run a test service with faults on demand",
		Long: `sandbox serves the GetSessionId contract: every validation answer of the guide,
session ids that follow from e-mail and form, and faults on demand. GetAppToken,
which names no customer, is served for bulkonboard check. Customers
whose e-mail domain is refused.example are refused. GET /stats tells what it saw.`,
		Example: `  bulkonboard sandbox --listen 127.0.0.1:8080
  bulkonboard sandbox --latency 20ms --errors 0.05 --quota 200/s,retry-after=seconds --outage 30s-60s:503`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := cli.Settle(c, f.parse); err != nil {
				return err
			}
			return serveSandbox(c.Context(), &f, c.ErrOrStderr())
		},
	}
	f.register(c.Flags())
	cli.TakesConfig(c, sandboxFamily)
	return c
}

func (f *sandboxFlags) register(fs *pflag.FlagSet) {
	fs.SortFlags = false
	fs.StringVar(&f.listen, "listen", "127.0.0.1:8080", "address to serve on")
	fs.StringVar(&f.options.AppID, "accept-app-id", "", "accept only this application id (default: any)")
	fs.StringVar(&f.options.AppSecret, "accept-app-secret", "", "with --accept-app-id: accept only this secret, a made-up one")
	fs.StringVar(&f.options.TenantID, "accept-tenant-id", "", "accept only this tenant id (default: any)")
	fs.DurationVar(&f.options.Latency, "latency", 0, "time that every answer takes")
	fs.DurationVar(&f.options.LatencyJitter, "latency-jitter", 0, "and up to this much more, at random")
	fs.Float64Var(&f.options.ErrorShare, "errors", 0, "share of calls answered 500, such as 0.05")
	fs.Float64Var(&f.options.ResetShare, "resets", 0, "share of connections reset, half of them after the call was processed")
	fs.Float64Var(&f.options.TruncateShare, "truncated", 0, "share of answers cut off in the body")
	fs.StringVar(&f.quota, "quota", "", `calls it takes, such as "200/s", "3000/60s,window" or "50/s,bucket,burst=100"`)
	fs.IntVar(&f.options.MaxConcurrent, "concurrent", 0, "calls it takes at once (default: any number)")
	fs.StringArrayVar(&f.outages, "outage", nil, `outage such as "10s-70s:503" (refused, 503, html, hang, reset); may be given again`)
	fs.StringVar(&f.token, "token", "", "how it answers GetAppToken: none (it has no such endpoint) or faulty (with the faults above); default: as it should")
	fs.DurationVar(&f.options.ClockOff, "clock-off", 0, "how far its clock is ahead, such as 1h or -1h")
	fs.Uint64Var(&f.options.Seed, "seed", 1, "seed of the faults at random")
}

func (f *sandboxFlags) parse() error {
	var wrong cli.Problems
	var err error
	if f.quota != "" {
		if f.options.Quota, err = sandbox.ParseQuota(f.quota); err != nil {
			wrong.Add("--quota: " + err.Error())
		}
	}
	if f.options.Token, err = sandbox.ParseTokenMode(f.token); err != nil {
		wrong.Add("--token: " + err.Error())
	}
	for _, share := range []struct {
		flag  string
		value float64
	}{{"errors", f.options.ErrorShare}, {"resets", f.options.ResetShare}, {"truncated", f.options.TruncateShare}} {
		if !(share.value >= 0 && share.value <= 1) {
			wrong.Add(fmt.Sprintf("--%s is %g; it takes a share from 0 to 1, such as 0.05", share.flag, share.value))
		}
	}
	for _, text := range f.outages {
		outage, err := sandbox.ParseOutage(text)
		if err != nil {
			wrong.Add("--outage: " + err.Error())
			continue
		}
		f.options.Outages = append(f.options.Outages, outage)
	}
	return wrong.Err()
}

func serveSandbox(ctx context.Context, f *sandboxFlags, stderr io.Writer) error {
	service, ln, err := listenSandbox(ctx, f.options, f.listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "sandbox on http://%s, statistics on http://%s/stats\n", ln.Addr(), ln.Addr())
	ctx, _, release := cli.UntilSignalled(ctx, 0, func(string, ...any) {})
	defer release()
	stop := context.AfterFunc(ctx, func() { _ = service.Close() })
	defer stop()
	if err := service.Serve(ln); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

func listenSandbox(ctx context.Context, o sandbox.Options, address string) (*sandbox.Service, net.Listener, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, nil, cli.ListenProblem("--listen", address, err)
	}
	return sandbox.New(o), ln, nil
}

// startSandbox serves a sandbox without faults in this process and points the
// client at it.
func (s *settings) startSandbox(ctx context.Context, c *session.Config, v *cli.Voice) (stop func(), err error) {
	service, ln, err := listenSandbox(ctx, sandbox.Options{AppID: sandboxID, AppSecret: sandboxSecret, Latency: 2 * time.Millisecond}, "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = service.Serve(ln) // ends when stop closes it
	}()
	c.BaseURL, c.AppID, c.AppSecret, c.TenantID = "http://"+ln.Addr().String(), sandboxID, sandboxSecret, sandboxID
	if s.service.Target.FormID == "" {
		s.service.Target.FormID = sandboxID
	}
	v.Say("calling the built-in sandbox: no real service and no real person is called")
	return func() {
		_ = service.Close()
		<-served
	}, nil
}
