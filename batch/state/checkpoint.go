package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path/filepath"
	"time"

	"bulkonboard/batch/disk"
)

const checkpointName = "checkpoint"

// version is that of the files in the state folder.
const version = 3

// Checkpoint is the durable position of a run: everything before it is written
// and will not be looked at again.
type Checkpoint struct {
	Version int               `json:"version"`
	Run     string            `json:"run"`     // id of the run; opaque here
	Binding map[string]string `json:"binding"` // what a resumed run must agree on; opaque here

	Row    int64  `json:"row"`    // records before the position
	Line   int64  `json:"line"`   // on which it stands
	Offset int64  `json:"offset"` // in bytes of the list
	Sum    uint64 `json:"sum"`    // of those bytes

	Size int64 `json:"size"` // of the list's file as far as the run reads it, in bytes; opaque here

	Journal   []segment         `json:"journal"` // the segments behind it
	Outputs   map[string]int64  `json:"outputs"` // durable length of each partial output and of the summary, in bytes
	Sums      map[string][]byte `json:"sums"`    // state of the hash over these bytes
	Extra     json.RawMessage   `json:"extra,omitempty"`
	Complete  bool              `json:"complete,omitempty"`  // nothing is left but to publish
	Replaces  []string          `json:"replaces,omitempty"`  // of a complete run, the outputs that replace what stands at their place
	Discarded bool              `json:"discarded,omitempty"` // the run is started over: what is left of it goes
	UpdatedAt time.Time         `json:"updatedAt"`
}

// checked is a checkpoint as it is in the file.
type checked struct {
	CRC        uint32          `json:"crc32c"` // of the checkpoint's bytes
	Checkpoint json.RawMessage `json:"checkpoint"`
}

// CorruptError says that the state is not what any crash leaves.
type CorruptError struct {
	Path   string
	Offset int64
	Reason string
}

// Error names the file and the ways out.
func (e *CorruptError) Error() string {
	at := ""
	if e.Offset > 0 {
		at = fmt.Sprintf(" at byte %d", e.Offset)
	}
	return fmt.Sprintf("%s is damaged%s: %s; restore the folder from a copy, or start over with --restart (customers already called are called again)", e.Path, at, e.Reason)
}

func encodeCheckpoint(cp *Checkpoint) ([]byte, error) {
	cp.Version = version
	inner, err := json.Marshal(cp)
	if err != nil {
		return nil, fmt.Errorf("encode the checkpoint: %w", err)
	}
	outer, err := json.Marshal(checked{CRC: crc32.Checksum(inner, castagnoli), Checkpoint: inner})
	if err != nil {
		return nil, fmt.Errorf("encode the checkpoint: %w", err)
	}
	return append(outer, '\n'), nil
}

// readCheckpoint reads the checkpoint in a folder; nil when there is none, or
// when its run is being started over.
func readCheckpoint(fsys disk.FS, dir string) (*Checkpoint, error) {
	cp, err := anyCheckpoint(fsys, dir)
	if err != nil || cp == nil || cp.Discarded {
		return nil, err
	}
	return cp, nil
}

// anyCheckpoint reads the checkpoint in a folder, whatever became of its run.
func anyCheckpoint(fsys disk.FS, dir string) (*Checkpoint, error) {
	name := filepath.Join(dir, checkpointName)
	b, err := disk.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // no checkpoint is not an error
	}
	if err != nil {
		return nil, ioError("read", name, err)
	}
	var outer checked
	var cp Checkpoint
	switch {
	case json.Unmarshal(b, &outer) != nil:
		return nil, &CorruptError{Path: name, Reason: "it is not a checkpoint"}
	case crc32.Checksum(outer.Checkpoint, castagnoli) != outer.CRC:
		return nil, &CorruptError{Path: name, Reason: "its checksum is wrong"}
	case json.Unmarshal(outer.Checkpoint, &cp) != nil:
		return nil, &CorruptError{Path: name, Reason: "it is not a checkpoint"}
	case cp.Version != version:
		return nil, &CorruptError{Path: name, Reason: fmt.Sprintf("it is of version %d, and this program knows version %d: finish the run with the program that began it", cp.Version, version)}
	}
	return &cp, nil
}
