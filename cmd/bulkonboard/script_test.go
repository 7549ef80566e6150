package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"bulkonboard/batch/sandbox"
)

// programVariable makes the test binary be the program itself.
const programVariable = "BULKONBOARD_TEST_PROGRAM"

// hasty is what GORACE says to a program that is started by the thousand: the
// race detector would have every one wait a second before it exits.
const hasty = "atexit_sleep_ms=0"

func TestMain(m *testing.M) {
	if os.Getenv(programVariable) != "" {
		fileSystem = lethalFromEnvironment()
		main()
	}
	testscript.Main(m, map[string]func(){
		"bulkonboard": main,
	})
}

// TestScripts runs the program as a user does. Besides the usual commands,
// scripts have
//
//	sandbox NAME [flags]   start a service; $NAME is its address
//	stats NAME FIELD OP N  compare a number of its statistics
//	answer NAME STATUS BODY  start a service that always answers the same
//	rows N FILE            count the lines of a file
//	exits CODE COMMAND …   run a command that must end with this exit code
//	spreadsheet FILE       give a file the byte order mark and line ends of Excel
//	correct FILE ROW COLUMN=VALUE …  change a row of a sheet of corrections
//	seal FILE              give results that were typed the summary of their run
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "../../testdata/script",
		Setup: func(env *testscript.Env) error {
			lists, err := os.Getwd()
			if err != nil {
				return err
			}
			env.Setenv("TESTDATA", lists+"/../../testdata")
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("NL", "\n")
			env.Setenv("GORACE", hasty)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"sandbox":  startSandboxCmd,
			"stats":    statsCmd,
			"answer":   answerCmd,
			"rows":     rowsCmd,
			"exits":    exitsCmd,
			"truncate": truncateCmd,

			"spreadsheet": spreadsheetCmd,
			"seal":        sealCmd,
			"correct":     correctCmd,
		},
	})
}

func startSandboxCmd(ts *testscript.TestScript, _ bool, args []string) {
	var f sandboxFlags
	c := &cobra.Command{}
	f.register(c.Flags())
	ts.Check(c.ParseFlags(args[1:]))
	ts.Check(f.parse())
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	service := sandbox.New(f.options)
	go func() { _ = service.Serve(ln) }()
	ts.Defer(func() { _ = service.Close() })
	ts.Setenv(args[0], "http://"+ln.Addr().String())
}

func truncateCmd(ts *testscript.TestScript, _ bool, args []string) {
	size, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), size))
}

func statsCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: stats NAME FIELD OP N")
	}
	answer, err := http.Get(ts.Getenv(args[0]) + "/stats")
	ts.Check(err)
	defer answer.Body.Close()
	var stats map[string]any
	ts.Check(json.NewDecoder(answer.Body).Decode(&stats))
	got, ok := stats[args[1]].(float64)
	if !ok {
		ts.Fatalf("no number %q in %v", args[1], stats)
	}
	want, err := strconv.ParseFloat(args[3], 64)
	ts.Check(err)
	holds := map[string]bool{"==": got == want, "<=": got <= want, ">=": got >= want}
	if !holds[args[2]] {
		ts.Fatalf("%s is %v, want %s %v", args[1], got, args[2], want)
	}
}

func answerCmd(ts *testscript.TestScript, _ bool, args []string) {
	status, err := strconv.Atoi(args[1])
	ts.Check(err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if status >= 300 && status < 400 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
		fmt.Fprint(w, args[2])
	}))
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.URL)
}

func exitsCmd(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if neg || got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func spreadsheetCmd(ts *testscript.TestScript, _ bool, args []string) {
	text := strings.ReplaceAll(ts.ReadFile(args[0]), "\n", "\r\n")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte("\ufeff"+text), 0o600))
}

func rowsCmd(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := strings.Count(ts.ReadFile(args[1]), "\n")
	if (got == want) == neg {
		ts.Fatalf("%s has %d lines", args[1], got)
	}
}
