package state

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"bulkonboard/batch/disk"
)

const lockName = "lock"

// Holder says who holds a lock. It is for messages only: the lock itself is
// the kernel's.
type Holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Since   time.Time `json:"since"`
	Command string    `json:"command"`
}

// thisProcess is the holder that this process is, by a command.
func thisProcess(command string) Holder {
	host, err := os.Hostname()
	if err != nil {
		host = "this host"
	}
	return Holder{PID: os.Getpid(), Host: host, Since: time.Now(), Command: command}
}

// HeldError says that another process is at this state, or at whatever else is
// locked.
type HeldError struct {
	Path   string
	Holder Holder // zero when it has not said
	Next   string // what to do; to look at the state with status unless set
}

// Error names the holder and the next step.
func (e *HeldError) Error() string {
	who := "another process"
	if e.Holder.PID != 0 {
		since := strings.TrimSuffix(e.Holder.Since.Local().Format(time.DateTime)+": "+e.Holder.Command, ": ")
		who = fmt.Sprintf("process %d on %s (since %s)", e.Holder.PID, e.Holder.Host, since)
	}
	return fmt.Sprintf("%s is in use by %s; %s", e.Path, who, cmp.Or(e.Next, "wait for it, or look at it with bulkonboard status"))
}

// askAgain is how often a lock that is waited for is tried.
const askAgain = 200 * time.Millisecond

// Hold locks a file that is not a state, such as one that several jobs share, and
// waits for it for that duration. It returns a *HeldError when another process holds it
// still. The lock and who holds it are in two files beside the file, and stay:
// the command, which is told to others, names no customer.
func Hold(ctx context.Context, fsys disk.FS, path, command string, wait time.Duration) (release func() error, err error) {
	limit := time.NewTimer(wait)
	defer limit.Stop()
	again := time.NewTicker(askAgain)
	defer again.Stop()
	holder := path + ".holder"
	for {
		lock, err := fsys.Lock(path + ".lock")
		if err == nil {
			if err := signHolder(fsys, holder, command); err != nil {
				return nil, errors.Join(err, lock.Unlock())
			}
			return lock.Unlock, nil
		}
		if !errors.Is(err, disk.ErrHeld) {
			return nil, ioError("lock", path, err)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-limit.C:
			return nil, &HeldError{Path: path, Holder: readHolder(fsys, holder), Next: "wait for it, with --wait 10m for one"}
		}
	}
}

func holderName(dir string) string { return filepath.Join(dir, "holder.json") }

// signHolder writes down who holds a lock. A lock does not outlive its
// machine, so what is said of it need not be durable.
func signHolder(fsys disk.FS, name, command string) error {
	holder, err := json.Marshal(thisProcess(command))
	if err != nil {
		return err
	}
	return ioError("write", name, disk.Write(fsys, name, disk.Copy(bytes.NewReader(holder)), false))
}

// readHolder reads who holds a lock, as far as it has said so.
func readHolder(fsys disk.FS, name string) Holder {
	var h Holder
	if b, err := disk.ReadFile(fsys, name); err == nil {
		_ = json.Unmarshal(b, &h) // half a file says nothing
	}
	return h
}
