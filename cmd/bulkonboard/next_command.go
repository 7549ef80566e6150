package main

import (
	"os"
	"path/filepath"
	"strings"

	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// Commands that people are told are told as they can be pasted: with the program
// as it was called, and names in the shell's quotes.

// command is a command of this program on a results file, for the folder in which
// it was started.
func command(name, results string) string {
	return cli.Program() + " " + name + " " + cli.Quoted(plainName(results))
}

// plainName is the name of a file that no command takes for a flag.
func plainName(path string) string {
	if strings.HasPrefix(path, "-") {
		return "./" + path
	}
	return path
}

// lastingCommand is command for a file that may be read in any folder.
func lastingCommand(name, results string) string {
	program := os.Args[0]
	if strings.ContainsRune(program, filepath.Separator) {
		program = absolute(program)
	}
	return cli.Quoted(program) + " " + name + " " + cli.Quoted(absolute(results))
}

func absolute(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return plainName(path)
}

// groupCommand takes up the rows with an error code: what is invalid must be
// corrected, and what the service refused or did not answer can be sent again,
// with what again says.
func groupCommand(command func(name, results string) string, results string, status sink.Status, code, again string) string {
	name := "retry"
	if status == sink.Invalid {
		name, again = "fixes", ""
	}
	return command(name, results) + " --error-code " + cli.Quoted(code) + again
}

// setAgain is what a retry must add for values that the summary does not have.
func setAgain(s *sink.Summary) string {
	text := ""
	for _, k := range s.Command.Set {
		if k.Digest != "" {
			text += " --set " + cli.Quoted(k.Field+"="+source.Hidden)
		}
	}
	return text
}

// again is what a retry with these error codes must add: setAgain, and
// where it is the command that wrote the results, that it is to be done once more.
func again(s *sink.Summary, codes []string) string {
	c, more := &s.Command, setAgain(s)
	if c.Name != "retry" || len(c.Only) > 0 || c.Fixes != "" || s.Output == nil || s.Input.Name != s.Output.Name || !sameWords(c.ErrorCodes, codes) {
		return more
	}
	return more + " --restart"
}
