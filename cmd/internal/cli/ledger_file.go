package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"bulkonboard/batch/disk"
	"bulkonboard/batch/ledger"
	"bulkonboard/batch/state"
)

// LedgerFile says which ledger is used; without a path there is none.
type LedgerFile struct {
	Path, KeyFile string

	// Owner is whose customers are looked for; zero where that is not known.
	Owner ledger.Owner
}

// Register gives a command the flags. What says what the ledger is for.
func (l *LedgerFile) Register(c *cobra.Command, what string) {
	f := c.Flags()
	f.StringVar(&l.Path, "ledger", "", what)
	f.StringVar(&l.KeyFile, "ledger-key-file", "", "`FILE` with the key of the ledger (default: LEDGER.key)")
	for _, name := range []string{"ledger", "ledger-key-file"} {
		_ = c.MarkFlagFilename(name)
	}
}

// KeyPath is the file of the ledger's key; "" without a ledger.
func (l *LedgerFile) KeyPath() string {
	if l.KeyFile == "" && l.Path != "" {
		return l.Path + ".key"
	}
	return l.KeyFile
}

// OpenedLedger is a ledger that no other process has open.
type OpenedLedger struct {
	*ledger.Ledger
	Notes   []string // for people
	release func() error
}

// Open waits for the ledger for its duration and opens it. Others that want it are told
// the command.
func (l *LedgerFile) Open(ctx context.Context, fsys disk.FS, command string, wait time.Duration) (*OpenedLedger, error) {
	for flag, path := range map[string]string{"--ledger": l.Path, "--ledger-key-file": l.KeyPath()} {
		if err := disk.CheckLink(path); err != nil {
			return nil, fmt.Errorf("%s: %w", flag, err)
		}
	}
	release, err := state.Hold(ctx, fsys, l.Path, command, wait)
	if err != nil {
		return nil, err
	}
	o := &OpenedLedger{release: release}
	if err := o.open(fsys, l); err != nil {
		return nil, errors.Join(err, release())
	}
	return o, nil
}

func (o *OpenedLedger) open(fsys disk.FS, l *LedgerFile) error {
	warning, err := l.exposedKey()
	if err != nil {
		return Problems{"--ledger-key-file: " + err.Error()}
	}
	if o.Ledger, err = ledger.Open(fsys, l.Path, l.KeyPath(), l.Owner); err != nil {
		return err
	}
	if warning != "" {
		o.Notes = append(o.Notes, warning)
	}
	if n := o.TakenOver(); n > 0 {
		of := ""
		if l.Owner.Service != "" {
			of = ", as customers of this service and application"
		}
		o.Notes = append(o.Notes, fmt.Sprintf("the ledger %s was written by an earlier version: took over %s%s", OneLine(l.Path), Counted(n, "customer"), of))
	}
	if scopes := o.Scopes(); l.Owner.Service != "" && len(scopes) > 0 && !slices.Contains(scopes, o.Hasher(l.Owner).Scope()) {
		o.Notes = append(o.Notes, fmt.Sprintf("the ledger %s has no customers of this service and application, but those of others; if you expected some, stop and check --base-url and --app-id", OneLine(l.Path)))
	}
	return nil
}

// exposedKey says who else may read the key, as for the app secret.
func (l *LedgerFile) exposedKey() (warning string, err error) {
	file, err := os.Open(l.KeyPath())
	if err != nil {
		return "", nil // a key that is not there, or cannot be read, is not exposed
	}
	defer func() { _ = file.Close() }() // it was only looked at
	return exposedFile(file, "key of the ledger")
}

// NeedsOwner asks for the service and the application where the ledger has
// customers of several.
func (o *OpenedLedger) NeedsOwner(owner ledger.Owner) error {
	if owner.Service == "" && len(o.Scopes()) > 1 {
		return Problems{"the ledger has customers of several services or applications: name --base-url and --app-id"}
	}
	return nil
}

// Close lets go of the ledger. What was put is durable already, so only the
// lock can be left behind.
func (o *OpenedLedger) Close() error {
	_ = o.Ledger.Close()
	return o.release()
}
