package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

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

	// Of another process only the kernel knows this.
	before, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	require.NoError(t, err)
	defer func() { _ = unix.Prctl(unix.PR_SET_DUMPABLE, uintptr(before), 0, 0, 0) }()
	notDumpable()
	now, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	require.NoError(t, err)
	assert.Zero(t, now)
}

func TestAFolderThatCanBeWrittenIsOnNoReadOnlyMount(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "x"))
	require.NoError(t, err)
	defer file.Close()
	assert.False(t, onReadOnlyMount(file))
}
