package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bulkonboard/source"
)

// listExtensions are those by which a mistyped name is still known for a list.
var listExtensions = []string{".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".xlsx", ".ods", ".gz", ".zst"}

// mistake is something wrong with a command line.
func mistake(format string, args ...any) error { return Problems{fmt.Sprintf(format, args...)} }

// looksLikeFile reports a word that may be shown since it names a file: anything
// else may be a secret that was typed in the wrong place.
func looksLikeFile(word string) bool {
	if slices.Contains(listExtensions, strings.ToLower(filepath.Ext(word))) {
		return true
	}
	info, err := os.Stat(word)
	return err == nil && (info.Mode().IsRegular() || info.IsDir())
}

// noSuchCommand says what a word that is not a command may have meant.
func noSuchCommand(c *cobra.Command, word string) error {
	if looksLikeFile(word) && !c.HasParent() {
		return mistake("%s is a file and not a command; to send it: %s run --input %s --output RESULTS", OneLine(word), Program(), Quoted(word))
	}
	text := fmt.Sprintf("there is no command %s", OneLine(word))
	if near := nearestCommand(c, word); near != "" {
		return mistake("%s; did you mean %s %s?", text, c.CommandPath(), near)
	}
	return mistake("%s; %s --help lists the commands", text, c.CommandPath())
}

// nearestCommand is the command that a mistyped word is closest to, or "".
func nearestCommand(c *cobra.Command, word string) string {
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return Nearest(word, names)
}

// Nearest is the one of several names that a mistyped word is closest to, or ""
// when none is close.
func Nearest(word string, names []string) string {
	best, distance := "", max(2, len(word)/3)+1
	for _, name := range names {
		d := source.Distance(word, name)
		if len(word) > 2 && strings.HasPrefix(name, word) {
			d = min(d, 1)
		}
		if d < distance {
			best, distance = name, d
		}
	}
	return best
}

// ListArgument lets a command take its list as an argument in place of --input.
func ListArgument(c *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case len(args) > 1:
		return mistake("%s takes one list; something else stands before a flag or after its value, which is not shown as it may be a secret", c.Name())
	case c.Flags().Changed("input"):
		return mistake("%s takes one list: --input names it, and something else stands before a flag or after its value, which is not shown as it may be a secret", c.Name())
	case !looksLikeFile(args[0]) && args[0] != standardInput:
		return mistake("%s was given a list that does not exist (its name is not shown: it may be a secret); name it with --input LIST", c.Name())
	}
	return c.Flags().Set("input", args[0])
}

// OneArgument lets a command take one argument, which is named as in "the folder:
// bulkonboard man FOLDER".
func OneArgument(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch len(args) {
		case 0:
			return mistake("name %s", what)
		case 1:
			return nil
		}
		return mistake("name %s; %d were given", what, len(args))
	}
}

// flagMistake says what is wrong with a flag, and what to type.
func flagMistake(c *cobra.Command, err error) error {
	var (
		unknown *pflag.NotExistError
		bare    *pflag.ValueRequiredError
		invalid *pflag.InvalidValueError
	)
	switch {
	case errors.As(err, &unknown):
		return noSuchFlag(c, unknown)
	case errors.As(err, &bare):
		return mistake("--%s needs a value; see %s --help", bare.GetFlag().Name, c.CommandPath())
	case errors.As(err, &invalid):
		f := invalid.GetFlag()
		return mistake("--%s is %q; it takes %s", f.Name, invalid.GetValue(), takes(f, invalid.Unwrap()))
	}
	return mistake("%v; see %s --help", err, c.CommandPath())
}

// noSuchFlag says what a flag that there is not may have meant.
func noSuchFlag(c *cobra.Command, e *pflag.NotExistError) error {
	if gone, yes := insteadOf(c, e.GetSpecifiedName()); yes {
		return mistake("%s; see %s --help", gone, c.CommandPath())
	}
	if short := e.GetSpecifiedShortnames(); short != "" {
		return noSuchShort(c, short)
	}
	name := e.GetSpecifiedName()
	if meansSecret(name) {
		return errSecretFlag
	}
	if near := nearestFlag(c, name); near != "" {
		return mistake("there is no flag --%s; did you mean --%s?", name, near)
	}
	return mistake("%s has no flag --%s; see %s --help", c.Name(), name, c.CommandPath())
}

// noSuchShort says what something with a single dash may have meant. A letter
// means no more than itself; a word may be a flag that lacks its second dash. Any
// other word is not shown behind its first letter, since it may be a secret.
func noSuchShort(c *cobra.Command, typed string) error {
	name, _, _ := strings.Cut(typed, "=")
	shown := name
	if _, first := utf8.DecodeRuneInString(name); len(name) > first {
		if gone, yes := insteadOf(c, name); yes {
			return mistake("%s; see %s --help", gone, c.CommandPath())
		}
		if meansSecret(name) {
			return errSecretFlag
		}
		if near := nearestFlag(c, name); near != "" {
			return missingDash(name, near)
		}
		shown = name[:first] + "…"
	}
	return mistake("%s has no flag %s; see %s --help", c.Name(), OneLine("-"+shown), c.CommandPath())
}

// missingDash says that a flag has two dashes.
func missingDash(typed, flag string) error {
	return mistake("there is no flag -%s; did you mean --%s, with two dashes?", typed, flag)
}

// swallowed finds a flag that lacks its second dash and begins with a letter that
// is a flag by itself: -output would be -o with the value utput.
func swallowed(c *cobra.Command) (err error) {
	c.Flags().Visit(func(f *pflag.Flag) {
		if f.Shorthand == "" {
			return
		}
		name, _, _ := strings.Cut(f.Shorthand+f.Value.String(), "=")
		if len(name) > 1 && c.Flags().Lookup(name) != nil {
			err = missingDash(name, name)
		}
	})
	return err
}

// meansSecret reports the names under which people look for a flag with the secret.
func meansSecret(name string) bool {
	return slices.Contains([]string{"app-secret", "secret", "appsecret", "password"}, name)
}

// errSecretFlag says that there is no such flag.
var errSecretFlag = mistake("the app secret is never a flag: name its file with --app-secret-file, or set %s", SecretVariable)

// nearestFlag is the flag of a command that a mistyped name is closest to, or "".
func nearestFlag(c *cobra.Command, name string) string {
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	return Nearest(name, names)
}
