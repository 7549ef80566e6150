package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/sandbox"
)

func TestTheMemoryOfARunIsNeverWrittenToAFile(t *testing.T) {
	p := newProgram(t, 1, sandbox.Options{Latency: time.Minute})
	c, _ := p.start()
	p.until("a call", func() bool { return p.service.Stats().InFlight == 1 })
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", c.Process.Pid))
	require.NoError(t, err)
	assert.Regexp(t, `(?m)^Max core file size +0 +0 `, string(limits))
	_ = c.Process.Kill()
	p.end(c)
}
