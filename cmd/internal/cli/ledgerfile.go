package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"bulkonboard/batch/ledger"
	"bulkonboard/batch/state"
)

// LedgerFile says which ledger is used; without a path there is none.
type LedgerFile struct{ Path, KeyFile string }

// Register gives a command the flags. What says what the ledger is for.
func (l *LedgerFile) Register(c *cobra.Command, what string) {
	f := c.Flags()
	f.StringVar(&l.Path, "ledger", "", what)
	f.StringVar(&l.KeyFile, "ledger-key-file", "", "file of the ledger's key (default: the ledger's name and .key)")
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
	release func() error
}

// Open waits so long for the ledger and opens it. Others that want it are told
// the command.
func (l *LedgerFile) Open(ctx context.Context, fsys state.FS, command string, wait time.Duration) (*OpenedLedger, error) {
	for flag, path := range map[string]string{"--ledger": l.Path, "--ledger-key-file": l.KeyPath()} {
		if err := state.CheckLink(path); err != nil {
			return nil, fmt.Errorf("%s: %w", flag, err)
		}
	}
	release, err := state.Hold(ctx, fsys, l.Path, command, wait)
	if err != nil {
		return nil, err
	}
	opened, err := ledger.Open(l.Path, l.KeyPath())
	if err != nil {
		return nil, errors.Join(err, release())
	}
	return &OpenedLedger{opened, release}, nil
}

// Close lets go of the ledger. What was put is durable already, so only the
// lock can be left behind.
func (o *OpenedLedger) Close() error {
	_ = o.Ledger.Close()
	return o.release()
}
