package main

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"

	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

func TestEveryAgreementIsOnASettingOfRunAndOfRetry(t *testing.T) {
	for _, a := range agreements {
		assert.NotNil(t, runCommand().Flags().Lookup(a.flag), a.flag)
		assert.NotNil(t, retryCommand().Flags().Lookup(a.flag), a.flag)
		assert.Equal(t, a.resumes.Name == "", a.value == nil, a.flag)
		assert.True(t, a.resumes.Name != "" || a.retries || a.repeats != never, a.flag)
	}
}

func TestACommandWithAnotherSettingIsNotComplete(t *testing.T) {
	was := map[string]string{}
	for _, a := range agreements {
		was[cli.KeyOf(a.flag)] = "was"
	}
	sum := &sink.Summary{Settings: was}
	assert.True(t, repeats(sum, was))
	assert.True(t, repeats(sum, nil), "of settings that a command does not have, nothing is asked")
	for _, a := range agreements {
		for _, value := range []string{"", "another"} {
			now := maps.Clone(was)
			now[cli.KeyOf(a.flag)] = value
			assert.Equal(t, a.repeats == never, repeats(sum, now), a.flag)
		}
		delete(was, cli.KeyOf(a.flag))
		assert.Equal(t, a.repeats == never, repeats(sum, map[string]string{cli.KeyOf(a.flag): "now"}), "the run did not have "+a.flag)
		was[cli.KeyOf(a.flag)] = "was"
	}
}
