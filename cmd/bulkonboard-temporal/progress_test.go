package main

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"bulkonboard/cmd/internal/cli"
)

// teller is a server that can tell how far a job is.
type teller struct {
	*registry
	state roundState
}

func (q *teller) QueryWorkflow(context.Context, string, string, string, ...any) (converter.EncodedValue, error) {
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
	f := &follower{jobClient: j, job: "night", quota: "quota", round: 1, speed: cli.Speed{Span: leftSpan}}
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
	began := time.Now()
	r.state = roundState{Phase: calling, Layout: layout{Chunks: 5, Rows: 30}}
	f.look(t.Context(), began)
	f.look(t.Context(), began.Add(time.Second))
	r.state.Done, r.state.Rows = 2, 12
	f.look(t.Context(), began.Add(6*time.Second))
	assert.Equal(t, "night: calling, 0 of 5 chunks, 0 of 30 rows\nnight: calling, 2 of 5 chunks, 12 of 30 rows, 2 rows/s, ETA 9 s\n", said.String())
	assert.Contains(t, log.String(), `"event":"progress","job":"night","doing":"night: calling, 2 of 5 chunks, 12 of 30 rows","rows":12,"of":30,"rows_per_second":2,"eta_seconds":9`)

	again := &follower{jobClient: j, job: "night", quota: "quota", round: 2}
	said.Reset()
	again.forecast(t.Context())
	assert.Empty(t, said.String(), "another round calls for some of the rows only")
}
