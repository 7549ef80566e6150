package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/sandbox"
)

// inFiles is how many bytes stand in files below a folder.
func inFiles(folder string) (n int64) {
	_ = filepath.WalkDir(folder, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // it is gone, and has no bytes then
		}
		if info, err := d.Info(); err == nil {
			n += info.Size()
		}
		return nil
	})
	return n
}

// TestAKilledPlanLeavesNoCopyOfTheList among the temporary files: while it runs
// there is none to be left.
func TestAKilledPlanLeavesNoCopyOfTheList(t *testing.T) {
	t.Parallel() // one program at a time leaves processors idle
	p := newProgram(t, 100_000, sandbox.Options{})
	temp := p.file("temp")
	require.NoError(t, os.Mkdir(temp, 0o700))
	p.env = append(p.env, "TMPDIR="+temp)
	plan := func(job string) (ended chan struct{}, kill func() error) {
		c, _ := p.command("plan", "-i", p.file("list.csv"), "--job", p.file(job), "--rate", "100")
		ended = make(chan struct{})
		go func() {
			defer close(ended)
			_ = c.Wait()
		}()
		p.until("its folder", func() bool {
			made, _ := os.ReadDir(temp)
			return len(made) > 0
		})
		return ended, c.Process.Kill
	}
	ended, _ := plan("whole")
	for looks := 0; ; looks++ {
		require.Zero(t, inFiles(temp), "a kill now would leave it")
		select {
		case <-ended:
			assert.Greater(t, looks, 10)
		default:
			continue
		}
		break
	}
	ended, kill := plan("killed")
	require.NoError(t, kill())
	<-ended
	assert.Zero(t, inFiles(temp))
}
