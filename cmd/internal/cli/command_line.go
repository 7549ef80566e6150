package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bulkonboard/source"
)

// CommandLine is the command of this process as it can be typed again. It is
// kept in files and told to others, so values that may be a customer's own, or a
// secret, are not in it.
func CommandLine() string { return commandLine(os.Args) }

// Program is this program as it was called, for commands that people are told.
func Program() string { return Quoted(os.Args[0]) }

func commandLine(args []string) string {
	out := make([]string, len(args))
	hidden := "" // the flag whose value comes next
	for i, arg := range args {
		flag, value, whole := strings.Cut(arg, "=")
		name := strings.TrimPrefix(flag, "--")
		switch {
		case hidden != "":
			arg, hidden = told(hidden, arg), ""
		case name == flag || hides[name] == nil:
		case whole:
			arg = flag + "=" + told(name, value)
		default:
			hidden = name
		}
		out[i] = Quoted(arg)
	}
	return strings.Join(out, " ")
}

// hides has the flags whose values are not kept and told as they are.
var hides = map[string]func(value string) string{
	"set":                source.WithoutDetails,
	"app-secret-command": programOf,
}

// keyFiles are the flags that name a file in which there is a secret.
var keyFiles = []string{"app-secret-file", "client-key-file", "api-key-file", "tls-key-file"}

// nameOfFile is the name of a file that is there. What is none may be the secret
// itself, typed by mistake.
func nameOfFile(value string) string {
	if _, err := filepath.EvalSymlinks(value); err != nil && value != "" {
		return "…"
	}
	return value
}

// told is the value of a flag as it may be kept and told.
func told(flag, value string) string {
	if hide := hides[flag]; hide != nil {
		return hide(value)
	}
	return value
}

func toldEach(flag string, values []string) []string {
	out := make([]string, len(values))
	for i, value := range values {
		out[i] = told(flag, value)
	}
	return out
}

// settingOf is what is said about a setting that was not looked at yet.
func settingOf(flag, value string) string {
	if slices.Contains(keyFiles, flag) {
		return nameOfFile(value)
	}
	return told(flag, value)
}

// programOf is the first word of a command: what follows may be a token.
func programOf(command string) string {
	program, _, more := strings.Cut(strings.TrimSpace(command), " ")
	if more {
		program += " …"
	}
	return program
}
