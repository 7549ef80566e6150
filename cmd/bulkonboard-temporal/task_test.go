package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"bulkonboard/batch"
	"bulkonboard/batch/chunks"
	"bulkonboard/batch/session"
	"bulkonboard/batch/store"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// site is a store, a service, and the activities of a worker.
type site struct {
	t          *testing.T
	root       store.Store
	activities *activities
	beats      error // what the server answers to heartbeats
	answer     func(*source.Customer) session.Reply

	heartbeat time.Duration
	patience  time.Duration // of schedules

	mu     sync.Mutex
	calls  map[string]int
	logged bytes.Buffer
}

func newSite(t *testing.T) *site {
	root, err := store.Open(t.TempDir())
	require.NoError(t, err)
	s := &site{t: t, root: root, heartbeat: 10 * time.Second, calls: map[string]int{}}
	s.answer = func(r *source.Customer) session.Reply {
		if strings.HasPrefix(r.FirstName, "Refused") {
			return session.Reply{Recognised: true, Status: 200, Outcome: session.Rejected, Code: "validation_error", Message: "not this one"}
		}
		return session.Reply{Recognised: true, Status: 200, Outcome: session.OK, SessionID: "session-of-" + r.Email}
	}
	s.activities = &activities{
		root: root, scratch: t.TempDir(), owner: "test", flushEvery: time.Millisecond, log: slog.New(slog.NewTextHandler(&s.logged, nil)),
		recordHeartbeat: func(context.Context, []byte, heartbeatDetails) error { return s.beats },
		service:         func(*chunks.Job) (batch.Caller, func(), error) { return s, func() {}, nil },
		health:          newHealth(4, slog.New(slog.DiscardHandler)),
	}
	return s
}

func (s *site) Call(_ context.Context, r *source.Customer) session.Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[r.Email]++
	return s.answer(r)
}

const header = "customerType,customerEmail,firstName,lastName\n"

func listOf(n int) string {
	var b strings.Builder
	b.WriteString(header)
	for i := range n {
		fmt.Fprintf(&b, "Individual,c%d@example.com,First%d,Last\n", i, i)
	}
	return b.String()
}

// request is what is asked for, of no list yet.
func (s *site) request() *request {
	return &request{
		Version: requestVersion, MaxInvalid: "20%", Quota: "quota", Heartbeat: s.heartbeat,
		Job: chunks.Job{
			List: chunks.ListSettings{Name: "list.csv"}, Service: chunks.ServiceSettings{FormID: "form"}, Parallel: 3, ChunkRows: 7,
			Bounds: chunks.Bounds{Calls: chunks.CallSettings{MaxInFlight: 6, MaxAttempts: 3, MaxBackoff: time.Second, MaxOutage: time.Minute}},
		},
	}
}

// submit puts a job into the store.
func (s *site) submit(job, list string) *request {
	object := jobPrefix(job) + "/" + inputName
	r := s.request()
	r.Input = input{Object: object}
	require.NoError(s.t, s.root.Put(s.t.Context(), object, []byte(list)))
	_, err := r.put(s.t.Context(), s.root, job)
	require.NoError(s.t, err)
	return r
}

// workflowEnv is where workflows run without a server, as patiently as in a worker.
func workflowEnv() *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(quietLogger{})
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(time.Minute)
	env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: stuckTime})
	return env
}

// run runs a round of a job.
func (s *site) run(job string, round int) (roundState, error) {
	env := workflowEnv()
	env.RegisterWorkflowWithOptions(onboard, workflow.RegisterOptions{Name: onboardName})
	s.activities.register(env)
	r, err := readRequest(s.t.Context(), s.root, job)
	require.NoError(s.t, err)
	env.ExecuteWorkflow(onboardName, r.begin(job, round))
	require.True(s.t, env.IsWorkflowCompleted())
	var c roundState
	if err := env.GetWorkflowError(); err != nil {
		return c, err
	}
	require.NoError(s.t, env.GetWorkflowResult(&c))
	left, err := os.ReadDir(s.activities.scratch)
	require.NoError(s.t, err)
	assert.Empty(s.t, left, "a worker's scratch")
	return c, nil
}

func (s *site) read(name string) string {
	b, err := store.ReadAll(s.t.Context(), s.root, name, 1<<20)
	require.NoError(s.t, err)
	return string(b)
}

func TestAJobGoesFromItsListToItsResults(t *testing.T) {
	s := newSite(t)
	list := listOf(30) + "Individual,c3@example.com,First3,Last\nIndividual,r@example.com,Refused,Last\nIndividual,,Nobody,Last\n"
	s.submit("night", list)
	c, err := s.run("night", 1)
	require.NoError(t, err)
	assert.Equal(t, total{Rows: 33, Bad: 2}, c.Total)
	assert.Len(t, s.calls, 31)
	for email, n := range s.calls {
		assert.Equal(t, 1, n, email)
	}
	results := strings.Split(strings.TrimSpace(s.read("jobs/night/round-1/results.csv")), "\n")
	require.Len(t, results, 34)
	for i, row := range strings.Split(strings.TrimSpace(list), "\n")[1:] {
		assert.True(t, strings.HasPrefix(results[i+1], row+","), results[i+1])
	}
	assert.Equal(t, header+"Individual,r@example.com,Refused,Last\nIndividual,,Nobody,Last\n", s.read("jobs/night/round-1/rejects.csv"))

	again, err := s.run("night", 1)
	require.NoError(t, err)
	assert.Equal(t, c.Total, again.Total)
	assert.Len(t, s.calls, 31, "a job that is done makes no call")
}

func TestAPartTellsOfItsOwnRows(t *testing.T) {
	s := newSite(t)
	s.heartbeat = minHeartbeat
	s.submit("night", listOf(30))
	var last atomic.Bool // the last row is being called for
	var beats, most atomic.Int64
	told := make(chan struct{})
	s.activities.recordHeartbeat = func(_ context.Context, _ []byte, b heartbeatDetails) error {
		if !last.Load() || beats.Load() >= 3 { // of planning and merging, which are at the whole list
			return nil
		}
		most.Store(max(most.Load(), b.Rows))
		if beats.Add(1) == 3 {
			close(told)
		}
		return nil
	}
	s.answer = func(r *source.Customer) session.Reply {
		if strings.HasPrefix(r.Email, "c29@") {
			last.Store(true)
			<-told
		}
		return session.Reply{Recognised: true, Outcome: session.OK, SessionID: "x-" + r.Email}
	}
	m, err := s.run("night", 1)
	require.NoError(t, err)
	assert.LessOrEqual(t, most.Load(), int64(30/m.Layout.Chunks+7))
}

func TestAnotherRoundCallsOnlyForWhatDidNotEndWell(t *testing.T) {
	s := newSite(t)
	r := s.submit("night", listOf(10)+"Individual,r@example.com,Refused,Last\n")
	_, err := s.run("night", 1)
	require.NoError(t, err)
	place := jobStore(s.root, "night")
	m, err := chunks.Open(t.Context(), place)
	require.NoError(t, err)
	round, err := chunks.StartRound(t.Context(), place, m, sink.Selection{Statuses: []sink.Status{sink.Rejected, sink.Failed}})
	require.NoError(t, err)
	require.Equal(t, 2, round)
	s.calls = map[string]int{}
	s.answer = func(r *source.Customer) session.Reply {
		return session.Reply{Recognised: true, Status: 200, Outcome: session.OK, SessionID: "now-of-" + r.Email}
	}
	c, err := s.run("night", 2)
	require.NoError(t, err)
	assert.Equal(t, total{Rows: 11}, c.Total)
	assert.Equal(t, map[string]int{"r@example.com": 1}, s.calls)
	assert.Equal(t, "night", r.begin("night", 2).Job)
}

// kindOf is the kind of failure that a workflow ended with.
func kindOf(t *testing.T, err error) string {
	t.Helper()
	var failed *temporal.ApplicationError
	require.ErrorAs(t, err, &failed)
	return failed.Type()
}

func TestWhatFailsForGoodEndsTheRoundAndIsSaidInTheStoreAlone(t *testing.T) {
	const word = "no such secret, Ms Smith"
	for kind, prepare := range map[string]func(*site){
		cli.Refused.Name: func(s *site) {
			s.submit("night", listOf(5))
			s.answer = func(*source.Customer) session.Reply {
				return session.Reply{Recognised: true, Outcome: session.CredentialsRefused, Message: word}
			}
		},
		cli.Usage.Name: func(s *site) {
			s.submit("night", listOf(5))
			s.activities.service = func(*chunks.Job) (batch.Caller, func(), error) { return nil, nil, &usageError{word} }
		},
		cli.BadList.Name: func(s *site) { s.submit("night", "no,such,columns\n1,2,3\n") },
	} {
		t.Run(kind, func(t *testing.T) {
			s := newSite(t)
			prepare(s)
			_, err := s.run("night", 1)
			assert.Equal(t, kind, kindOf(t, err))
			assert.NotContains(t, err.Error(), "Smith")
			j := &jobClient{root: s.root}
			assert.Greater(t, len(j.reason(t.Context(), "night", 1, kindNamed(kind))), 10)
			assert.NotEqual(t, textOf(kindNamed(kind)), j.reason(t.Context(), "night", 1, kindNamed(kind)))
			assert.NotEqual(t, cli.Passing, kindNamed(kind))
		})
	}
}

func TestAListWhoseResultsCouldNotBeWrittenMakesNoCall(t *testing.T) {
	s := newSite(t)
	s.submit("night", "customerType,customerEmail,firstName,lastName,sessionId\nIndividual,a@example.com,A,B,1\n")
	_, err := s.run("night", 1)
	assert.Equal(t, cli.BadList.Name, kindOf(t, err))
	assert.Empty(t, s.calls)
}

func TestAListThatIsNotInTheStoreIsSaid(t *testing.T) {
	s := newSite(t)
	r := s.submit("night", listOf(3))
	require.NoError(t, s.root.Delete(t.Context(), r.Input.Object))
	_, err := s.run("night", 1)
	assert.Equal(t, cli.BadList.Name, kindOf(t, err))
}

func TestAWorkerWhoseServerDoesNotAnswerBeginsNothing(t *testing.T) {
	s := newSite(t)
	s.submit("night", listOf(3))
	s.beats = serviceerror.NewUnavailable("no route")
	_, err := s.run("night", 1)
	assert.Equal(t, cli.Passing.Name, kindOf(t, err))
	s.beats = serviceerror.NewNotFound("unknown activity")
	_, err = s.run("night", 1)
	require.Error(t, err)
	assert.Empty(t, s.calls)
	_, err = chunks.Open(t.Context(), jobStore(s.root, "night"))
	assert.Error(t, err, "nothing is planned")
}

func TestErrorsAreOfOneKindEach(t *testing.T) {
	for name, test := range map[string]struct {
		err   error
		want  cli.Kind
		final bool
	}{
		"fenced":            {fmt.Errorf("x: %w", errFenced), cli.Interrupted, false},
		"cancelled":         {errCancelled, cli.Interrupted, false},
		"told to stop":      {batch.ErrInterrupted, cli.Interrupted, false},
		"sick":              {&sickError{}, sick, false},
		"lost":              {&chunks.LostError{Part: "chunk-000001"}, cli.Unfinished, false},
		"store away":        {&store.Error{Op: "write", Err: io.ErrClosedPipe}, cli.Passing, false},
		"tenant":            {&batch.RefusedError{Outcome: session.TenantRefused}, cli.Refused, true},
		"not the api":       {&batch.RefusedError{Outcome: session.NotTheAPI}, cli.Address, true},
		"no list":           {&source.ListError{}, cli.BadList, true},
		"part changed":      {&chunks.ChangedError{}, cli.Changed, true},
		"other job":         {&chunks.OtherJobError{}, cli.Other, true},
		"something unknown": {errors.New("boom"), cli.Passing, false},
	} {
		t.Run(name, func(t *testing.T) {
			kind := cli.KindOf(test.err)
			assert.Equal(t, test.want, kind)
			assert.Equal(t, test.final, kind.Final)
			var failed *temporal.ApplicationError
			require.ErrorAs(t, asFailure(test.err), &failed)
			assert.Equal(t, test.final, failed.NonRetryable())
			assert.Equal(t, kind, kindNamed(failed.Type()))
		})
	}
}

func TestARequestIsPutOnceAndNeverReplaced(t *testing.T) {
	s := newSite(t)
	r := s.submit("night", listOf(3))
	again, err := r.put(t.Context(), s.root, "night")
	require.NoError(t, err)
	assert.False(t, again)
	r.Quota = "another"
	_, err = r.put(t.Context(), s.root, "night")
	var other *otherRequestError
	require.ErrorAs(t, err, &other)
	_, err = readRequest(t.Context(), s.root, "day")
	var none *noJobError
	require.ErrorAs(t, err, &none)
}

func TestAJobThatIsPlannedTakesOtherBounds(t *testing.T) {
	s := newSite(t)
	r := s.submit("night", listOf(9))
	first := *r
	r.Job.Rate = 7
	_, err := r.put(t.Context(), s.root, "night")
	require.NoError(t, err)
	var other *otherRequestError
	_, err = r.updateBounds(t.Context(), s.root, "night")
	require.ErrorAs(t, err, &other, "it is not planned yet")
	_, err = s.run("night", 1)
	require.NoError(t, err)
	for _, want := range []*request{r, &first} {
		changed, err := want.updateBounds(t.Context(), s.root, "night")
		require.NoError(t, err)
		assert.True(t, changed)
		m, err := chunks.Open(t.Context(), jobStore(s.root, "night"))
		require.NoError(t, err)
		assert.Equal(t, want.Job.Bounds, m.Job.Bounds)
		changed, err = want.updateBounds(t.Context(), s.root, "night")
		require.NoError(t, err)
		assert.False(t, changed)
	}
}

func TestAnotherListOfTheSameNameIsAnotherJob(t *testing.T) {
	s := newSite(t)
	r := s.request()
	r.Input = input{Object: "lists/today.csv"}
	require.NoError(t, s.root.Put(t.Context(), r.Input.Object, []byte(listOf(3))))
	_, err := r.put(t.Context(), s.root, "night")
	require.NoError(t, err)
	_, err = s.run("night", 1)
	require.NoError(t, err)
	_, err = r.updateBounds(t.Context(), s.root, "night")
	require.NoError(t, err)
	require.NoError(t, s.root.Delete(t.Context(), r.Input.Object))
	require.NoError(t, s.root.Put(t.Context(), r.Input.Object, []byte(listOf(4))))
	for _, rate := range []float64{r.Job.Rate, 7} {
		r.Job.Rate = rate
		changed, err := r.updateBounds(t.Context(), s.root, "night")
		var other *otherRequestError
		require.ErrorAs(t, err, &other)
		assert.False(t, changed)
	}
}

func TestAListThatIsNotTheOneThatWasSubmittedIsNotTaken(t *testing.T) {
	s := newSite(t)
	r := s.request()
	r.Input = input{Object: "list", SHA256: strings.Repeat("0", 64)}
	require.NoError(t, s.root.Put(t.Context(), r.Input.Object, []byte(listOf(3))))
	_, err := r.put(t.Context(), s.root, "night")
	require.NoError(t, err)
	for range 2 { // it stays so once it is planned
		_, err = s.run("night", 1)
		assert.Equal(t, cli.Changed.Name, kindOf(t, err))
	}
	assert.Empty(t, s.calls)
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"version":1,"input":{"object":"x"},"quota":"q","heartbeat":30000000000}`))
	f.Add([]byte(`{"version":2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := parseRequest(b); err == nil {
			assert.GreaterOrEqual(t, r.Heartbeat, minHeartbeat)
		}
	})
}

func TestNamesAreMadeSafe(t *testing.T) {
	for name, want := range map[string]string{
		"night": "night", "São Paulo": "S-o-Paulo", "../../etc": "etc", "127.0.0.1:8080-app": "127.0.0.1-8080-app", "": "",
	} {
		got := objectName(name)
		assert.Equal(t, want, got)
		if got != "" {
			assert.NoError(t, store.CheckName(got))
		}
	}
	assert.Equal(t, "customers-2026-11-26", jobNameOf(filepath.Join("x", "customers.csv.gz"), time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)))
}

func TestAJobWithSettingsThatAWorkerDoesNotKnowIsLeftToNewerOnes(t *testing.T) {
	for name, newer := range map[string]func(*site){
		"request": func(s *site) {
			s.change(jobPrefix("night")+"/"+requestName, `"quota":`, `"slowly": true, "quota":`)
		},
		"version": func(s *site) { s.change(jobPrefix("night")+"/"+requestName, `"version": 1`, `"version": 2`) },
		"call settings": func(s *site) {
			s.change(jobPrefix("night")+"/"+requestName, `"maxAttempts":`, `"kindly": 1, "maxAttempts":`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.submit("night", listOf(3))
			newer(s)
			var suite testsuite.WorkflowTestSuite
			suite.SetLogger(quietLogger{})
			env := suite.NewTestActivityEnvironment()
			s.activities.register(env)
			_, err := env.ExecuteActivity(planName, part{Job: "night", Round: 1})
			assert.Equal(t, cli.Newer.Name, kindOf(t, err))
			var failed *temporal.ApplicationError
			require.ErrorAs(t, err, &failed)
			assert.False(t, failed.NonRetryable(), "another worker may know them")
			assert.Equal(t, misfitDelay, failed.NextRetryDelay())
			assert.Empty(t, s.calls)
			assert.Contains(t, s.logged.String(), "written by a newer version")
		})
	}
}

func TestAScheduleWithSettingsThatAWorkerDoesNotKnowIsLeftToNewerOnes(t *testing.T) {
	s := newSite(t)
	s.schedule("nightly", "list.csv", "UTC")
	s.change(templateName("nightly"), `"quota":`, `"slowly":true,"quota":`)
	_, err := s.activities.makeJob(t.Context(), due{Schedule: "nightly"})
	assert.Equal(t, cli.Newer, cli.KindOf(err))
}

// change changes what is in the store.
func (s *site) change(name, was, is string) {
	s.t.Helper()
	b, err := store.ReadAll(s.t.Context(), s.root, name, maxRequest)
	require.NoError(s.t, err)
	require.Contains(s.t, string(b), was)
	require.NoError(s.t, s.root.Delete(s.t.Context(), name))
	require.NoError(s.t, s.root.Put(s.t.Context(), name, bytes.Replace(b, []byte(was), []byte(is), 1)))
}
