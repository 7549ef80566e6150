package main

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
)

// payloads are all that goes through Temporal, as it is there. What is added
// here is a name, an index, a count or a time; or it stays in the store.
var payloads = map[any]string{
	roundState{}:       `{"job":"","round":0,"heartbeat":0,"ledger":false,"phase":"","layout":{"chunks":0,"parallel":0,"rest":false,"rows":0,"rate":0},"next":0,"done":0,"rows":0,"total":{"rows":0,"bad":0}}`,
	part{}:             `{"job":"","round":0,"chunk":0}`,
	layout{}:           `{"chunks":0,"parallel":0,"rest":false,"rows":0,"rate":0}`,
	counted{}:          `{"rows":0}`,
	total{}:            `{"rows":0,"bad":0}`,
	heartbeatDetails{}: `{"state":"","rows":0}`,
	due{}:              `{"schedule":"","at":"0001-01-01T00:00:00Z"}`,
	prepared{}:         `{"course":{"job":"","round":0,"heartbeat":0,"ledger":false,"phase":"","layout":{"chunks":0,"parallel":0,"rest":false,"rows":0,"rate":0},"next":0,"done":0,"rows":0,"total":{"rows":0,"bad":0}},"quota":"","late":false,"patience":0}`,
}

func TestNoCustomersDataGoesThroughTemporal(t *testing.T) {
	for payload, want := range payloads {
		encoded, err := converter.GetDefaultDataConverter().ToPayload(payload)
		require.NoError(t, err)
		assert.JSONEq(t, want, string(encoded.GetData()), "%T", payload)
	}
}

func TestEveryWorkflowAndPartTakesAndGivesOnlyPayloads(t *testing.T) {
	does := workflows()
	maps.Copy(does, (&activities{}).byName())
	for name, f := range does {
		typ := reflect.TypeOf(f)
		require.Equal(t, 2, typ.NumIn(), name)
		assert.Contains(t, payloads, reflect.Zero(typ.In(1)).Interface(), name)
		for i := range typ.NumOut() - 1 {
			assert.Contains(t, payloads, reflect.Zero(typ.Out(i)).Interface(), name)
		}
	}
	assert.GreaterOrEqual(t, len(does), 5)
}

func TestAPayloadComesBackAsItWas(t *testing.T) {
	c := roundState{Job: "night", Round: 2, Heartbeat: 3, Phase: calling, Layout: layout{Chunks: 4, Parallel: 5, Rest: true, Rows: 6}, Next: 7, Done: 8, Rows: 9}
	b, err := json.Marshal(c)
	require.NoError(t, err)
	var back roundState
	require.NoError(t, json.Unmarshal(b, &back))
	assert.Equal(t, c, back)
	assert.True(t, slices.Contains([]string{planning, calling, resting, merging, merged}, back.Phase))
}
