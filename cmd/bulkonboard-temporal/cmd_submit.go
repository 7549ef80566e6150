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
	"bulkonboard/batch/store"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/source"
)

const (
	minHeartbeat = time.Second
	maxHeartbeat = 10 * time.Minute
)

// jobFlags say what a job is to do, here: those of submit and of schedule
// create.
type jobFlags struct {
	flags     cli.JobFlags
	ledger    ledgerUseFlags
	quota     string
	heartbeat time.Duration
}

func (s *jobFlags) register(c *cobra.Command) {
	f := c.Flags()
	s.flags.Register(c)
	f.DurationVar(&s.heartbeat, "heartbeat", 30*time.Second, "a worker that is silent for this long is taken for dead")
	f.StringVar(&s.quota, "quota", "", "name of the quota that the rate is a part of: one job at a time has it (default: from --base-url and --app-id)")
	s.ledger.register(c)
	// A call must not outlast the part that it is of: see checkHeartbeat.
	timeout := f.Lookup("timeout")
	timeout.DefValue = "9s"
	_ = timeout.Value.Set(timeout.DefValue)
}

func (s *jobFlags) check(p *cli.Problems) {
	s.flags.Check(p)
	s.ledger.flags.Check(p)
	s.checkHeartbeat(p)
	if s.quota == "" {
		s.quota = quotaOf(s.flags.Service.BaseURL, s.flags.Service.AppID)
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
	if limit := shareOf(s.heartbeat, graceShare); s.flags.Calls.Timeout > limit {
		p.Add(fmt.Sprintf("--timeout is %s; with --heartbeat %s it takes %s at most, so that no call outlasts its worker's part", s.flags.Calls.Timeout, s.heartbeat, limit))
	}
}

// quotaOf names a quota that was given no name: one name for all spellings of an
// address.
func quotaOf(baseURL, appID string) string {
	host := ""
	if u, err := url.Parse(addressOf(baseURL)); err == nil {
		host = u.Host
	}
	return objectName(host + "-" + appID)
}

// request is what the flags ask for.
func (s *jobFlags) request(settings map[string]string) *request {
	return &request{
		Version: requestVersion, Job: s.flags.Job(settings), MaxInvalid: s.flags.Invalid.String(), MinRows: s.flags.MinRows, Quota: s.quota, Heartbeat: s.heartbeat,
		Ledger: s.ledger.asked(),
	}
}

// submitSettings are the flags of submit.
type submitSettings struct {
	job        jobFlags
	client     clientFlags
	storeInput string
	name       string // of the job
	waiting    waitFlags
}

func submitCommand() *cobra.Command {
	var s submitSettings
	c := &cobra.Command{
		Use:   "submit --store STORE --input LIST --rate RATE",
		Short: "Hand a list to the workers, or resume one",
		Long: `submit puts a list and what is to be done with it into the store, and starts it.
It returns at once, unless it is told to wait. Submitted again, the same list
with the same settings resumes where it stopped, or is waited for.

One quota has one job at a time: while it is taken, submit says by whom.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return s.client.with(c, func(ctx context.Context, j *jobClient) error { return s.submit(ctx, j, settingsOf(c)) }, s.check, s.waiting.checkFiles)
		},
	}
	s.register(c)
	return c
}

func (s *submitSettings) register(c *cobra.Command) {
	f := c.Flags()
	f.SortFlags = false
	s.client.store.register(c)
	s.job.register(c)
	f.StringVar(&s.storeInput, "store-input", "", "the list is in the store already, under this name; instead of --input")
	f.StringVar(&s.name, "job", "", "name of the job (default: the name of the list, and today's date)")
	s.waiting.register(c)
	s.client.server.register(c)
	s.client.log.Register(c)
	cli.TakesConfig(c, family)
}

func (s *submitSettings) check() error {
	var p cli.Problems
	switch {
	case s.storeInput != "" && s.job.flags.List.Input != "":
		p.Add("--input and --store-input contradict each other: leave one out")
	case s.storeInput != "":
		s.job.flags.List.Input = s.storeInput // its name, for people
		if err := store.CheckName(s.storeInput); err != nil {
			p.Add("--store-input: " + err.Error())
		}
	case s.job.flags.List.FromStandardInput():
		p.Add("--input is standard input, and a list that is submitted again must be there again; name a file")
	}
	s.job.check(&p)
	if s.name == "" {
		s.name = jobNameOf(s.job.flags.List.Input, time.Now())
	}
	checkJobName(&p, s.name)
	s.waiting.check(&p)
	return p.Err()
}

// jobNameOf names a job that was given no name.
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
	"tls", "tlsCertFile", "tlsKeyFile", "tlsCaFile", "tlsServerName", "logFormat", "logLevel", "logFile",
}

func settingsOf(c *cobra.Command) map[string]string {
	shown := cli.ShownSettings(c)
	for _, key := range notOfTheJob {
		delete(shown, key)
	}
	return shown
}

// submit submits the job.
func (s *submitSettings) submit(ctx context.Context, j *jobClient, settings map[string]string) error {
	r := s.job.request(settings)
	r.Input = input{Object: s.storeInput}
	if s.storeInput == "" {
		var err error
		if r.Input, err = s.look(r); err != nil {
			return err
		}
	}
	// Before a list is uploaded for nothing. Starting it settles the matter.
	if err := j.free(ctx, r.Quota, s.name); err != nil {
		return err
	}
	again, err := r.put(ctx, j.root, s.name)
	if err != nil {
		return err
	}
	if again {
		j.Say("submitting %s as the job %s", s.job.flags.List.Name(), s.name)
	}
	if s.storeInput == "" {
		if err := s.upload(ctx, j.root, r); err != nil {
			return err
		}
	}
	if changed, err := r.updateBounds(ctx, j.root, s.name); err != nil {
		return err
	} else if changed {
		j.Say("the job %s keeps to other bounds now; parts under way keep to theirs until they are done", s.name)
	}
	return j.takeUp(ctx, s.name, r, &s.waiting)
}

// look looks at the list, before anything of it is put anywhere.
func (s *submitSettings) look(r *request) (input, error) {
	sum := sha256.New()
	list, err := s.job.flags.List.OpenInput()
	if err != nil {
		return input{}, err
	}
	defer list.Close()
	if _, err := batch.EncoderFor(list.List, r.Job.FormulaSafe); err != nil {
		return input{}, err
	}
	f, err := os.Open(s.job.flags.List.Input)
	if err != nil {
		return input{}, &source.ReadError{Name: s.job.flags.List.Input, Err: err}
	}
	defer func() { _ = f.Close() }() // it was only read
	size, err := io.Copy(sum, f)
	if err != nil {
		return input{}, &source.ReadError{Name: s.job.flags.List.Input, Err: err}
	}
	return input{Object: jobPrefix(s.name) + "/" + inputName, Size: size, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}

// upload puts the list into the store. An earlier try may have done so.
func (s *submitSettings) upload(ctx context.Context, root store.Store, r *request) error {
	f, err := os.Open(s.job.flags.List.Input)
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
		err = errors.Join(fmt.Errorf("%s changed while it was read; submit it again", s.job.flags.List.Input), root.Delete(ctx, r.Input.Object))
	}
	return err
}
