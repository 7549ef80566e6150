package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

const lockName = "lock"

// errHeld is what FS.Lock returns for a lock that another process holds.
var errHeld = errors.New("the lock is held")

// Lock implements FS with flock(2): the lock dies with the process that holds
// it, so none is ever stale. The file is never removed, or two processes could
// each hold a lock on a file of that name.
func (OS) Lock(name string) (func() error, error) {
	lock := flock.New(name, flock.SetPermissions(0o600), flock.SetFlag(os.O_CREATE|os.O_RDONLY|noFollow))
	held, err := lock.TryLock()
	if err != nil {
		return nil, unlessLink(name, err)
	}
	if !held {
		return nil, errHeld
	}
	return lock.Unlock, nil
}

// Holder says who holds a lock. It is for messages only: the lock itself is
// the kernel's.
type Holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Since   time.Time `json:"since"`
	Command string    `json:"command"`
}

// thisProcess is the holder that this process is.
func thisProcess() Holder {
	host, err := os.Hostname()
	if err != nil {
		host = "this host"
	}
	return Holder{PID: os.Getpid(), Host: host, Since: time.Now(), Command: strings.Join(os.Args, " ")}
}

// HeldError says that another process is at this state.
type HeldError struct {
	Path   string
	Holder Holder // zero when it has not said
}

// Error names the holder and the next step.
func (e *HeldError) Error() string {
	who := "another process"
	if e.Holder.PID != 0 {
		who = fmt.Sprintf("process %d on %s (since %s: %s)", e.Holder.PID, e.Holder.Host, e.Holder.Since.Local().Format(time.DateTime), e.Holder.Command)
	}
	return fmt.Sprintf("%s is in use by %s; wait for it, or look at it with bulkonboard status", e.Path, who)
}

func holderName(dir string) string { return filepath.Join(dir, "holder.json") }

// readHolder reads who holds the lock, as far as it has said so.
func readHolder(fsys FS, dir string) Holder {
	var h Holder
	if b, err := readFile(fsys, holderName(dir)); err == nil {
		_ = json.Unmarshal(b, &h) // half a file says nothing
	}
	return h
}
