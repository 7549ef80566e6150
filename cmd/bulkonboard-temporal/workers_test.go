package main

import (
	"context"
	"io/fs"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"google.golang.org/protobuf/types/known/timestamppb"

	"bulkonboard/batch/store"
)

// polled is a server that some workers have asked for work, and how long ago.
type polled struct {
	registry
	workers map[string]time.Duration
}

func (p *polled) DescribeTaskQueue(context.Context, string, enums.TaskQueueType) (*workflowservice.DescribeTaskQueueResponse, error) {
	var got workflowservice.DescribeTaskQueueResponse
	for w, ago := range p.workers {
		got.Pollers = append(got.Pollers, &taskqueuepb.PollerInfo{Identity: w, LastAccessTime: timestamppb.New(time.Now().Add(-ago))})
	}
	return &got, nil
}

func (s *site) note(worker string, slots int) *notes {
	return &notes{root: s.root, worker: worker, slots: slots, sick: new(atomic.Bool), log: slog.New(slog.DiscardHandler)}
}

func TestFewerSlotsThanSharesOfTheRateAreSaid(t *testing.T) {
	s, p := newSite(t), &polled{workers: map[string]time.Duration{"a-1": time.Second, "dead-2": 2 * time.Minute}}
	r := s.submit("night", listOf(3))
	r.Job.Parallel = 6
	j, said := s.client(&p.registry)
	j.server = p
	s.note("a-1", 4).put(t.Context(), nil)
	s.note("dead-2", 4).put(t.Context(), nil)
	require.NoError(t, j.sayWorkersFor(t.Context(), "night", r))
	assert.Contains(t, said.String(), "the workers have 4 slots, and the job wants 6, one for each share of its rate: 2 of 6 shares are not used")

	said.Reset()
	p.workers["b-3"] = 0
	require.NoError(t, j.sayWorkersFor(t.Context(), "night", r))
	assert.Empty(t, said.String(), "a worker whose slots are not known may have them")

	s.note("b-3", 2).put(t.Context(), nil)
	require.NoError(t, j.sayWorkersFor(t.Context(), "night", r))
	assert.Empty(t, said.String())

	s.note("b-3", 2).put(t.Context(), &sickness{Reason: "it is not answered (http_500), and others are", Since: time.Now()})
	require.NoError(t, j.sayWorkersFor(t.Context(), "night", r))
	assert.Contains(t, said.String(), "the worker b-3 takes no parts since ")
	assert.Contains(t, said.String(), ": it is not answered (http_500), and others are\n")
	assert.Contains(t, said.String(), "the workers have 4 slots")
	pool, err := j.workerPool(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"1 worker without answers from the service: see status", "too few slots: 2 of 6 shares of the rate are not used"}, pool.lacks(6))
	assert.Len(t, pool.lacks(4), 1)
}

func TestWorkersThatHaveNotAskedForLongAreNotThere(t *testing.T) {
	s, p := newSite(t), &polled{workers: map[string]time.Duration{"dead-2": 2 * time.Minute}}
	j, said := s.client(&p.registry)
	j.server = p
	require.NoError(t, j.sayWorkers(t.Context()))
	assert.Contains(t, said.String(), "no worker is at the task queue")
}

func TestAJobOfWhichNoWorkerTellsAndNoHeartbeatComesIsSaidToStandStill(t *testing.T) {
	s, p := newSite(t), &polled{workers: map[string]time.Duration{"dead-2": time.Second}}
	s.submit("night", listOf(3))
	p.add(onboardName, workflowOf("quota"), "night", running)
	j, _ := s.client(&p.registry)
	j.server = p
	for ago, still := range map[time.Duration]bool{s.heartbeat / 2: false, 2 * s.heartbeat: true} {
		p.parts = map[string][]*workflowpb.PendingActivityInfo{workflowOf("quota"): {{
			State: enums.PENDING_ACTIVITY_STATE_STARTED, LastHeartbeatTime: timestamppb.New(time.Now().Add(-ago)),
		}}}
		text, err := j.status(t.Context(), "night")
		require.NoError(t, err)
		assert.Equal(t, still, strings.Contains(text, "nothing is done until one is started"), text)
	}
}

func TestNotesOfWorkersThatAreGoneAreRemoved(t *testing.T) {
	s, p := newSite(t), &polled{workers: map[string]time.Duration{"a-1": time.Second}}
	for _, w := range []string{"a-1", "dead-2", "new-3"} {
		s.note(w, 4).put(t.Context(), nil)
	}
	s.note("new-3", 4).sweep(t.Context(), p, "queue")
	var left []string
	for o, err := range s.root.List(t.Context(), notePrefix) {
		require.NoError(t, err)
		left = append(left, o.Name)
	}
	assert.Equal(t, []string{noteName("a-1"), noteName("new-3")}, left)
	s.note("new-3", 4).remove()
	_, err := store.ReadAll(t.Context(), s.root, noteName("new-3"), maxNote)
	assert.Error(t, err)
}

func TestAWorkerWhoseClockIsOffTakesNoWorkerForGone(t *testing.T) {
	s, ahead := newSite(t), &polled{workers: map[string]time.Duration{"a-1": time.Hour, "b-2": time.Hour + time.Minute, "dead-3": time.Hour + 2*time.Minute}}
	for w := range ahead.workers {
		s.note(w, 4).put(t.Context(), nil)
	}
	s.note("new-4", 4).sweep(t.Context(), ahead, "queue")
	_, err := readNote(t.Context(), s.root, "b-2")
	require.NoError(t, err)
	_, err = readNote(t.Context(), s.root, "dead-3")
	require.ErrorIs(t, err, fs.ErrNotExist)
	there, err := serverParts{ahead}.workers(t.Context(), activity.Info{})
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"a-1", "b-2"}, there)
}

func TestANoteSaysHowItsWorkerIs(t *testing.T) {
	s := newSite(t)
	n := s.note("host-1", 3)
	release := n.keep(t.Context(), s.activities.health)
	s.activities.health.fall(sickness{Reason: "x", probe: func(context.Context) probed { return probedIll }})
	require.Eventually(t, func() bool {
		got, err := readNote(t.Context(), s.root, "host-1")
		return err == nil && got.Slots == 3 && got.Sick != nil && got.Sick.Reason == "x"
	}, 10*time.Second, time.Millisecond)
	release()
	_, err := readNote(t.Context(), s.root, "host-1")
	assert.Error(t, err)
}

func FuzzANoteIsReadOrRefused(f *testing.F) {
	f.Add([]byte(`{"slots":4,"sick":{"reason":"x","since":"2026-11-26T00:00:00Z"}}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := parseNote(b)
		assert.Equal(t, err == nil, n != nil)
	})
}
