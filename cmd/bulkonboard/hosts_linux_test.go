package main

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/sandbox"
	"bulkonboard/cmd/internal/cli"
)

// TestAHostsFileThatLiesOfLocalhostIsToldNothing: it leads to the address of
// every interface, at which the service would be found.
func TestAHostsFileThatLiesOfLocalhostIsToldNothing(t *testing.T) {
	p := newProgram(t, 3, sandbox.Options{})
	require.NoError(t, os.WriteFile(p.file("hosts"), []byte("0.0.0.0 localhost\n"), 0o644))
	c := p.shell(`mount --bind hosts /etc/hosts && exec "$0" run -i list.csv -o out.csv --base-url http://localhost:` + p.port())
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}, GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}}
	out, err := c.CombinedOutput()
	var ended *exec.ExitError
	if !errors.As(err, &ended) {
		t.Skip("this machine gives no process a hosts file of its own: ", err)
	}
	assert.Equal(t, cli.ExitUsage, ended.ExitCode(), string(out))
	assert.Contains(t, string(out), "leads to 0.0.0.0:"+p.port()+", which is not this machine")
	assert.Zero(t, p.service.Stats().Calls)
}
