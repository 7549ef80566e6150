package cli

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"bulkonboard/batch/chunks"
	"bulkonboard/batch/measure"
	"bulkonboard/batch/preflight"
)

// JobFlags say what a job is that several machines work on.
type JobFlags struct {
	List    ListFlags
	Service TargetFlags
	Calls   CallFlags

	// Invalid is how many rows may be invalid, and Rows how many there must be,
	// once Check has found nothing.
	Invalid measure.Limit
	Rows    preflight.RowLimit
	MinRows string // as it was given

	rate, duplicates, maxInvalid string
	formulaSafe                  bool
	maxFailures                  string
	failures                     measure.Limit
	parallel                     int
	chunkRows                    int64
	perSecond                    float64
}

// Register gives a command the flags.
func (j *JobFlags) Register(c *cobra.Command) {
	f := c.Flags()
	j.List.Register(f)
	f.Lookup("input").Usage = "customer `LIST` to send, a file: CSV, JSONL or an Excel workbook (.xlsx)" // every machine reads it
	RegisterMaxInvalid(f, &j.maxInvalid, "plan")
	RegisterMinRows(f, &j.MinRows, "plan")
	f.BoolVar(&j.formulaSafe, "formula-safe", false, "write an apostrophe before cells of CSV results that a spreadsheet would run as a formula")
	j.Service.register(f)
	f.StringVar(&j.rate, "rate", "", "attempts per second at most, of all machines together: a `NUMBER`, or 0 for no limit")
	f.IntVar(&j.parallel, "parallel", 4, "chunks at once, at most; each has its share of the rate")
	f.Int64Var(&j.chunkRows, "chunk-rows", 0, "rows of a chunk (default: as fits the rate, some minutes at most)")
	j.Calls.Register(f)
	RegisterDuplicates(f, &j.duplicates)
	RegisterMaxFailures(f, &j.maxFailures, "stop a chunk")
	_ = c.MarkFlagFilename("input")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"auto", "csv", "jsonl"}, cobra.ShellCompDirectiveNoFileComp))
}

// maxParallel keeps a slip of the finger from opening a million connections.
const maxParallel = 1000

// Check finds what is missing or wrong.
func (j *JobFlags) Check(p *Problems) {
	j.List.Check(p)
	j.Service.check(p)
	j.Calls.Check(p)
	j.Invalid, j.Rows = CheckMaxInvalid(p, j.maxInvalid), CheckMinRows(p, j.MinRows)
	var err error
	if j.perSecond, err = ParseRate(j.rate); err != nil {
		p.Add(fmt.Sprintf("--rate is %q; it takes attempts per second such as 50, or 0 for no ceiling: several machines cannot search for the pace together", j.rate))
	}
	if j.parallel < 1 || j.parallel > maxParallel {
		p.Add(fmt.Sprintf("--parallel is %d; it takes 1 to %d", j.parallel, maxParallel))
	}
	if n := j.Calls.InFlight(j.perSecond > 0); n < j.parallel {
		p.Add(fmt.Sprintf("--max-inflight is %d, and each of --parallel %d chunks needs one: lower --parallel", n, j.parallel))
	}
	if j.chunkRows < 0 {
		p.Add(fmt.Sprintf("--chunk-rows is %d; it takes zero or more", j.chunkRows))
	}
	j.failures = CheckMaxFailures(p, j.maxFailures)
	CheckDuplicates(p, j.duplicates)
}

// ParseRate reads a rate in attempts per second; 0 means no ceiling.
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
			Name: j.List.Name(), Format: j.List.format, Encoding: j.List.encoding, Delimiter: j.List.delimiter, Sheet: j.List.sheet, Map: j.List.columns, Set: j.List.constants,
		},
		Service: chunks.ServiceSettings{BaseURL: j.Service.BaseURL, AppID: j.Service.AppID, TenantID: j.Service.TenantID, FormID: j.Service.FormID},
		Bounds: chunks.Bounds{
			Rate: j.perSecond, MaxFailures: j.failures,
			Calls: chunks.CallSettings{
				Timeout: j.Calls.Timeout, MaxInFlight: j.Calls.InFlight(j.perSecond > 0), MaxAttempts: j.Calls.MaxAttempts,
				MaxBackoff: j.Calls.MaxBackoff, MaxOutage: j.Calls.MaxOutage,
			},
		},
		Parallel: j.parallel, ChunkRows: j.chunkRows,
		EachRow: j.duplicates == "send", FormulaSafe: j.formulaSafe, Settings: settings,
	}
}
