package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/cmd/internal/cli"
)

func TestAFlippedBitInWhatAStoppedRunLeftIsRefusedOrDoesNoHarm(t *testing.T) { flipBits(t, 40) }

// flipBits stops a run, turns one bit of what it left, and resumes it. Half of
// the lists come by standard input, and then need not come again.
func flipBits(t *testing.T, times int) {
	withService(t)
	var list strings.Builder
	list.WriteString("customerType,customerEmail,firstName,lastName\n")
	for i := range 30 {
		domain := []string{"example.com", "example.com", "refused.example"}[i%3]
		fmt.Fprintf(&list, "Individual,c%d@%s,First%d,Last\n", i%20, domain, i)
	}
	refused := 0
	for seed := range uint64(times) {
		r := rand.New(rand.NewPCG(seed, 18))
		d := &dirt{t: t, folder: t.TempDir()}
		require.NoError(t, os.WriteFile(d.file("list"), []byte(list.String()), 0o600))
		require.Equal(t, cli.ExitBadRows, d.send("list", "whole"))
		want := d.told("whole")

		input, stdin := d.file("list"), ""
		if seed%2 == 1 {
			input, stdin = "-", list.String()
		}
		start := func(stdin string, flags ...string) (int, string) {
			return d.programOn(stdin, append([]string{
				"run", "-i", input, "-o", d.file("out"), "--rejects", d.file("out.rejects"), "--rate", "0", "--max-inflight", "2", "--log-level", "error",
			}, flags...)...)
		}
		code, said := start(stdin, "--max-failures", fmt.Sprint(1+r.IntN(4)))
		require.Equal(t, cli.ExitStopped, code, said)
		where := flipOne(t, d.file("out.state"), r)
		if code, said = start(""); code == cli.ExitState {
			refused++
			assert.NoFileExists(t, d.file("out"), "seed %d, %s", seed, where)
			continue
		}
		require.Equal(t, cli.ExitBadRows, code, "seed %d, %s: %s", seed, where, said)
		assert.Equal(t, want, d.told("out"), "seed %d, %s", seed, where)
		d.verify("out")
		whole, err := os.ReadFile(d.file("whole.rejects"))
		require.NoError(t, err)
		rejects, err := os.ReadFile(d.file("out.rejects"))
		require.NoError(t, err)
		assert.Equal(t, string(whole), string(rejects), "seed %d, %s", seed, where)
	}
	assert.Positive(t, refused)
	assert.Less(t, refused, times)
}

// told are the rows of results, but for times and attempts.
func (d *dirt) told(output string) (told []string) {
	rows, _ := d.rows(output)
	for _, rec := range rows {
		told = append(told, strings.Join(rec.Cells[:6], ","))
	}
	return told
}

// flipOne turns one bit of one file of a folder, and says where.
func flipOne(t *testing.T, folder string, r *rand.Rand) string {
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Size() > 0 {
			names = append(names, e.Name())
		}
	}
	name := filepath.Join(folder, names[r.IntN(len(names))])
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	at, bit := r.IntN(len(b)), r.IntN(8)
	b[at] ^= 1 << bit
	require.NoError(t, os.WriteFile(name, b, 0o600))
	return fmt.Sprintf("bit %d of byte %d of %s", bit, at, name)
}
