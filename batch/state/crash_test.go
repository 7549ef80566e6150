package state

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/disk"
	"bulkonboard/batch/disk/disktest"
)

const (
	folder = "/w/out.csv.state"
	target = "/v/out.csv" // in another folder, as rejects may be: opening the state syncs its own
	about  = "/w/out.csv.summary.json"
	rows   = 24
)

// engine is a small stand-in for the real one, with the same order of steps.
// What the service saw, and what was promised, outlives its crashes.
type engine struct {
	mutant engineMutant

	calls    map[int64]int
	appended map[int64]bool // outcomes that Append took
	synced   map[int64]bool // and that a Sync has covered
	broken   []string       // promises that were not kept
}

// engineMutant is a mistake in the order of steps.
type engineMutant int

const (
	rightOrder          engineMutant = iota
	usedBeforeJournal                // a result is written before its answer is journalled
	checkpointUnsynced               // the checkpoint covers bytes that no fsync has
	truncatesOneTooMany              // recovery cuts a row that the checkpoint covers
	beginsUncommitted                // a start writes before its first commit
)

func newEngine() *engine {
	return &engine{calls: map[int64]int{}, appended: map[int64]bool{}, synced: map[int64]bool{}}
}

func line(row int64) string { return fmt.Sprintf("row %d, with some text behind it\n", row) }

func expected() string {
	var b strings.Builder
	for row := int64(1); row <= rows; row++ {
		b.WriteString(line(row))
	}
	return b.String()
}

// run takes all rows through, or ends with the error of the disk.
func (e *engine) run(d *disktest.Disk, machineDied bool) error {
	dir, err := Open(d, folder, Options{SegmentBytes: 300})
	if err != nil {
		return err
	}
	defer dir.Close()
	rec, err := dir.Recover()
	if err != nil {
		return err
	}
	if e.mutant == truncatesOneTooMany && rec.Checkpoint != nil && rec.Checkpoint.Row > 0 {
		rec.Checkpoint.Row--
	}
	from := int64(0)
	if _, err := d.Size(target); err == nil && rec.Checkpoint == nil {
		return nil // published; the program refuses to start over above it
	}
	if rec.Checkpoint != nil {
		if rec.Checkpoint.Complete {
			return dir.Publish(*rec.Checkpoint, targets())
		}
		from = rec.Checkpoint.Row
	}
	promised := e.appended
	if machineDied {
		promised = e.synced
	}
	for row := range promised {
		if row > from && (rec.Rows[row] == nil || rec.Rows[row].Result == nil) {
			e.broken = append(e.broken, fmt.Sprintf("the answer for row %d was lost", row))
		}
	}
	return e.work(dir, rec, from)
}

func (e *engine) work(dir *Dir, rec *Recovered, from int64) error {
	out, err := dir.Output(Results)
	if err != nil {
		return err
	}
	if e.mutant != beginsUncommitted {
		if err := dir.Commit(Checkpoint{Row: from}); err != nil {
			return err
		}
	}
	for row := from + 1; row <= rows; row++ {
		text := line(row)
		if known := rec.Rows[row]; known != nil && known.Result != nil {
			if text = string(known.Result); text != line(row) {
				e.broken = append(e.broken, fmt.Sprintf("row %d has another row's answer", row))
			}
		} else if err := e.call(dir, out, row); err != nil {
			return err
		}
		if _, err := io.WriteString(out, text); err != nil {
			return err
		}
		if row%5 == 0 {
			if err := e.commit(dir, out, row); err != nil {
				return err
			}
		}
	}
	if out.SHA256() != sumOf(expected()) {
		e.broken = append(e.broken, "the hash is not that of the results")
	}
	if err := dir.Keep(Summary, strings.NewReader(out.SHA256())); err != nil {
		return err
	}
	return dir.Publish(Checkpoint{Row: rows}, targets())
}

// targets has both ways of putting an output in its place.
func targets() map[string]Target {
	return map[string]Target{Results: {Path: target}, Summary: {Path: about, Replace: true}}
}

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func (e *engine) call(dir *Dir, out io.Writer, row int64) error {
	if err := dir.Append([]Entry{{Kind: Intent, Row: row, Attempt: 1}}); err != nil {
		return err
	}
	e.calls[row]++
	if e.mutant == usedBeforeJournal {
		e.appended[row] = true
	}
	if err := dir.Append([]Entry{{Kind: Result, Row: row, Attempt: 1, Payload: []byte(line(row))}}); err != nil {
		return err
	}
	e.appended[row] = true
	if row%3 != 0 {
		return nil
	}
	if err := dir.Sync(); err != nil {
		return err
	}
	for known := range e.appended {
		e.synced[known] = true
	}
	return nil
}

func (e *engine) commit(dir *Dir, out *Output, row int64) error {
	if e.mutant == checkpointUnsynced {
		out.durable = out.written.length
	}
	if err := dir.Commit(Checkpoint{Row: row}); err != nil {
		return err
	}
	for known := range e.appended {
		if known <= row {
			e.synced[known] = true
		}
	}
	return nil
}

// outage is one way in which a machine can stop.
type outage struct {
	name string
	died bool // with what it had in memory
	disk func(*disktest.Disk, *rand.Rand) *disktest.Disk
	next *outage // that comes while what it left is taken up; nil: the same
}

func outages() []outage {
	killed := outage{name: "killed", disk: func(d *disktest.Disk, _ *rand.Rand) *disktest.Disk { return d.Killed() }}
	cut := outage{name: "power cut", died: true, disk: (*disktest.Disk).Cut}
	return []outage{killed, cut, {name: "killed, then a power cut", disk: killed.disk, next: &cut}}
}

// survives stops the machine at every operation in turn, starts it again, stops
// it again in its recovery, and lets it finish. It returns what promises were
// broken.
func survives(o outage, em engineMutant, fm disktest.Mutant, rounds int) (broken []string) {
	for stop := 1; ; stop++ {
		for seed := range uint64(rounds) {
			r := rand.New(rand.NewPCG(uint64(stop), seed))
			e := newEngine()
			e.mutant = em
			d := disktest.New()
			d.Mutant, d.Stop = fm, stop
			err := e.run(d, false)
			if err == nil {
				return broken
			}
			if !errors.Is(err, disktest.ErrStopped) {
				return append(broken, "first run: "+err.Error())
			}
			again := o.disk(d, r)
			again.Mutant, again.Stop = fm, 1+r.IntN(20)
			err = e.run(again, o.died)
			last := again
			if err != nil {
				if !errors.Is(err, disktest.ErrStopped) {
					broken = append(broken, fmt.Sprintf("stop %d: %v", stop, err))
					continue
				}
				second := cmp.Or(o.next, &o)
				last = second.disk(again, r)
				last.Mutant = fm
				if err := e.run(last, second.died); err != nil {
					broken = append(broken, fmt.Sprintf("stop %d twice: %v", stop, err))
					continue
				}
			}
			broken = append(broken, e.broken...)
			if got, err := disk.ReadFile(last, target); err != nil || string(got) != expected() {
				broken = append(broken, fmt.Sprintf("stop %d: the results differ: %v", stop, err))
			}
			if got, err := disk.ReadFile(last, about); err != nil || string(got) != sumOf(expected()) {
				broken = append(broken, fmt.Sprintf("stop %d: the summary is of other results: %v", stop, err))
			}
			for row, n := range e.calls {
				if n > 3 {
					broken = append(broken, fmt.Sprintf("row %d was called %d times", row, n))
				}
			}
		}
	}
}

func TestEveryPromiseHoldsWhereverTheMachineStops(t *testing.T) {
	for _, o := range outages() {
		t.Run(o.name, func(t *testing.T) {
			assert.Empty(t, survives(o, rightOrder, disktest.Faithful, 10))
		})
	}
}

// cutWithForgedCRC is a power cut after which every frame has a checksum that
// fits, whatever the frame holds by now: what a reader sees that ignores it.
func cutWithForgedCRC(d *disktest.Disk, r *rand.Rand) *disktest.Disk {
	after := d.Cut(r)
	for name, data := range after.Files() {
		if !strings.Contains(name, segmentPrefix) {
			continue
		}
		for at := range data {
			b := data[at:]
			if len(b) < frameOverhead || binary.LittleEndian.Uint32(b) != frameMagic {
				continue
			}
			end := frameHead + int(binary.LittleEndian.Uint32(b[4:]))
			if end+frameTail <= len(b) && end >= frameHead {
				binary.LittleEndian.PutUint32(b[frameHead-4:], crc32.Checksum(b[:frameHead-4], castagnoli))
				binary.LittleEndian.PutUint32(b[end:], crc32.Checksum(b[:end], castagnoli))
			}
		}
	}
	return after
}

func TestTheseTestsCatchEveryMutant(t *testing.T) {
	killed, cut := outages()[0], outages()[1]
	cases := []struct {
		name   string
		outage outage
		engine engineMutant
		disk   disktest.Mutant
	}{
		{"no fsync of the folder", cut, rightOrder, disktest.NoFolderSync},
		{"no fsync of files", cut, rightOrder, disktest.NoFileSync},
		{"CRC ignored", outage{name: "power cut", died: true, disk: cutWithForgedCRC}, rightOrder, disktest.Faithful},
		{"an answer used before it is journalled", killed, usedBeforeJournal, disktest.Faithful},
		{"a checkpoint before the results are synced", cut, checkpointUnsynced, disktest.Faithful},
		{"truncated too far", killed, truncatesOneTooMany, disktest.Faithful},
		{"no commit before the first entry", cut, beginsUncommitted, disktest.Faithful},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			assert.NotEmpty(t, survives(c.outage, c.engine, c.disk, 10))
		})
	}
}

func TestAFailingOperationEndsTheRunAndLosesNothing(t *testing.T) {
	for _, fault := range []struct {
		name         string
		err          error
		late, sticky bool
	}{
		{"EIO, not applied", syscall.EIO, false, false},
		{"EIO, applied", syscall.EIO, true, false},
		{"disk full", syscall.ENOSPC, false, true},
	} {
		t.Run(fault.name, func(t *testing.T) {
			for n := 1; ; n++ {
				e, d := newEngine(), disktest.New()
				d.FailAt, d.Err, d.Late, d.Sticky = n, fault.err, fault.late, fault.sticky
				err := e.run(d, false)
				if err == nil && d.Ops < n {
					return
				}
				if err != nil {
					var failed *IOError
					require.ErrorAs(t, err, &failed, "operation %d", n)
					require.ErrorIs(t, err, fault.err)
					assert.NotEmpty(t, failed.Path)
				}
				d.Restart()
				if _, missing := d.Size(target); missing != nil || err != nil {
					require.NoError(t, e.run(d, false), "operation %d", n)
				}
				require.Empty(t, e.broken, "operation %d", n)
				got, err := disk.ReadFile(d, target)
				require.NoError(t, err)
				require.Equal(t, expected(), string(got), "operation %d", n)
				got, err = disk.ReadFile(d, about)
				require.NoError(t, err)
				require.Equal(t, sumOf(expected()), string(got), "operation %d", n)
			}
		})
	}
}
