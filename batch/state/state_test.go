package state

import (
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/disk"
)

// openReal opens a state folder on the real file system.
func openReal(t *testing.T, path string) *Dir {
	d, err := Open(disk.OS{}, path, Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func outcome(row int64, text string) Entry {
	return Entry{Kind: Result, Row: row, Attempt: 1, Payload: []byte(text)}
}

func TestASecondOpenIsRefusedAtOnceAndNamesTheHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.csv.state")
	first := openReal(t, path)
	_, err := Open(disk.OS{}, path, Options{})
	var held *HeldError
	require.ErrorAs(t, err, &held)
	assert.Equal(t, os.Getpid(), held.Holder.PID)
	assert.Contains(t, err.Error(), fmt.Sprintf("process %d", os.Getpid()))

	seen, err := Inspect(disk.OS{}, path)
	require.NoError(t, err)
	assert.True(t, seen.Held)
	require.NoError(t, first.Close())
	openReal(t, path)
}

// mounts is a file system in which every folder is one of its own.
type mounts struct{ disk.OS }

func (mounts) Rename(from, to string) error {
	if filepath.Dir(from) != filepath.Dir(to) {
		return syscall.EXDEV
	}
	return os.Rename(from, to)
}

func TestAnOutputIsPutInPlaceOnAnotherFileSystem(t *testing.T) {
	folder := t.TempDir()
	path, target := filepath.Join(folder, "s"), filepath.Join(folder, "rejects.csv")
	require.NoError(t, os.WriteFile(target, []byte("of an earlier run"), 0o600))
	d, err := Open(mounts{}, path, Options{})
	require.NoError(t, err)
	defer d.Close()
	_, err = d.Recover()
	require.NoError(t, err)
	o, err := d.Output(Rejects)
	require.NoError(t, err)
	content := strings.Repeat("a row\n", 100_000)
	_, err = o.Write([]byte(content))
	require.NoError(t, err)
	require.NoError(t, d.Publish(Checkpoint{Row: 1}, map[string]Target{Rejects: {Path: target, Replace: true}}))
	b, err := os.ReadFile(target)
	require.NoError(t, err)
	assert.Equal(t, content, string(b))
	names, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Len(t, names, 1, "nothing is left beside it")
}

func TestWhatTheJournalKnowsOfARow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	d := openReal(t, path)
	_, err := d.Recover()
	require.NoError(t, err)
	require.NoError(t, d.Commit(Checkpoint{Row: 1}))
	require.NoError(t, d.Append([]Entry{
		outcome(1, "written already"),
		{Kind: Intent, Row: 2, Attempt: 1}, outcome(2, "answered"),
		{Kind: Intent, Row: 3, Attempt: 1}, {Kind: Ended, Row: 3, Attempt: 1}, {Kind: Intent, Row: 3, Attempt: 2},
		{Kind: Intent, Row: 4, Attempt: 1}, {Kind: Ended, Row: 4, Attempt: 1},
	}))
	for restart := 1; restart <= 3; restart++ {
		require.NoError(t, d.Close())
		d = openReal(t, path)
		rec, err := d.Recover()
		require.NoError(t, err)
		require.NoError(t, d.Commit(Checkpoint{Row: 1}))
		assert.Equal(t, "answered", string(rec.Rows[2].Result))
		assert.NotContains(t, rec.Rows, int64(1))
		assert.Equal(t, 2, rec.Rows[3].Attempts)
		assert.Equal(t, 1, rec.Rows[3].Doubts, "counted once, however often it is recovered")
		assert.Equal(t, 0, rec.Rows[4].Doubts)
		assert.Equal(t, map[int]int{1: 1}[restart], rec.InDoubt)
	}
}

func TestDamageIsToldFromATornEnd(t *testing.T) {
	journal := func(t *testing.T) (path, segment string) {
		path = filepath.Join(t.TempDir(), "s")
		d := openReal(t, path)
		_, err := d.Recover()
		require.NoError(t, err)
		require.NoError(t, d.Commit(Checkpoint{}))
		for row := int64(1); row <= 10; row++ {
			require.NoError(t, d.Append([]Entry{outcome(row, strings.Repeat("x", 50))}))
			require.NoError(t, d.Sync())
		}
		require.NoError(t, d.Close())
		return path, segmentName(path, 1)
	}
	flip := func(t *testing.T, segment string, at int) {
		b, err := os.ReadFile(segment)
		require.NoError(t, err)
		if at < 0 {
			at += len(b)
		}
		b[at] ^= 1
		require.NoError(t, os.WriteFile(segment, b, 0o600))
	}
	t.Run("a flipped bit in the middle is refused", func(t *testing.T) {
		path, segment := journal(t)
		flip(t, segment, 300)
		_, err := openReal(t, path).Recover()
		var corrupt *CorruptError
		require.ErrorAs(t, err, &corrupt)
		assert.Contains(t, err.Error(), segment)
	})
	t.Run("an end that was not written whole is cut", func(t *testing.T) {
		path, segment := journal(t)
		info, err := os.Stat(segment)
		require.NoError(t, err)
		require.NoError(t, os.Truncate(segment, info.Size()-3))
		rec, err := openReal(t, path).Recover()
		require.NoError(t, err)
		assert.Len(t, rec.Rows, 9)
	})
	t.Run("a flipped bit in the end is refused", func(t *testing.T) {
		path, segment := journal(t)
		flip(t, segment, -3)
		_, err := openReal(t, path).Recover()
		require.ErrorAs(t, err, new(*CorruptError))
	})
	t.Run("an end that a power cut tore is cut", func(t *testing.T) {
		path, segment := journal(t)
		b, err := os.ReadFile(segment)
		require.NoError(t, err)
		clear(b[len(b)-40:])
		require.NoError(t, os.WriteFile(segment, b, 0o600))
		rec, err := openReal(t, path).Recover()
		require.NoError(t, err)
		assert.Len(t, rec.Rows, 9)
		assert.EqualValues(t, frameOverhead+50, rec.Torn, "all of the last entry")
	})
	t.Run("a journal without what the checkpoint counts on is refused", func(t *testing.T) {
		path, _ := journal(t)
		d := openReal(t, path)
		_, err := d.Recover()
		require.NoError(t, err)
		require.NoError(t, d.Commit(Checkpoint{}))
		require.NoError(t, d.Close())
		segment := segmentName(path, 2)
		info, err := os.Stat(segment)
		require.NoError(t, err)
		require.NoError(t, os.Truncate(segment, info.Size()-3))
		_, err = openReal(t, path).Recover()
		require.ErrorAs(t, err, new(*CorruptError))
	})
	t.Run("a journal that is gone is refused", func(t *testing.T) {
		path, segment := journal(t)
		require.NoError(t, os.Remove(segment))
		_, err := openReal(t, path).Recover()
		require.ErrorAs(t, err, new(*CorruptError))
		assert.Contains(t, err.Error(), segment+" is damaged: it is missing")
	})
	t.Run("a flipped bit in the checkpoint is refused", func(t *testing.T) {
		path, _ := journal(t)
		flip(t, filepath.Join(path, checkpointName), 40)
		_, err := openReal(t, path).Recover()
		var corrupt *CorruptError
		require.ErrorAs(t, err, &corrupt)
	})
	t.Run("results shorter than the checkpoint says are refused", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "s")
		d := openReal(t, path)
		_, err := d.Recover()
		require.NoError(t, err)
		out, err := d.Output(Results)
		require.NoError(t, err)
		_, err = out.Write([]byte("a row\n"))
		require.NoError(t, err)
		require.NoError(t, d.Commit(Checkpoint{Row: 1}))
		require.NoError(t, d.Close())
		require.NoError(t, os.Truncate(filepath.Join(path, Results), 3))
		_, err = openReal(t, path).Recover()
		var corrupt *CorruptError
		require.ErrorAs(t, err, &corrupt)
	})
}

func TestTheJournalStaysSmall(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	d, err := Open(disk.OS{}, path, Options{SegmentBytes: 1000})
	require.NoError(t, err)
	t.Cleanup(func() { _ = d.Close() })
	_, err = d.Recover()
	require.NoError(t, err)
	for row := int64(1); row <= 1000; row++ {
		require.NoError(t, d.Append([]Entry{outcome(row, strings.Repeat("x", 50))}))
		if row%10 == 0 {
			require.NoError(t, d.Commit(Checkpoint{Row: row}))
		}
	}
	numbers, err := segments(disk.OS{}, path)
	require.NoError(t, err)
	assert.LessOrEqual(t, len(numbers), 2)
}

func TestEveryFlippedBitOfAFrameIsToldFromATornOne(t *testing.T) {
	entry := outcome(7, "the answer")
	frame := appendFrame(nil, &entry)
	for at := range frame {
		for bit := range 8 {
			b := slices.Clone(frame)
			b[at] ^= 1 << bit
			valid, damaged := readFrames(b, func(Entry) {})
			assert.Zero(t, valid)
			assert.True(t, damaged, "byte %d", at)
		}
		torn := slices.Clone(frame)
		clear(torn[at:])
		_, damaged := readFrames(torn[:at], func(Entry) {})
		assert.False(t, damaged, "cut at %d", at)
		_, damaged = readFrames(torn, func(Entry) {})
		assert.Equal(t, bits.OnesCount8(frame[at]) == 1 && at == len(frame)-1, damaged, "zeros from %d on", at)
	}
}

func FuzzRecoveryNeverInventsAnAnswer(f *testing.F) {
	frames := appendFrame(nil, &Entry{Kind: Intent, Row: 1, Attempt: 1})
	one := outcome(1, "one")
	frames = appendFrame(frames, &one)
	f.Add(frames)
	f.Add(append(make([]byte, 40), frames...))
	f.Add(frames[:len(frames)-2])
	f.Fuzz(func(t *testing.T, b []byte) {
		var entries []Entry
		valid, _ := readFrames(b, func(e Entry) { entries = append(entries, e) })
		require.LessOrEqual(t, valid, len(b))
		again, damaged := readFrames(b[:valid], func(Entry) {})
		assert.Equal(t, valid, again, "what was cut once is whole")
		assert.False(t, damaged)
	})
}

// batchOf64 is a journal and what one write of it takes.
func batchOf64(t testing.TB) (*Dir, []Entry) {
	d, err := Open(disk.OS{}, filepath.Join(t.TempDir(), "s"), Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = d.Close() })
	_, err = d.Recover()
	require.NoError(t, err)
	entries := make([]Entry, 64)
	for i := range entries {
		entries[i] = outcome(int64(i), strings.Repeat("x", 80))
	}
	return d, entries
}

func TestAppendingMakesNoGarbage(t *testing.T) {
	d, entries := batchOf64(t)
	require.Zero(t, testing.AllocsPerRun(100, func() { require.NoError(t, d.Append(entries)) }))
}

func BenchmarkJournalAppend64(b *testing.B) {
	d, entries := batchOf64(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Append(entries); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/row")
}

func TestARunThatIsStartedOverKeepsItsOwnJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.csv.state")
	begin := func(d *Dir) *Recovered {
		r, err := d.Recover()
		require.NoError(t, err)
		_, err = d.Output(Results)
		require.NoError(t, err)
		require.NoError(t, d.Commit(Checkpoint{Run: "run"}))
		return r
	}
	d := openReal(t, path)
	begin(d)
	require.NoError(t, d.Append([]Entry{outcome(1, "of the first run")}))
	require.NoError(t, d.Close())

	d = openReal(t, path)
	_, err := d.Recover()
	require.NoError(t, err)
	require.NoError(t, d.StartOver())
	assert.Empty(t, begin(d).Rows)
	require.NoError(t, d.Append([]Entry{outcome(2, "of the second run")}))
	require.NoError(t, d.Close())

	rows := begin(openReal(t, path)).Rows
	require.Len(t, rows, 1)
	assert.Equal(t, "of the second run", string(rows[2].Result))
}
