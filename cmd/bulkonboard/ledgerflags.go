package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bulkonboard/batch"
	"bulkonboard/batch/ledger"
	"bulkonboard/batch/state"
	"bulkonboard/cmd/internal/cli"
)

// ledgerFile says which ledger is used. Every command that has one does.
type ledgerFile struct {
	path, keyFile string
	wait          time.Duration
}

func (l *ledgerFile) register(c *cobra.Command, what string) {
	f := c.Flags()
	f.StringVar(&l.path, "ledger", "", what)
	f.StringVar(&l.keyFile, "ledger-key-file", "", "file of the ledger's key (default: the ledger's name and .key)")
	f.DurationVar(&l.wait, "wait", 0, "wait so long for the ledger while another job is at it; 0 gives up at once")
	for _, name := range []string{"ledger", "ledger-key-file"} {
		_ = c.MarkFlagFilename(name)
	}
}

func (l *ledgerFile) check(p *cli.Problems) {
	if l.wait < 0 {
		p.Add(fmt.Sprintf("--wait is %s; it takes zero or more", l.wait))
	}
	if l.path == "" {
		return
	}
	if info, err := os.Stat(filepath.Dir(l.path)); err != nil || !info.IsDir() {
		p.Add(fmt.Sprintf("--ledger: there is no folder %s", filepath.Dir(l.path)))
	}
}

// keyPath is the file of the ledger's key; "" without a ledger.
func (l *ledgerFile) keyPath() string {
	if l.keyFile == "" && l.path != "" {
		return l.path + ".key"
	}
	return l.keyFile
}

// openedLedger is a ledger that no other process has open.
type openedLedger struct {
	*ledger.Ledger
	release func() error
}

// openLedger waits for the ledger and opens it. Others that want it are told
// the command.
func (l *ledgerFile) openLedger(ctx context.Context, command string) (*openedLedger, error) {
	release, err := state.Hold(ctx, fileSystem, l.path, command, l.wait)
	if err != nil {
		return nil, err
	}
	opened, err := ledger.Open(l.path, l.keyPath())
	if err != nil {
		_ = release()
		return nil, err
	}
	return &openedLedger{opened, release}, nil
}

// Close lets go of the ledger. What was put is durable already.
func (o *openedLedger) Close() {
	_ = o.Ledger.Close()
	_ = o.release()
}

// ledgerSettings are how a run uses its ledger.
type ledgerSettings struct {
	ledgerFile
	ttlText       string
	whenChanged   string
	retryRejected bool

	ttl time.Duration // less than zero: never expires
	id  string        // of the ledger that is open
}

func (l *ledgerSettings) register(c *cobra.Command) {
	f := c.Flags()
	l.ledgerFile.register(c, "file of what is known of each customer from earlier nights; made when there is none. Who is known and has not changed is not called again")
	f.StringVar(&l.ttlText, "session-ttl", "never", "how long a session id of the ledger is good, such as 90d or 12h; 0 asks for every customer again")
	f.StringVar(&l.whenChanged, "when-changed", "call", "what to do when the fields of a known customer differ from those sent: call, or keep the session id that is known")
	f.BoolVar(&l.retryRejected, "retry-rejected", false, "send again customers that were refused on an earlier night and have not changed since")
	_ = c.RegisterFlagCompletionFunc("when-changed", cobra.FixedCompletions([]string{"call", "keep"}, cobra.ShellCompDirectiveNoFileComp))
}

func (l *ledgerSettings) check(p *cli.Problems) {
	l.ledgerFile.check(p)
	l.ttl = -1
	if l.ttlText != "never" {
		var err error
		if l.ttl, err = parseDays(l.ttlText); err != nil {
			p.Add(fmt.Sprintf("--session-ttl is %q; it takes never, or a time such as 90d or 12h", l.ttlText))
		}
	}
	if l.whenChanged != "call" && l.whenChanged != "keep" {
		p.Add(fmt.Sprintf("--when-changed is %q; it takes call or keep", l.whenChanged))
	}
}

// parseDays reads a time that may be in days.
func parseDays(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseFloat(days, 64)
		if err != nil || !(n >= 0) || n > 36500 {
			return 0, fmt.Errorf("%q is no number of days", days)
		}
		return time.Duration(n * 24 * float64(time.Hour)), nil
	}
	d, err := time.ParseDuration(text)
	if err == nil && d < 0 {
		err = fmt.Errorf("%s is less than nothing", d)
	}
	return d, err
}

// knownCustomers is what the ledger knows, for a run; nothing without one.
type knownCustomers struct {
	*batch.Known
	opened *openedLedger
}

func (k *knownCustomers) close() {
	if k.opened != nil {
		k.opened.Close()
	}
}

// openKnown opens the ledger of a job, if it has one. Others that want it are
// told the command.
func (l *ledgerSettings) openKnown(ctx context.Context, v *cli.Voice, command string) (*openedLedger, error) {
	if l.path == "" {
		return nil, nil //nolint:nilnil // a job need not have one
	}
	if _, err := os.Stat(l.path); errors.Is(err, fs.ErrNotExist) {
		v.Say("the ledger %s is made now and knows nobody: if there was one, stop, and look for it", cli.OneLine(l.path))
	}
	opened, err := l.openLedger(ctx, command)
	if err == nil {
		l.id = opened.ID()
	}
	return opened, err
}

// known is how a job makes use of its ledger; nil without one.
func (l *ledgerSettings) known(opened *openedLedger, tenant, formID string) *batch.Known {
	if opened == nil {
		return nil
	}
	return &batch.Known{
		Ledger: opened.Ledger, Tenant: tenant, FormID: formID, TTL: l.ttl,
		KeepChanged: l.whenChanged == "keep", RetryRejected: l.retryRejected,
	}
}

// openLedger opens the ledger of a run, if it has one. Customers of the sandbox
// are none of a tenant's; and who types retry wants the rows that were refused
// sent.
func (s *settings) openLedger(ctx context.Context, v *cli.Voice) (*knownCustomers, error) {
	opened, err := s.ledger.openKnown(ctx, v, s.ledgerUser())
	if err != nil {
		return nil, err
	}
	tenant := s.TenantID
	if s.sandbox {
		tenant = "\x00sandbox"
	}
	known := s.ledger.known(opened, tenant, s.FormID)
	if known != nil && s.retry != nil {
		known.RetryRejected = true
	}
	return &knownCustomers{known, opened}, nil
}

// ledgerUser is the job as it is told to others that want its ledger.
func (s *settings) ledgerUser() string {
	if s.retry != nil {
		return "bulkonboard retry --output " + cli.Quoted(s.output)
	}
	return "bulkonboard run --output " + cli.Quoted(s.output)
}
