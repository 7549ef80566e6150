package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"bulkonboard/batch/known"
	"bulkonboard/batch/ledger"
	"bulkonboard/cmd/internal/cli"
)

// Which ledger a command uses, and how.

// ledgerFile says which ledger is used, and how long it is waited for. Every
// command that has one does.
type ledgerFile struct {
	cli.LedgerFile
	wait time.Duration
	id   string // of the ledger that is open
}

func (l *ledgerFile) register(c *cobra.Command, what string) {
	l.Register(c, what)
	c.Flags().DurationVar(&l.wait, "wait", 0, "how long to wait for a ledger that another job is using; 0 gives up at once")
}

func (l *ledgerFile) check(p *cli.Problems) {
	if l.wait < 0 {
		p.Add(fmt.Sprintf("--wait is %s; it takes zero or more", l.wait))
	}
	if l.Path == "" {
		return
	}
	switch info, err := os.Stat(l.Path); {
	case err != nil || info.Mode().IsRegular():
		cli.CheckFolder(p, "ledger", l.Path)
	case info.IsDir():
		p.Add(fmt.Sprintf("--ledger: %s is a folder; name a file in it, such as %s", cli.OneLine(l.Path), filepath.Join(cli.OneLine(l.Path), "customers.db")))
	default:
		p.Add(fmt.Sprintf("--ledger: %s is not an ordinary file; name the file of the ledger", cli.OneLine(l.Path)))
	}
}

func (l *ledgerFile) files() []namedFile {
	return []namedFile{{"--ledger", l.Path}, {"the key of --ledger", l.KeyPath()}}
}

// needApplication asks for the application of a service: without it no customer
// would be known.
func (l *ledgerFile) needApplication(p *cli.Problems) {
	if l.Owner.Service != "" {
		p.Need("app-id", l.Owner.Application)
	}
}

// openLedger waits for the ledger and opens it.
func (l *ledgerFile) openLedger(ctx context.Context, command string) (*cli.OpenedLedger, error) {
	return l.Open(ctx, fileSystem, command, l.wait)
}

// ledgerSettings are how a run uses its ledger.
type ledgerSettings struct {
	ledgerFile
	cli.LedgerFlags
}

func (l *ledgerSettings) register(c *cobra.Command) {
	l.ledgerFile.register(c, "ledger `FILE` of customers from earlier runs; created if there is none. Customers that are known and unchanged are not sent again")
	l.Register(c)
}

func (l *ledgerSettings) check(p *cli.Problems) {
	l.ledgerFile.check(p)
	l.Check(p)
}

// knownCustomers is what the ledger knows, for a run; nothing without one.
type knownCustomers struct {
	*known.Known
	opened *cli.OpenedLedger
}

func (k *knownCustomers) close() {
	if k.opened != nil {
		_ = k.opened.Close() // what was put is durable already
	}
}

// openKnown opens the ledger of a job, if it has one. Others that want it are
// told the command.
func (l *ledgerFile) openKnown(ctx context.Context, v *cli.Voice, command string) (*cli.OpenedLedger, error) {
	if l.Path == "" {
		return nil, nil //nolint:nilnil // a job need not have one
	}
	before := l.madeBefore()
	opened, err := l.openLedger(ctx, command)
	if err != nil {
		return nil, err
	}
	if !before {
		v.Say("created a new, empty ledger %s; if you expected an existing one, stop and check the path", cli.OneLine(l.Path))
	}
	l.id = opened.ID()
	for _, note := range opened.Notes {
		v.Say("%s", note)
	}
	return opened, nil
}

// known is how a job makes use of its ledger; nil without one. A retry sends rows
// that were refused, and is not a night: its rows are those of results.
func (l *ledgerSettings) known(opened *cli.OpenedLedger, tenant, formID string, retry bool) *known.Known {
	if opened == nil {
		return nil
	}
	return &known.Known{
		Ledger: opened.Ledger, Owner: l.Owner, Tenant: tenant, FormID: formID, TTL: l.TTL, RetryRejected: retry, Concludes: !retry,
	}
}

// sandboxOwner is whose customers those of the sandbox are: of that service, and
// of that tenant.
const sandboxOwner = "\x00sandbox"

// openLedger opens the ledger of a run, if it has one. Customers of the sandbox
// belong to no service and no tenant.
func (s *settings) openLedger(ctx context.Context, v *cli.Voice) (*knownCustomers, error) {
	tenant := s.service.Target.TenantID
	s.ledger.Owner = ledger.Owner{Service: s.service.Target.BaseURL, Application: s.service.Target.AppID}
	if s.sandbox {
		tenant, s.ledger.Owner = sandboxOwner, ledger.Owner{Service: sandboxOwner}
	}
	opened, err := s.ledger.openKnown(ctx, v, s.ledgerUser())
	if err != nil {
		return nil, err
	}
	return &knownCustomers{s.ledger.known(opened, tenant, s.service.Target.FormID, s.retry != nil), opened}, nil
}

// ledgerUser is the job as it is told to others that want its ledger.
func (s *settings) ledgerUser() string {
	if s.retry != nil {
		return "bulkonboard retry --output " + cli.Quoted(s.outputs.results)
	}
	return "bulkonboard run --output " + cli.Quoted(s.outputs.results)
}
