package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"

	"bulkonboard/batch"
	"bulkonboard/batch/chunks"
	"bulkonboard/batch/session"
	"bulkonboard/batch/store"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/cmd/internal/screen"
)

// workerSettings are the flags of worker.
type workerSettings struct {
	access         cli.AccessFlags
	baseURL, appID string
	server         serverFlags
	store          storeFlag
	slots          int
	scratch        string
	flushEvery     time.Duration
	grace          time.Duration
	ledger         cli.LedgerFile
	health         healthFlags
	deployment     deploymentFlags
	log            cli.LogFlags
}

func workerCommand() *cobra.Command {
	var s workerSettings
	c := &cobra.Command{
		Use:   "worker --store STORE --base-url URL --app-id ID",
		Short: "Work on the jobs that are submitted, until told to stop",
		Long: `worker takes parts of jobs from a task queue and does them. It calls no other
service, and with no other application id, than it is told: a job that wants
one is left to other workers. The app secret comes from ` + cli.SecretVariable + ` or from the
file that --app-secret-file names, and leaves the machine only in calls.

SIGTERM or SIGINT: it takes no more parts, lets the calls in flight come back,
puts what they brought into the store, and hands its parts on. A second one:
it stops at once, and what was in flight may be called again.

What a worker that was killed leaves in --scratch, rows of customers among it, is
removed by the next one that starts with the same --scratch on that machine.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := cli.Settle(c, s.check); err != nil {
				return err
			}
			return s.log.With(screen.On(c.ErrOrStderr()), func(v *cli.Voice) error { return s.work(c.Context(), v) })
		},
	}
	s.register(c)
	return c
}

func (s *workerSettings) register(c *cobra.Command) {
	f := c.Flags()
	f.SortFlags = false
	s.store.register(c)
	f.StringVar(&s.baseURL, "base-url", "", "address of the service, without /api/…; no other is called")
	f.StringVar(&s.appID, "app-id", "", "application id, which the app secret is of")
	s.access.Register(c)
	s.server.register(c)
	f.IntVar(&s.slots, "slots", 4, "parts under way at once, at most")
	cli.RegisterScratch(c, &s.scratch, "what a part needs while it is under way; of planning and merging, the whole list")
	cli.RegisterFlushEvery(f, &s.flushEvery, "the store")
	f.DurationVar(&s.grace, "grace", time.Minute, "time for the parts to come to a stop when the worker is told to stop")
	s.ledger.Register(c, workerLedger)
	s.health.register(c)
	s.deployment.register(c)
	s.log.Register(c)
	cli.TakesConfig(c, family)
}

func (s *workerSettings) check() error {
	var p cli.Problems
	s.store.check(&p)
	p.Need("base-url", s.baseURL)
	p.Need("app-id", s.appID)
	s.access.Check(&p)
	s.server.check(&p)
	if s.slots < 1 {
		p.Add(fmt.Sprintf("--slots is %d; it takes 1 or more", s.slots))
	}
	cli.CheckFlushEvery(&p, s.flushEvery)
	cli.CheckGrace(&p, s.grace)
	checkLedger(&s.ledger, &p)
	s.deployment.check(&p)
	s.log.Check(&p)
	return p.Err()
}

// work works until it is told to stop.
func (s *workerSettings) work(ctx context.Context, v *cli.Voice) error {
	metrics := newWorkerMetrics(s.slots)
	s.store.retried = metrics.stored.Inc
	root, err := s.store.open(ctx, v.Log)
	if err != nil {
		return err
	}
	if err := store.Check(ctx, root); err != nil {
		return err
	}
	scratch, gone, err := newScratch(s.scratch)
	if err != nil {
		return cli.Problems{"--scratch: " + err.Error()}
	}
	defer gone()
	// That the secret and the certificates are of use is found out here.
	if _, err := s.access.Client(ctx, s.clientConfig(), v); err != nil {
		return err
	}
	ctx, now, release := cli.UntilSignalled(ctx, s.grace, v.Say)
	defer release()
	owner := identity()
	server, err := s.server.dial(ctx, owner, v.Log, metrics.sdk.handler())
	if err != nil {
		return err
	}
	defer server.Close()
	closeHealth, err := s.health.open(ctx, metrics, readiness{server, s.server.taskQueue}, v.Log)
	if err != nil {
		return err
	}
	defer closeHealth()
	health := newHealth(s.slots, v.Log)
	a := &activities{
		parts: serverParts{server}, health: health, probe: s.probe,
		root: root, service: metrics.counting(s.serviceFor), scratch: scratch, owner: owner, flushEvery: s.flushEvery, ledger: s.ledger, abort: now, log: v.Log,
		recordHeartbeat: func(ctx context.Context, token []byte, b heartbeatDetails) error {
			return server.RecordActivityHeartbeat(ctx, token, b)
		},
	}
	own := &notes{root: root, worker: owner, slots: s.slots, log: v.Log, sick: &metrics.sick}
	own.sweep(ctx, server, s.server.taskQueue)
	defer own.keep(ctx, health)()
	return s.serve(ctx, now, server, a, metrics, v)
}

// abortTime is how long parts have to stop once there is no time for their
// calls.
const abortTime = 5 * time.Second

// serve takes parts until ctx is done, and then waits for those under way, or
// until now.
func (s *workerSettings) serve(ctx context.Context, now <-chan struct{}, server client.Client, a *activities, m *workerMetrics, v *cli.Voice) error {
	lost := make(chan error, 2)
	workers := s.workers(server, a, m, func(err error) { lost <- err })
	if err := startAll(workers); err != nil {
		return &unreachableError{s.server.address, err}
	}
	v.Say("worker %s is ready: %d slots, task queue %s, calls go to %s", a.owner, s.slots, s.server.taskQueue, s.baseURL)
	m.working.Store(true)
	var err error
	select {
	case <-ctx.Done():
	case fatal := <-lost:
		err = &unreachableError{s.server.address, fatal}
	}
	m.working.Store(false)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		var all sync.WaitGroup
		for _, w := range workers {
			all.Go(w.Stop)
		}
		all.Wait()
	}()
	select {
	case <-stopped:
		v.Say("the worker has stopped; its work continues elsewhere")
		return err
	case <-now:
	}
	select {
	case <-stopped:
	case <-time.After(abortTime):
	}
	return batch.ErrInterrupted
}

// stickyTime is how long the server keeps what a workflow has to decide for the
// worker that has it in memory. That one may be dead, and then no new part
// begins for that time; any other reads the history first, which is quick.
const stickyTime = time.Second

// stuckTime is after what time the SDK takes a workflow for stuck, and fails what
// it was to decide. None of these waits for anything, so what takes long is a
// machine that is busy, or was paused; and then the server waits no longer.
const stuckTime = 10 * time.Second

// startAll starts all of them, or none.
func startAll(workers []worker.Worker) error {
	for i, w := range workers {
		if err := w.Start(); err != nil {
			for _, started := range workers[:i] {
				started.Stop()
			}
			return err
		}
	}
	return nil
}

// workers are one for all parts and, with a ledger, one for those that want it.
func (s *workerSettings) workers(server client.Client, a *activities, m *workerMetrics, fatal func(error)) []worker.Worker {
	o := worker.Options{
		Identity: a.owner, Tuner: tunerOf(a.health), WorkerStopTimeout: s.grace, OnFatalError: fatal,
		StickyScheduleToStartTimeout: stickyTime, DeadlockDetectionTimeout: stuckTime, DeploymentOptions: s.deployment.options(),
		Interceptors: []interceptor.WorkerInterceptor{&partCounter{metrics: m}},
	}
	all := worker.New(server, s.server.taskQueue, o)
	registerWorkflows(all)
	a.register(all)
	if s.ledger.Path == "" {
		return []worker.Worker{all}
	}
	o.Tuner, o.MaxConcurrentActivityExecutionSize, o.DisableWorkflowWorker = nil, 1, true
	one := worker.New(server, ledgerQueue(s.server.taskQueue), o)
	a.register(one)
	return []worker.Worker{all, one}
}

func (s *workerSettings) clientConfig() session.Config {
	c := s.access.Access()
	c.BaseURL, c.AppID = s.baseURL, s.appID
	return c
}

// serviceFor makes a client for a job, if the job is one for this worker.
func (s *workerSettings) serviceFor(j *chunks.Job) (batch.Caller, func(), error) {
	want := &j.Service
	if addressOf(want.BaseURL) != addressOf(s.baseURL) || want.AppID != s.appID {
		return nil, nil, &misfitError{identity(), fmt.Sprintf(
			"the job wants %s as application %s, and this worker calls %s as %s; give it the job's, or another --task-queue",
			want.BaseURL, want.AppID, s.baseURL, s.appID)}
	}
	c := s.access.AccessFor(j)
	c.BaseURL = s.baseURL // as it was spelt here
	client, err := session.New(c)
	if err != nil {
		return nil, nil, &usageError{err.Error()}
	}
	return client, client.CloseIdle, nil
}

// addressOf is a service's address in one spelling.
func addressOf(baseURL string) string {
	u, err := url.Parse(baseURL) // which lowers the scheme
	if err != nil {
		return baseURL
	}
	u.Host = strings.ToLower(u.Host)
	if u.Port() == map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		u.Host = strings.TrimSuffix(u.Host, ":"+u.Port())
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u.String()
}

// identity is who a worker is, for people.
func identity() string {
	host, err := os.Hostname()
	if err != nil {
		host = "worker"
	}
	return fmt.Sprintf("%s-%d", host, os.Getpid())
}
