package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"bulkonboard/cmd/internal/cli"
)

func ledgerCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "ledger",
		Short: "Manage the ledger of customers from earlier runs",
		Long: `The ledger of run --ledger keeps, across lists and nights, the session id of each
customer, when it was obtained, and a digest of the fields that were sent. It
names no customer: each is an HMAC under a key that is in another file.`,
		Args: cli.Commands,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(ledgerStatsCommand(), ledgerProblemsCommand(), ledgerCheckCommand(), ledgerCreateCommand(), ledgerImportCommand(), ledgerExportCommand(), ledgerForgetCommand(), ledgerExpireCommand())
	return c
}

// checkNamed is check for commands that need a ledger.
func (l *ledgerFile) checkNamed() error {
	var p cli.Problems
	p.Need("ledger", l.Path)
	l.check(&p)
	return p.Err()
}

// existing is check for commands that are about a ledger that is there, or was.
func (l *ledgerFile) existing() error {
	if err := l.checkNamed(); err != nil {
		return err
	}
	if !l.madeBefore() {
		return cli.Problems{fmt.Sprintf("--ledger: there is no ledger %s; a ledger is made by run --ledger and by ledger import", l.Path)}
	}
	return nil
}

// madeBefore reports a ledger that is there, or was: its key is.
func (l *ledgerFile) madeBefore() bool {
	for _, name := range []string{l.Path, l.KeyPath()} {
		if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}

// ofLedger makes a command that does something with a ledger that is there.
func ofLedger(c *cobra.Command, do func(*cobra.Command, []string, *cli.OpenedLedger) error, checks ...func() error) *cobra.Command {
	var l ledgerFile
	c.Flags().SortFlags = false
	l.register(c, "file of the ledger")
	cli.TakesConfig(c, jobFamily)
	c.RunE = func(c *cobra.Command, args []string) error {
		if _, err := cli.Settle(c, append([]func() error{l.existing}, checks...)...); err != nil {
			return err
		}
		return l.with(c, func(opened *cli.OpenedLedger) error { return do(c, args, opened) })
	}
	return c
}

// with opens the ledger for as long as something is done with it.
func (l *ledgerFile) with(c *cobra.Command, do func(*cli.OpenedLedger) error) error {
	opened, err := l.openLedger(c.Context(), c.CommandPath())
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }() // what was put is durable already
	for _, note := range opened.Notes {
		fmt.Fprintln(c.ErrOrStderr(), note)
	}
	return do(opened)
}
