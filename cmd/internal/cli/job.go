package cli

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bulkonboard/batch"
	"bulkonboard/batch/chunks"
	"bulkonboard/batch/preflight"
)

// JobFlags say what a job is that several machines work on.
type JobFlags struct {
	ListFlags
	TargetFlags
	CallFlags

	// Invalid is how many rows may be invalid, once Check has found nothing.
	Invalid preflight.InvalidLimit

	rate, duplicates, maxInvalid string
	formulaSafe                  bool
	maxFailures                  string
	failures                     batch.FailureLimit
	parallel                     int
	chunkRows                    int64
	perSecond                    float64
}

// Register gives a command the flags.
func (j *JobFlags) Register(c *cobra.Command) {
	f := c.Flags()
	j.ListFlags.Register(f)
	f.StringVar(&j.maxInvalid, "max-invalid", "20%", "plan nothing when more rows than this are invalid: a number, or a share such as 20%")
	f.BoolVar(&j.formulaSafe, "formula-safe", false, "put an apostrophe before input cells of CSV results that a spreadsheet would run")
	j.TargetFlags.Register(f)
	f.StringVar(&j.rate, "rate", "", "attempts per second at most, of all machines together; 0 for no ceiling")
	f.IntVar(&j.parallel, "parallel", 4, "chunks at once, at most; each has its share of the rate")
	f.Int64Var(&j.chunkRows, "chunk-rows", 0, "rows of a chunk (default: as fits the rate, some minutes at most)")
	j.CallFlags.Register(f)
	f.StringVar(&j.duplicates, "duplicates", "once", "once calls a customer that has several rows once; send calls for each row, one after the other")
	RegisterMaxFailures(f, &j.maxFailures, "stop a chunk")
	_ = c.MarkFlagFilename("input")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"auto", "csv", "jsonl"}, cobra.ShellCompDirectiveNoFileComp))
}

// maxParallel keeps a slip of the finger from opening a million connections.
const maxParallel = 1000

// Check finds what is missing or wrong.
func (j *JobFlags) Check(p *Problems) {
	j.ListFlags.Check(p)
	j.TargetFlags.Check(p)
	j.CallFlags.Check(p)
	var err error
	if j.Invalid, err = preflight.ParseInvalidLimit(j.maxInvalid); err != nil {
		p.Add("--max-invalid: " + err.Error())
	}
	if j.perSecond, err = ParseRate(j.rate); err != nil {
		p.Add(fmt.Sprintf("--rate is %q; it takes attempts per second such as 50, or 0 for no ceiling: several machines cannot search for the pace together", j.rate))
	}
	if j.parallel < 1 || j.parallel > maxParallel {
		p.Add(fmt.Sprintf("--parallel is %d; it takes 1 to %d", j.parallel, maxParallel))
	}
	if n := j.InFlight(j.perSecond > 0); n < j.parallel {
		p.Add(fmt.Sprintf("--max-inflight is %d, and each of --parallel %d chunks needs one: lower --parallel", n, j.parallel))
	}
	if j.chunkRows < 0 {
		p.Add(fmt.Sprintf("--chunk-rows is %d; it takes zero or more", j.chunkRows))
	}
	j.failures = CheckMaxFailures(p, j.maxFailures)
	CheckDuplicates(p, j.duplicates)
}

// RegisterMaxFailures adds a flag. What says what stops.
func RegisterMaxFailures(f *pflag.FlagSet, limit *string, what string) {
	f.StringVar(limit, "max-failures", "", what+" when more of its rows than this were rejected or failed: a number, or a share such as 5% (of at least 100 rows); without it the first ten rows stop it, too, when all are rejected with the same message")
}

// CheckMaxFailures reads the flag; without it there is no limit.
func CheckMaxFailures(p *Problems, text string) batch.FailureLimit {
	if text == "" {
		return batch.FailureLimit{}
	}
	limit, err := batch.ParseFailureLimit(text)
	if err != nil {
		p.Add("--max-failures: " + err.Error())
	}
	return limit
}

// CheckDuplicates finds a --duplicates that is none.
func CheckDuplicates(p *Problems, duplicates string) {
	if duplicates != "once" && duplicates != "send" {
		p.Add(fmt.Sprintf("--duplicates is %q; it takes once or send", duplicates))
	}
}

// ParseRate reads a rate in attempts per second; 0 is no ceiling.
func ParseRate(s string) (float64, error) {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || !(n >= 0) || n > 1e6 {
		return 0, errors.New("no rate")
	}
	return n, nil
}

// Job is the job, once Check has found nothing. The settings are shown in its
// summary.
func (j *JobFlags) Job(settings map[string]string) chunks.Job {
	return chunks.Job{
		List: chunks.ListSettings{
			Name: j.Name(), Format: j.format, Encoding: j.encoding, Delimiter: j.delimiter, Sheet: j.sheet, Map: j.columns, Set: j.constants,
		},
		Service: chunks.ServiceSettings{BaseURL: j.BaseURL, AppID: j.AppID, TenantID: j.TenantID, FormID: j.FormID},
		Bounds: chunks.Bounds{
			Rate: j.perSecond, MaxFailures: j.failures,
			Calls: chunks.CallSettings{
				Timeout: j.Timeout, MaxInFlight: j.InFlight(j.perSecond > 0), MaxAttempts: j.MaxAttempts,
				MaxBackoff: j.MaxBackoff, MaxOutage: j.MaxOutage,
			},
		},
		Parallel: j.parallel, ChunkRows: j.chunkRows,
		EachRow: j.duplicates == "send", FormulaSafe: j.formulaSafe, Settings: settings,
	}
}
