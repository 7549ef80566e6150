package ledger

import (
	"crypto/hmac"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"bulkonboard/batch/disk"
)

// counter is a file beside the key that says how many changes were made to the
// ledger, so that an older copy of the ledger is noticed. It is written after
// each change: a crash in between leaves it one behind, and it is never ahead.
// Where the folder of the key takes no files, it is beside the ledger.
type counter struct {
	fsys        disk.FS
	ledger, key string
}

const counterName = ".count"

// path is where the counter is written.
func (c *counter) path() string {
	const writable = 2
	if syscall.Access(filepath.Dir(c.key), writable) != nil {
		return c.ledger + counterName
	}
	return c.key + counterName
}

func counterLine(secret, id []byte, n uint64) string {
	h := newHasher(secret)
	h.begin(ofCounter)
	h.part(string(id))
	h.part(fmt.Sprint(n))
	return fmt.Sprintf("%x %d %s\n", id, n, hex.EncodeToString(h.sum()[:16]))
}

// save writes the counter, durably.
func (c *counter) save(secret, id []byte, n uint64) error {
	path := c.path()
	return fileError("write", path, disk.Replace(c.fsys, path, disk.Copy(strings.NewReader(counterLine(secret, id, n)))))
}

// check compares the ledger with the counter. One of another ledger says
// nothing, nor does one that is not there: the key may have come from a copy.
func (c *counter) check(l *Ledger) error {
	for _, path := range []string{c.key + counterName, c.ledger + counterName} {
		b, err := disk.ReadFile(c.fsys, path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fileError("read", path, err)
		}
		var id string
		var n uint64
		if _, err := fmt.Sscanf(string(b), "%s %d", &id, &n); err == nil && id != l.ID() && len(id) == len(l.ID()) {
			continue
		}
		if !hmac.Equal(b, []byte(counterLine(l.secret, l.id, n))) {
			return &FormatError{Path: path, Reason: "this count of changes to the ledger " + l.path + " is not as it was written", Hint: "remove it: rm " + quoted(path)}
		}
		if n > l.seal.Changes {
			return older(l.path, path, l.seal.Changes, n)
		}
	}
	return nil
}
