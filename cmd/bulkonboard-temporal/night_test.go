package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"bulkonboard/batch/chunks"
	"bulkonboard/batch/store"
)

// schedule puts a schedule's template into the store.
func (s *site) schedule(name, pattern, zone string) {
	b, err := json.Marshal(template{Request: *s.request(), Pattern: pattern, Zone: zone})
	require.NoError(s.t, err)
	require.NoError(s.t, s.root.Put(s.t.Context(), templateName(name), b))
}

// nightEnv is where nights are spent.
func (s *site) nightEnv() *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(quietLogger{})
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(time.Minute)
	env.RegisterWorkflowWithOptions(onboard, workflow.RegisterOptions{Name: onboardName})
	env.RegisterWorkflowWithOptions(night, workflow.RegisterOptions{Name: nightName})
	s.crew.register(env)
	return env
}

func TestANightTakesTheListOfTheTimeThatWasDue(t *testing.T) {
	s := newSite(t)
	s.schedule("nightly", "exports/customers-%Y-%m-%d.csv", "Europe/Berlin")
	require.NoError(t, s.root.Put(t.Context(), "exports/customers-2026-07-02.csv", []byte(listOf(9))))
	env := s.nightEnv()
	env.SetStartTime(time.Date(2026, 7, 2, 12, 0, 0, 0, time.UTC)) // late
	was := time.Date(2026, 7, 1, 22, 30, 0, 0, time.UTC)           // 0:30 in Berlin
	require.NoError(t, env.SetTypedSearchAttributesOnStart(temporal.NewSearchAttributes(scheduledStart.ValueSet(was))))
	env.ExecuteWorkflow(nightName, due{Schedule: "nightly"})
	require.NoError(t, env.GetWorkflowError())
	var c course
	require.NoError(t, env.GetWorkflowResult(&c))
	assert.Equal(t, "nightly-2026-07-02T0030", c.Job)
	assert.Equal(t, total{Rows: 9}, c.Total)
	assert.Len(t, s.calls, 9)
	assert.NotEmpty(t, s.read("jobs/nightly-2026-07-02T0030/round-1/results.csv"))
}

func TestANightWhoseListIsMissingFails(t *testing.T) {
	s := newSite(t)
	s.schedule("nightly", "exports/customers-%Y-%m-%d.csv", "UTC")
	env := s.nightEnv()
	env.ExecuteWorkflow(nightName, due{Schedule: "nightly"})
	assert.Equal(t, listFailure.kind, kindOf(t, env.GetWorkflowError()))
	assert.Contains(t, s.logged.String(), "exports/customers-")
}

func TestANightWaitsForItsQuota(t *testing.T) {
	s := newSite(t)
	s.schedule("nightly", "list.csv", "UTC")
	require.NoError(t, s.root.Put(t.Context(), "list.csv", []byte(listOf(3))))
	env := s.nightEnv()
	other := func(ctx workflow.Context) error { return workflow.Sleep(ctx, 3*time.Hour) }
	env.RegisterWorkflowWithOptions(other, workflow.RegisterOptions{Name: "other"})
	both := func(ctx workflow.Context, d due) (time.Duration, error) {
		began := workflow.Now(ctx)
		held := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: workflowOf("quota")})
		if err := workflow.ExecuteChildWorkflow(held, "other").GetChildWorkflowExecution().Get(ctx, nil); err != nil {
			return 0, err
		}
		_, err := night(ctx, d)
		return workflow.Now(ctx).Sub(began), err
	}
	env.RegisterWorkflowWithOptions(both, workflow.RegisterOptions{Name: "both"})
	env.ExecuteWorkflow("both", due{Schedule: "nightly"})
	require.NoError(t, env.GetWorkflowError())
	var waited time.Duration
	require.NoError(t, env.GetWorkflowResult(&waited))
	assert.GreaterOrEqual(t, waited, 3*time.Hour)
	assert.Len(t, s.calls, 3)
}

func TestAPatternIsFilledIn(t *testing.T) {
	at := time.Date(2026, 3, 9, 4, 5, 0, 0, time.UTC)
	for pattern, want := range map[string]string{
		"list.csv": "list.csv", "a/%Y-%m-%d.csv": "a/2026-03-09.csv", "%Y%m%dT%H%M": "20260309T0405",
	} {
		require.NoError(t, checkPattern(pattern))
		assert.Equal(t, want, expand(pattern, at))
	}
	for _, pattern := range []string{"", "%", "%y", "a%%b", "/%Y", "a b", "../%Y"} {
		assert.Error(t, checkPattern(pattern), pattern)
	}
}

func FuzzPattern(f *testing.F) {
	f.Add("a/%Y-%m-%d.csv")
	f.Add("%")
	f.Fuzz(func(t *testing.T, pattern string) {
		if checkPattern(pattern) == nil {
			assert.NoError(t, store.CheckName(expand(pattern, time.Date(2026, 3, 9, 4, 5, 0, 0, time.UTC))))
		}
	})
}

func FuzzTemplate(f *testing.F) {
	f.Add([]byte(`{"request":{},"pattern":"a","zone":"UTC"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := parseTemplate(b); err == nil {
			assert.NoError(t, checkPattern(p.Pattern))
		}
	})
}

func TestTheSameTimeIsTheSameJob(t *testing.T) {
	s := newSite(t)
	s.schedule("nightly", "list.csv", "UTC")
	require.NoError(t, s.root.Put(t.Context(), "list.csv", []byte(listOf(3))))
	at := due{Schedule: "nightly", At: time.Date(2026, 3, 9, 4, 5, 0, 0, time.UTC)}
	first, err := s.crew.makeJob(t.Context(), at)
	require.NoError(t, err)
	second, err := s.crew.makeJob(t.Context(), at)
	require.NoError(t, err)
	assert.Equal(t, first, second)
	_, err = chunks.Open(t.Context(), jobStore(s.root, first.Course.Job))
	assert.Error(t, err)
}
