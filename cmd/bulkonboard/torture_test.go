//go:build torture && linux

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/sandbox"
	"bulkonboard/cmd/internal/cli"
)

// These take minutes, want root for some, and run by `make torture` alone.

func TestTortureAThousandKills(t *testing.T) {
	for round := range 50 {
		t.Run(strconv.Itoa(round+1), func(t *testing.T) { killAtRandom(t, 4000, 64, 20) })
	}
}

func TestTortureAHundredKillsInWavesOfFifty(t *testing.T) { killInWaves(t, 2500, 50, 100) }

func TestTortureATakeoverKilledAtEveryPoint(t *testing.T) { atEveryPoint(t, takeoverKilledAt) }

func TestTortureTwentyKillsThroughATakeoverNight(t *testing.T) { killThroughATakeover(t, 800, 20) }

// TestTortureTwoHundredKillsOnTheWayOut kills commands between their last answer
// and their exit.
func TestTortureTwoHundredKillsOnTheWayOut(t *testing.T) {
	var kills atomic.Int64
	for again := 1; kills.Load() < 200; again++ {
		for _, e := range endings {
			t.Run(fmt.Sprint(e.name, " ", again), func(t *testing.T) {
				atEveryPointOf(t, func(t *testing.T) atPoint {
					p := prepare(t, e)
					return func(t *testing.T, n int) bool {
						killed, answered := p.killedOnce(t, fmt.Sprint(atTheEnd, n), again)
						if answered {
							kills.Add(1)
						}
						return killed
					}
				})
			})
		}
	}
	t.Logf("%d kills", kills.Load())
}

func TestTortureAThousandFlippedBitsOfStoppedRuns(t *testing.T) { flipBits(t, 1000) }

func TestTortureFiveHundredDirtyLists(t *testing.T) { throughTheProgram(t, 500) }

// mount mounts something for the time of a test, or reports that this machine
// does not allow it.
func mount(t *testing.T, folder string, args ...string) bool {
	out, err := exec.Command("mount", append(args, folder)...).CombinedOutput()
	if err != nil {
		t.Logf("left out: mounting needs root and a loop device here: %s", out)
		return false
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", folder).Run() })
	return true
}

// shutDown makes an ext4 forget everything that no fsync has covered and take
// nothing more, as a power cut would (FS_IOC_SHUTDOWN, without a log flush).
func shutDown(t *testing.T, folder string) {
	const fsIocShutdown, noLogFlush = 0x8004587d, 2
	f, err := os.Open(folder)
	require.NoError(t, err)
	defer f.Close()
	how := uint32(noLogFlush)
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), fsIocShutdown, uintptr(unsafe.Pointer(&how)))
	require.Zero(t, errno)
}

func TestTorturePowerCuts(t *testing.T) {
	const rows, cuts, inFlight = 3000, 100, 32
	for _, options := range []string{"defaults", "data=writeback", "commit=1", "nodelalloc"} {
		t.Run(options, func(t *testing.T) {
			image := filepath.Join(t.TempDir(), "disk")
			require.NoError(t, os.WriteFile(image, nil, 0o600))
			require.NoError(t, os.Truncate(image, 64<<20))
			out, err := exec.Command("mkfs.ext4", "-q", "-F", image).CombinedOutput()
			require.NoError(t, err, string(out))
			disk := t.TempDir()
			if !mount(t, disk, "-o", "loop,"+options, image) {
				return
			}
			power, runs := 0, 0
			for power < cuts/4 {
				p := newProgram(t, rows, sandbox.Options{Latency: time.Millisecond, LatencyJitter: 3 * time.Millisecond})
				target := filepath.Join(disk, "out.csv")
				_ = os.Remove(target)
				lost := 0
				for {
					c, stderr := p.command("run", "-i", p.file("list.csv"), "-o", target, "--rate", "0", "--max-inflight", strconv.Itoa(inFlight))
					isCut := make(chan struct{})
					timer := time.AfterFunc(time.Duration(rand.IntN(400))*time.Millisecond, func() {
						defer close(isCut)
						shutDown(t, disk)
						_ = c.Process.Kill()
					})
					code := p.end(c)
					if timer.Stop() {
						if code == cli.ExitUsage {
							require.FileExists(t, target, stderr.String())
						} else {
							require.Equal(t, 0, code, stderr.String())
						}
						break
					}
					<-isCut // a program that met the errors first has ended by itself
					power++
					lost++
					require.NoError(t, exec.Command("umount", disk).Run())
					out, err := exec.Command("mount", "-o", "loop,"+options, image, disk).CombinedOutput()
					require.NoError(t, err, string(out))
				}
				b, err := os.ReadFile(target)
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(p.file("out.csv"), b, 0o600))
				p.requireEachItsOwn(rows)
				// Those in flight, and those answered since the last group
				// commit, at most 100 ms before.
				stats := p.service.Stats()
				assert.LessOrEqual(t, stats.RepeatedCalls, int64(lost)*(inFlight+2000))
				runs++
			}
			t.Logf("%d power cuts over %d runs", power, runs)
		})
	}
}

func TestTortureAFullDisk(t *testing.T) {
	disk := t.TempDir()
	if !mount(t, disk, "-t", "tmpfs", "-o", "size=256k", "none") {
		return
	}
	const rows = 5000
	p := newProgram(t, rows, sandbox.Options{})
	args := []string{"run", "-i", p.file("list.csv"), "-o", filepath.Join(disk, "out.csv"), "--rate", "0"}
	for range 5 {
		c, stderr := p.command(args...)
		require.Equal(t, cli.ExitIO, p.end(c), stderr.String())
		assert.Contains(t, stderr.String(), "no space left")
	}
	out, err := exec.Command("mount", "-o", "remount,size=16m", disk).CombinedOutput()
	require.NoError(t, err, string(out))
	c, stderr := p.command(args...)
	require.Equal(t, 0, p.end(c), stderr.String())
	b, err := os.ReadFile(filepath.Join(disk, "out.csv"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(p.file("out.csv"), b, 0o600))
	p.requireEachItsOwn(rows)
	t.Logf("full disk: stopped five times with exit 74, then complete; %d calls repeated", p.service.Stats().RepeatedCalls)
}

func TestTortureInjectedErrors(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Log("left out: strace is not installed")
		return
	}
	executable, err := os.Executable()
	require.NoError(t, err)
	stopped := 0
	for _, call := range []string{"fsync", "renameat", "write", "ftruncate", "unlinkat"} {
		for n := 1; n <= 8; n++ {
			for _, action := range []string{"error=EIO", "signal=SIGKILL"} {
				p := newProgram(t, 300, sandbox.Options{})
				args := []string{"run", "-i", p.file("list.csv"), "-o", p.file("out.csv"), "--rate", "0", "--max-inflight", "8"}
				c := exec.Command("strace", append([]string{
					"-f", "-qq", "-o", os.DevNull, "-e", "trace=" + call,
					"-P", p.folder, "-P", p.file("out.csv.state"), "-P", p.file("out.csv.state/checkpoint.tmp"), "-P", p.file("out.csv.state/journal-000001"), "-P", p.file("out.csv.state/results"),
					"-e", fmt.Sprintf("inject=%s:%s:when=%d", call, action, n), executable,
				}, args...)...)
				c.Env = append(p.env, programVariable+"=1")
				out, _ := c.CombinedOutput()
				code := c.ProcessState.ExitCode()
				assert.Contains(t, []int{0, cli.ExitIO, -1, 137}, code, "%s %s %d: %s", call, action, n, out)
				if code != 0 {
					stopped++
					again, stderr := p.command(args...)
					if code := p.end(again); code != 0 {
						require.Equal(t, cli.ExitUsage, code, stderr.String())
					}
				}
				p.requireEachItsOwn(300)
			}
		}
	}
	t.Logf("injected errors and kills stopped %d runs, and all continued", stopped)
}
