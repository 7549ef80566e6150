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
	"bulkonboard/cmd/internal/cli"
)

// schedule puts a schedule's template into the store.
func (s *site) schedule(name, pattern, zone string) {
	b, err := json.Marshal(template{Request: *s.request(), Pattern: pattern, Zone: zone, Patience: s.patience})
	require.NoError(s.t, err)
	require.NoError(s.t, s.root.Put(s.t.Context(), templateName(name), b))
}

// scheduleEnv is where schedules come round.
func (s *site) scheduleEnv() *testsuite.TestWorkflowEnvironment {
	env := workflowEnv()
	registerWorkflows(env)
	s.activities.register(env)
	return env
}

func TestANightTakesTheListOfTheTimeThatWasDue(t *testing.T) {
	s := newSite(t)
	s.schedule("nightly", "exports/customers-%Y-%m-%d.csv", "Europe/Berlin")
	require.NoError(t, s.root.Put(t.Context(), "exports/customers-2026-07-02.csv", []byte(listOf(9))))
	env := s.scheduleEnv()
	env.SetStartTime(time.Date(2026, 7, 2, 12, 0, 0, 0, time.UTC)) // late
	was := time.Date(2026, 7, 1, 22, 30, 0, 0, time.UTC)           // 0:30 in Berlin
	require.NoError(t, env.SetTypedSearchAttributesOnStart(temporal.NewSearchAttributes(scheduledStart.ValueSet(was))))
	env.ExecuteWorkflow(scheduledName, due{Schedule: "nightly"})
	require.NoError(t, env.GetWorkflowError())
	var c roundState
	require.NoError(t, env.GetWorkflowResult(&c))
	assert.Equal(t, "nightly-2026-07-02T0030", c.Job)
	assert.Equal(t, total{Rows: 9}, c.Total)
	assert.Len(t, s.calls, 9)
	assert.NotEmpty(t, s.read("jobs/nightly-2026-07-02T0030/round-1/results.csv"))
}

func TestANightWhoseListIsMissingFailsAndSaysSoWithItsJob(t *testing.T) {
	s := newSite(t)
	s.schedule("nightly", "exports/customers-%Y-%m-%d.csv", "UTC")
	env := s.scheduleEnv()
	at := time.Date(2026, 3, 9, 4, 5, 0, 0, time.UTC)
	env.ExecuteWorkflow(scheduledName, due{Schedule: "nightly", At: at})
	assert.Equal(t, cli.BadList.Name, kindOf(t, env.GetWorkflowError()))
	assert.Contains(t, s.read("jobs/nightly-2026-03-09T0405/round-1/trouble.json"), "exports/customers-2026-03-09.csv")
	require.NoError(t, s.root.Put(t.Context(), "exports/customers-2026-03-09.csv", []byte(listOf(3))))
	_, err := s.run("nightly-2026-03-09T0405", 1)
	require.NoError(t, err)
}

func TestAListThatIsLateIsWaitedFor(t *testing.T) {
	for name, test := range map[string]struct {
		comes time.Duration
		fails bool
	}{"in time": {50 * time.Minute, false}, "too late": {2 * time.Hour, true}} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.patience = time.Hour
			s.schedule("nightly", "list.csv", "UTC")
			env := s.scheduleEnv()
			env.RegisterDelayedCallback(func() {
				require.NoError(t, s.root.Put(t.Context(), "list.csv", []byte(listOf(3))))
			}, test.comes)
			env.ExecuteWorkflow(scheduledName, due{Schedule: "nightly"})
			if test.fails {
				assert.Equal(t, cli.BadList.Name, kindOf(t, env.GetWorkflowError()))
				return
			}
			require.NoError(t, env.GetWorkflowError())
			assert.Len(t, s.calls, 3)
		})
	}
}

func TestANightThatCannotBeMadeIsNotTriedForEver(t *testing.T) {
	s := newSite(t)
	at := due{Schedule: "nightly", At: time.Date(2026, 3, 9, 4, 5, 0, 0, time.UTC)}
	env := s.scheduleEnv()
	env.ExecuteWorkflow(scheduledName, at)
	assert.Equal(t, absent.Name, kindOf(t, env.GetWorkflowError()), "no such schedule")
	s.submit("nightly-2026-03-09T0405", listOf(3))
	s.schedule("nightly", "list.csv", "UTC")
	env = s.scheduleEnv()
	env.ExecuteWorkflow(scheduledName, at)
	assert.Equal(t, cli.Other.Name, kindOf(t, env.GetWorkflowError()), "the name is taken")
}

func TestANightWaitsForItsQuota(t *testing.T) {
	s := newSite(t)
	s.schedule("nightly", "list.csv", "UTC")
	require.NoError(t, s.root.Put(t.Context(), "list.csv", []byte(listOf(3))))
	env := s.scheduleEnv()
	other := func(ctx workflow.Context) error { return workflow.Sleep(ctx, 3*time.Hour) }
	env.RegisterWorkflowWithOptions(other, workflow.RegisterOptions{Name: "other"})
	both := func(ctx workflow.Context, d due) (time.Duration, error) {
		began := workflow.Now(ctx)
		held := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: workflowOf("quota")})
		if err := workflow.ExecuteChildWorkflow(held, "other").GetChildWorkflowExecution().Get(ctx, nil); err != nil {
			return 0, err
		}
		_, err := scheduled(ctx, d)
		assert.Len(t, workflow.GetInfo(ctx).Memo.GetFields(), 2, "for those who ask about the job")
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

func FuzzAPatternThatIsTakenMakesNamesOfObjects(f *testing.F) {
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
		if p, err := parseTemplate("nightly", b); err == nil {
			assert.NoError(t, checkPattern(p.Pattern))
		}
	})
}

func TestTheSameTimeIsTheSameJob(t *testing.T) {
	s := newSite(t)
	s.schedule("nightly", "list.csv", "UTC")
	require.NoError(t, s.root.Put(t.Context(), "list.csv", []byte(listOf(3))))
	at := due{Schedule: "nightly", At: time.Date(2026, 3, 9, 4, 5, 0, 0, time.UTC)}
	first, err := s.activities.makeJob(t.Context(), at)
	require.NoError(t, err)
	second, err := s.activities.makeJob(t.Context(), at)
	require.NoError(t, err)
	assert.Equal(t, first, second)
	_, err = chunks.Open(t.Context(), jobStore(s.root, first.State.Job))
	assert.Error(t, err)
}

func TestATimeThatTheClocksShowTwiceIsTwoJobs(t *testing.T) {
	s := newSite(t)
	s.schedule("nightly", "list.csv", "Europe/Berlin")
	require.NoError(t, s.root.Put(t.Context(), "list.csv", []byte(listOf(3))))
	for at, want := range map[time.Time]string{
		time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC): "nightly-2026-10-25T0230-0030Z",
		time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC): "nightly-2026-10-25T0230-0130Z",
		time.Date(2026, 10, 25, 2, 30, 0, 0, time.UTC): "nightly-2026-10-25T0330",
		time.Date(2026, 10, 24, 23, 0, 0, 0, time.UTC): "nightly-2026-10-25T0100",
		time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC):  "nightly-2026-03-29T0330",
		time.Date(2026, 7, 1, 0, 30, 0, 0, time.UTC):   "nightly-2026-07-01T0230",
	} {
		p, err := s.activities.makeJob(t.Context(), due{Schedule: "nightly", At: at})
		require.NoError(t, err)
		assert.Equal(t, want, p.State.Job)
	}
}
