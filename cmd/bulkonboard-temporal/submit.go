package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bulkonboard/batch"
	"bulkonboard/batch/chunks"
	"bulkonboard/batch/store"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/source"
)

const (
	minHeartbeat = time.Second
	maxHeartbeat = 10 * time.Minute
	maxParallel  = 1000
)

// jobFlags say what a job is to do: those of submit and of schedule create.
type jobFlags struct {
	cli.ListFlags
	cli.ServiceFlags
	cli.CallFlags
	maxInvalid     string
	formulaSafe    bool
	rate           float64
	parallel       int
	chunkRows      int64
	duplicates     string
	acceptRefusals bool
	quota          string
	heartbeat      time.Duration
}

func (s *jobFlags) register(c *cobra.Command) {
	f := c.Flags()
	s.ListFlags.Register(f)
	f.StringVar(&s.maxInvalid, "max-invalid", "20%", "send nothing when more rows than this are invalid: a number, or a share such as 20%")
	f.BoolVar(&s.formulaSafe, "formula-safe", false, "put an apostrophe before input cells of CSV results that a spreadsheet would run")
	s.RegisterEndpoint(c)
	s.RegisterTenant(c)
	f.Float64Var(&s.rate, "rate", -1, "attempts per second at most, of all workers together; 0 sends as fast as they can until the service objects")
	f.StringVar(&s.quota, "quota", "", "name of the quota that the rate is a part of: one job at a time has it (default: from --base-url and --app-id)")
	f.IntVar(&s.parallel, "parallel", 4, "parts under way at once, at most; each has its share of the rate")
	f.Int64Var(&s.chunkRows, "chunk-rows", 0, "rows of a part (default: what takes some minutes at its share)")
	s.RegisterBounds(f, 9*time.Second)
	f.DurationVar(&s.heartbeat, "heartbeat", 30*time.Second, "a worker that is not heard of for so long is taken for dead")
	f.StringVar(&s.duplicates, "duplicates", "once", "once calls a customer that has several rows once; send calls for each row, one after the other")
	f.BoolVar(&s.acceptRefusals, "accept-refusals", false, "go on though the first ten rows are all refused in the same words")
	_ = c.MarkFlagFilename("input")
}

func (s *jobFlags) check(p *cli.Problems) {
	if _, err := batch.ParseInvalidLimit(s.maxInvalid); err != nil {
		p.Add("--max-invalid: " + err.Error())
	}
	s.CheckEndpoint(p)
	s.CheckTenant(p)
	if s.rate < 0 || s.rate > 1e6 {
		p.Add("--rate is missing; it takes attempts per second such as 50, or 0 for no ceiling")
	}
	if s.parallel < 1 || s.parallel > maxParallel {
		p.Add(fmt.Sprintf("--parallel is %d; it takes 1 to %d", s.parallel, maxParallel))
	}
	if s.chunkRows < 0 {
		p.Add(fmt.Sprintf("--chunk-rows is %d; it takes 1 or more", s.chunkRows))
	}
	s.CallFlags.Check(p)
	s.checkHeartbeat(p)
	if s.duplicates != "once" && s.duplicates != "send" {
		p.Add(fmt.Sprintf("--duplicates is %q; it takes once or send", s.duplicates))
	}
	if s.quota == "" {
		s.quota = quotaOf(s.BaseURL, s.AppID)
	}
	if s.quota != objectName(s.quota) {
		p.Add(fmt.Sprintf("--quota is %q; it takes letters, digits and . _ - =", s.quota))
	}
}

// checkHeartbeat keeps calls in flight from outlasting the worker's part.
func (s *jobFlags) checkHeartbeat(p *cli.Problems) {
	if s.heartbeat < minHeartbeat || s.heartbeat > maxHeartbeat {
		p.Add(fmt.Sprintf("--heartbeat is %s; it takes %s to %s", s.heartbeat, minHeartbeat, maxHeartbeat))
		return
	}
	if limit := shareOf(s.heartbeat, graceShare); s.Timeout > limit {
		p.Add(fmt.Sprintf("--timeout is %s; with --heartbeat %s it takes %s at most, so that no call outlasts its worker's part", s.Timeout, s.heartbeat, limit))
	}
}

// quotaOf is the name of a quota that nobody named.
func quotaOf(baseURL, appID string) string {
	host := ""
	if u, err := url.Parse(baseURL); err == nil {
		host = u.Host
	}
	return objectName(host + "-" + appID)
}

// request is what the flags ask for.
func (s *jobFlags) request(settings map[string]string) *request {
	return &request{
		Version: requestVersion, MaxInvalid: s.maxInvalid, Quota: s.quota, Heartbeat: s.heartbeat,
		Job: chunks.Job{
			List:    s.ListFlags.Settings(),
			Service: chunks.ServiceSettings{BaseURL: s.BaseURL, AppID: s.AppID, TenantID: s.TenantID, FormID: s.FormID},
			Calls: chunks.CallSettings{
				Timeout: s.Timeout, MaxInFlight: s.MaxInFlight, MaxAttempts: s.MaxAttempts, MaxBackoff: s.MaxBackoff,
				MaxOutage: s.MaxOutage, MaxWait: s.MaxWait,
			},
			Rate: s.rate, Parallel: s.parallel, ChunkRows: s.chunkRows, EachRow: s.duplicates == "send",
			AcceptRefusals: s.acceptRefusals, FormulaSafe: s.formulaSafe, Settings: settings,
		},
	}
}

// submitSettings are the flags of submit.
type submitSettings struct {
	store storeFlag
	jobFlags
	storeInput string
	job        string
	waiting    waitFlags
	server     serverFlags
	logs       cli.LogFlags
}

func submitCommand() *cobra.Command {
	var s submitSettings
	c := &cobra.Command{
		Use:   "submit --store STORE --input LIST --rate RATE",
		Short: "Hand a list to the workers, or go on with one",
		Long: `submit puts a list and what is to be done with it into the store, and starts it.
It returns at once, unless it is told to wait. Submitted again, the same list
with the same settings goes on where it stopped, or is waited for.

One quota has one job at a time: while it is taken, submit says by whom.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := cli.Settle(c, s.check); err != nil {
				return err
			}
			v, err := s.logs.Open(c.ErrOrStderr())
			if err != nil {
				return err
			}
			v.Of(batch.NewID(time.Now()))
			return v.Close(s.submit(c, v))
		},
	}
	s.register(c)
	return c
}

func (s *submitSettings) register(c *cobra.Command) {
	f := c.Flags()
	f.SortFlags = false
	s.store.register(c)
	s.jobFlags.register(c)
	f.StringVar(&s.storeInput, "store-input", "", "the list is in the store already, under this name; instead of --input")
	f.StringVar(&s.job, "job", "", "name of the job (default: the name of the list, and today's date)")
	s.waiting.register(c)
	s.server.register(c)
	s.logs.Register(c)
	cli.TakesConfig(c, family)
}

func (s *submitSettings) check() error {
	var p cli.Problems
	s.store.check(&p)
	switch {
	case s.storeInput != "" && s.Input != "":
		p.Add("--input and --store-input contradict each other: leave one out")
	case s.storeInput != "":
		s.Input = s.storeInput // its name, for people
		if err := store.CheckName(s.storeInput); err != nil {
			p.Add("--store-input: " + err.Error())
		}
	case s.FromStandardInput():
		p.Add("--input is standard input, and a list that is submitted again must be there again; name a file")
	}
	s.ListFlags.Check(&p)
	s.jobFlags.check(&p)
	if s.job == "" {
		s.job = jobNameOf(s.Input, time.Now())
	}
	checkJobName(&p, s.job)
	s.waiting.check(&p)
	s.server.check(&p)
	s.logs.Check(&p)
	return p.Err()
}

// jobNameOf is the name of a job that nobody named.
func jobNameOf(input string, now time.Time) string {
	base := filepath.Base(input)
	base, _, _ = strings.Cut(base, ".")
	return objectName(base + "-" + now.Format("2006-01-02"))
}

func checkJobName(p *cli.Problems, job string) {
	if job == "" || job != objectName(job) || len(job) > 200 {
		p.Add(fmt.Sprintf("the job's name is %q; it takes up to 200 letters, digits and . _ - =", job))
	}
}

// notOfTheJob are settings that may differ when a job is submitted again.
var notOfTheJob = []string{
	"store", "job", "input", "storeInput", "wait", "output", "rejects", "overwrite", "address", "namespace", "taskQueue", "apiKeyFile",
	"tls", "tlsCertFile", "tlsKeyFile", "tlsCaFile", "logFormat", "logLevel", "logFile",
}

func settingsOf(c *cobra.Command) map[string]string {
	shown := cli.ShownSettings(c)
	for _, key := range notOfTheJob {
		delete(shown, key)
	}
	return shown
}

// submit submits the job.
func (s *submitSettings) submit(c *cobra.Command, v *cli.Voice) error {
	ctx, release := untilInterrupted(c.Context())
	defer release()
	if err := s.waiting.checkFiles(); err != nil {
		return err
	}
	root, err := s.store.open()
	if err != nil {
		return err
	}
	server, err := s.server.dial(ctx, identity(), v.Log)
	if err != nil {
		return err
	}
	defer server.Close()
	r := s.request(settingsOf(c))
	r.Input = input{Object: s.storeInput}
	if s.storeInput == "" {
		if r.Input, err = s.look(); err != nil {
			return err
		}
	}
	anew, err := r.put(ctx, root, s.job)
	if err != nil {
		return err
	}
	if anew {
		v.Say("submitting %s as the job %s", s.Name(), s.job)
	}
	if s.storeInput == "" {
		if err := s.upload(ctx, root, r); err != nil {
			return &storeError{err}
		}
	}
	d := &desk{root: root, server: server, flags: &s.server, store: s.store.address, Voice: v}
	return d.takeUp(ctx, s.job, r, &s.waiting)
}

// look looks at the list, before anything of it is put anywhere.
func (s *submitSettings) look() (input, error) {
	sum := sha256.New()
	list, err := s.OpenInput()
	if err != nil {
		return input{}, err
	}
	defer list.Close()
	if _, err := cli.EncoderFor(list.List, s.Name(), s.formulaSafe); err != nil {
		return input{}, err
	}
	f, err := os.Open(s.Input)
	if err != nil {
		return input{}, &source.ReadError{Name: s.Input, Err: err}
	}
	defer func() { _ = f.Close() }() // it was only read
	size, err := io.Copy(sum, f)
	if err != nil {
		return input{}, &source.ReadError{Name: s.Input, Err: err}
	}
	return input{Object: jobPrefix(s.job) + "/" + inputName, Size: size, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}

// upload puts the list into the store. An earlier try may have done so.
func (s *submitSettings) upload(ctx context.Context, root store.Store, r *request) error {
	f, err := os.Open(s.Input)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	sum := sha256.New()
	err = root.PutFrom(ctx, r.Input.Object, io.TeeReader(f, sum), r.Input.Size)
	if errors.Is(err, store.ErrExists) {
		return nil
	}
	if err == nil && hex.EncodeToString(sum.Sum(nil)) != r.Input.SHA256 {
		err = errors.Join(fmt.Errorf("%s changed while it was read; submit it again", s.Input), root.Delete(ctx, r.Input.Object))
	}
	return err
}
