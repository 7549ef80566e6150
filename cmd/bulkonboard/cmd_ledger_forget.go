package main

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"bulkonboard/batch/ledger"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/source"
)

func ledgerForgetCommand() *cobra.Command {
	return ofLedger(&cobra.Command{
		Use:   "forget EMAIL --ledger LEDGER",
		Short: "Erase one person from a ledger",
		Long: `forget erases the customer with this e-mail address, of every tenant and form that
the ledger has customers of. With - the address is read from standard input, so
that it is in no shell's history. The log says by key, and not by name, what was
erased. The file is written again, so nothing of the person is left in it; copies
of it, and results files, are not touched.`,
		Example: `  bulkonboard ledger forget ann@example.com --ledger customers.db`,
		Args:    cli.OneArgument("one e-mail address: bulkonboard ledger forget EMAIL, or - to read it from standard input"),
	}, func(c *cobra.Command, args []string, l *cli.OpenedLedger) error {
		email, err := addressOf(args[0], c.InOrStdin())
		if err != nil {
			return err
		}
		return forget(l.Ledger, email, slog.New(slog.NewTextHandler(c.ErrOrStderr(), nil)))
	})
}

// addressOf is the address that was typed, or that standard input has.
func addressOf(argument string, stdin io.Reader) (string, error) {
	if argument == "-" {
		line, err := bufio.NewReader(stdin).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		argument = line
	}
	email := strings.TrimSpace(argument)
	if !strings.Contains(email, "@") {
		return "", cli.Problems{"forget takes one e-mail address, or - and the address on standard input"}
	}
	return email, nil
}

func forget(l *ledger.Ledger, email string, log *slog.Logger) error {
	of := map[ledger.Key]bool{}
	for _, form := range l.Forms() {
		of[l.KeyOf(form, source.AppendCustomerKey(nil, form.ID, email))] = true
	}
	there := map[ledger.Key]bool{}
	if err := l.Walk(func(key ledger.Key, _ []byte) error {
		if of[key] {
			there[key] = true
		}
		return nil
	}); err != nil {
		return err
	}
	if len(there) == 0 && !l.HasProblemOf(func(key ledger.Key) bool { return of[key] }) {
		log.Info("the ledger has no customer with this address", "event", "forget", "forms_looked_at", len(l.Forms()))
		return nil
	}
	if _, err := l.Forget(func(key ledger.Key) bool { return of[key] }); err != nil {
		return err
	}
	for key := range there {
		log.Info("erased from the ledger", "event", "forget", "key", key)
	}
	return nil
}
