package cli

// Flags that several commands have, of both programs: each is registered here,
// with the same words, and checked here.

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bulkonboard/batch/measure"
	"bulkonboard/batch/preflight"
)

// RegisterMaxInvalid adds a flag. Does says what is not done beyond the limit,
// such as send.
func RegisterMaxInvalid(f *pflag.FlagSet, limit *string, does string) {
	f.StringVar(limit, "max-invalid", "20%", does+" nothing if more rows than this are invalid: a `NUMBER` or a share such as 20%")
}

// CheckMaxInvalid reads the flag.
func CheckMaxInvalid(p *Problems, text string) measure.Limit {
	limit, err := measure.ParseLimit(text, 0)
	if err != nil {
		p.Add("--max-invalid: " + err.Error())
	}
	return limit
}

// RegisterMinRows adds a flag. Does says what is not done below the limit, such as
// send.
func RegisterMinRows(f *pflag.FlagSet, limit *string, does string) {
	f.StringVar(limit, "min-rows", "", does+" nothing if the list has fewer rows than this: a `NUMBER`, or a share of the rows of the last complete run, which the ledger knows (default: 90%, or 1 where no such run is known)")
}

// CheckMinRows reads the flag.
func CheckMinRows(p *Problems, text string) preflight.RowLimit {
	limit, err := preflight.ParseRowLimit(text)
	if err != nil {
		p.Add("--min-rows: " + err.Error())
	}
	return limit
}

// RegisterMaxFailures adds a flag. What says what stops.
func RegisterMaxFailures(f *pflag.FlagSet, limit *string, what string) {
	f.StringVar(limit, "max-failures", "", what+" when more rows than this are rejected or failed: a `NUMBER` or a share such as 5%. Without it, the run also stops when the first ten rows are rejected with the same message")
}

// CheckMaxFailures reads the flag; without it there is no limit.
func CheckMaxFailures(p *Problems, text string) measure.Limit {
	if text == "" {
		return measure.Limit{}
	}
	limit, err := measure.ParseLimit(text, 1)
	if err != nil {
		p.Add("--max-failures: " + err.Error())
	}
	return limit
}

// RegisterDuplicates adds a flag.
func RegisterDuplicates(f *pflag.FlagSet, duplicates *string) {
	f.StringVar(duplicates, "duplicates", "once", "`once` sends a customer with several rows once; send sends every row")
}

// CheckDuplicates finds a --duplicates that is none.
func CheckDuplicates(p *Problems, duplicates string) {
	if duplicates != "once" && duplicates != "send" {
		p.Add(fmt.Sprintf("--duplicates is %q; it takes once or send", duplicates))
	}
}

// RegisterGrace adds a flag: how long the calls in flight have.
func RegisterGrace(f *pflag.FlagSet, grace *time.Duration) {
	f.DurationVar(grace, "grace", 30*time.Second, "time for calls in flight to finish when the run is stopped")
}

// CheckGrace finds a time that is none.
func CheckGrace(p *Problems, grace time.Duration) {
	if grace < 0 {
		p.Add(fmt.Sprintf("--grace is %s; it takes zero or more", grace))
	}
}

// RegisterFlushEvery adds a flag. Place says where the answers are put.
func RegisterFlushEvery(f *pflag.FlagSet, every *time.Duration, place string) {
	f.DurationVar(every, "flush-every", 250*time.Millisecond, "put the answers into "+place+" so often; what is not there yet is sent again should this machine die")
}

// CheckFlushEvery finds a time that is none.
func CheckFlushEvery(p *Problems, every time.Duration) {
	if every < time.Millisecond {
		p.Add(fmt.Sprintf("--flush-every is %s; it takes 1ms or more", every))
	}
}

// RegisterScratch gives a command --scratch. Holds says what is in the folder.
func RegisterScratch(c *cobra.Command, in *string, holds string) {
	c.Flags().StringVar(in, "scratch", "", "folder for temporary files: "+holds+" (default: "+filepath.Clean(os.TempDir())+" or what TMPDIR says)")
	_ = c.MarkFlagDirname("scratch")
}
