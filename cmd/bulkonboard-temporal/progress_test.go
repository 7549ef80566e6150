package main

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/types/known/timestamppb"

	"bulkonboard/batch/measure"
)

// teller is a server that can tell how far a job is.
type teller struct {
	*registry
	state    roundState
	eachLook func() // may be nil
	pollers  []*taskqueuepb.PollerInfo
}

func (q *teller) DescribeTaskQueue(context.Context, string, enums.TaskQueueType) (*workflowservice.DescribeTaskQueueResponse, error) {
	return &workflowservice.DescribeTaskQueueResponse{Pollers: q.pollers}, nil
}

func (q *teller) QueryWorkflow(context.Context, string, string, string, ...any) (converter.EncodedValue, error) {
	if q.eachLook != nil {
		q.eachLook()
	}
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(q.state)
	return client.NewValue(payloads), err
}

func TestTheForecastIsSaidOnceTheJobIsPlannedAndProgressAsItChanges(t *testing.T) {
	s, r := newSite(t), &teller{registry: &registry{}}
	s.submit("night", listOf(30))
	r.add(onboardName, workflowOf("quota"), "night", running)
	j, said := s.client(r.registry)
	j.server = r
	var log bytes.Buffer
	j.Told = slog.New(slog.NewJSONHandler(&log, nil))
	f := j.follow("night", "quota", 1)
	f.forecast(t.Context())
	assert.Empty(t, said.String(), "it is not planned")
	_, err := s.run("night", 1)
	require.NoError(t, err)
	f.forecast(t.Context())
	f.forecast(t.Context())
	assert.Regexp(t, `^forecast: 30 rows in list.csv\n  calls +30\n`, said.String())
	assert.Equal(t, 1, bytes.Count(said.Bytes(), []byte("forecast:")))
	assert.Contains(t, log.String(), `"event":"forecast"`)

	said.Reset()
	began := time.Date(2026, 1, 31, 2, 0, 0, 0, time.Local)
	r.state = roundState{Phase: calling, Layout: layout{Chunks: 5, Rows: 30}}
	f.say(f.look(t.Context(), began))
	f.say(f.look(t.Context(), began.Add(time.Second)))
	r.state.Done, r.state.Rows = 2, 12
	f.say(f.look(t.Context(), began.Add(6*time.Second)))
	r.state.Phase, r.state.Rows = merging, 30
	r.parts = map[string][]*workflowpb.PendingActivityInfo{workflowOf("quota"): {telling(t, heartbeatDetails{Rows: 15})}}
	r.pollers = []*taskqueuepb.PollerInfo{{Identity: "a-1", LastAccessTime: timestamppb.Now()}}
	f.say(f.look(t.Context(), began.Add(60*time.Second)))
	assert.Equal(t, `night: calling, 0 of 5 chunks, 0 of 30 rows; no worker is there
night: calling, 2 of 5 chunks, 12 of 30 rows, 2 rows/s, ETA 9 s (02:00); no worker is there
night: merging, 2 of 5 chunks, 15 of 30 rows, 1 part under way
`, said.String())
	assert.Contains(t, log.String(), `"event":"progress","job":"night","doing":"night: calling, 2 of 5 chunks, 12 of 30 rows; no worker is there","rows":12,"of":30,"rows_per_second":2,"eta_seconds":9`)

	again := j.follow("night", "quota", 2)
	said.Reset()
	again.forecast(t.Context())
	assert.Empty(t, said.String(), "another round calls for some of the rows only")
}

// telling is a part under way, with what its worker said of it last.
func telling(t *testing.T, d heartbeatDetails) *workflowpb.PendingActivityInfo {
	t.Helper()
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(d)
	require.NoError(t, err)
	return &workflowpb.PendingActivityInfo{State: enums.PENDING_ACTIVITY_STATE_STARTED, HeartbeatDetails: payloads}
}

func TestAFrameHasTheBarAndWhatKeepsPartsFromBeingDone(t *testing.T) {
	s := &standing{at: time.Date(2026, 1, 31, 2, 0, 0, 0, time.Local), perSecond: 312.4, left: 2 * time.Minute, execution: &execution{
		state: &roundState{Phase: calling, Done: 3, Rows: 3000, Layout: layout{Chunks: 8, Rows: 8000}},
	}}
	for _, state := range []measure.State{measure.Running, measure.Held, measure.Outage, measure.Outage} {
		s.see(telling(t, heartbeatDetails{State: string(state), Rows: 250}))
	}
	s.lacks = (&workerPool{}).lacks(4)
	f := s.frame()
	assert.InDelta(t, 0.5, f.Done, 0)
	assert.Equal(t, "4000 of 8000 rows", f.Of)
	assert.Equal(t, [][]string{
		{"312 rows/s", "ETA 2 min (02:02)"},
		{"calling", "3 of 8 chunks", "4000 of 8000 rows", "4 parts under way"},
		{"1 part paused after 429"}, {"the service is unavailable to 2 parts"}, {"no worker is there"},
	}, f.Lines)

	s.state = nil
	assert.Equal(t, [][]string{{"no worker answers how far the job is"}}, s.frame().Lines)
	assert.Less(t, s.frame().Done, 0.0)
}

func TestWhereNoTerminalIsProgressIsALineEveryTenSeconds(t *testing.T) {
	s, r := newSite(t), &teller{registry: &registry{}}
	s.submit("night", listOf(30))
	r.add(onboardName, workflowOf("quota"), "night", running)
	r.state = roundState{Phase: calling, Layout: layout{Chunks: 5, Rows: 3000}}
	j, said := s.client(r.registry)
	j.server = r
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), 35*time.Second)
		defer stop()
		r.eachLook = func() { r.state.Rows += 50 }
		j.follow("night", "quota", 1).run(ctx)
	})
	assert.Equal(t, 3, bytes.Count(said.Bytes(), []byte("\n")), said.String())
	assert.Regexp(t, `^night: calling, 0 of 5 chunks, 500 of 3000 rows, 50 rows/s, ETA 50 s .*; no worker is there\n`, said.String())
}
