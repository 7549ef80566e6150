package screen

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestALineHasAsManyPartsAsFit(t *testing.T) {
	f := Frame{Done: 0.999, Lines: [][]string{{"ok 990", "invalid 5", "rejected 4"}, nil, {"running"}}}
	assert.Equal(t, " 99%", f.share(), "a hundred is all")
	assert.Equal(t, "ok 990, invalid 5, rejected 4\nrunning\n", f.lines(80))
	assert.Equal(t, "ok 990, invalid 5, …\nrunning\n", f.lines(21))
	assert.Equal(t, "ok…\nru…\n", f.lines(3))
	f.Done = -1
	assert.Equal(t, "  ? ", f.share())
}

func TestOnlyATerminalThatCanGoBackGetsAFrame(t *testing.T) {
	pty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("there is no terminal to be had: ", err)
	}
	defer pty.Close()
	assert.IsType(t, &Terminal{}, On(pty))
	t.Setenv("TERM", "dumb")
	assert.Same(t, pty, On(pty))
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer null.Close()
	t.Setenv("TERM", "xterm")
	assert.Same(t, null, On(null))
	var pipe bytes.Buffer
	assert.Same(t, &pipe, On(&pipe))
}

func TestTextStandsAboveTheFrameAndAFrameIsTakenOffWhole(t *testing.T) {
	var out bytes.Buffer
	width, broken := 20, error(nil)
	s := &Terminal{out: &out, size: func() (int, int, error) { return width, 24, broken }}
	wrote := func() string { defer out.Reset(); return out.String() }
	text := func(line string) string {
		_, err := s.Write([]byte(line))
		require.NoError(t, err)
		return wrote()
	}
	draw := func(frame string) string {
		require.NoError(t, s.draw([]byte(frame)))
		return wrote()
	}
	assert.Equal(t, "hello\n", text("hello\n"))
	assert.Equal(t, "first line\nsecond\n", draw("first line\nsecond\n"))
	assert.Empty(t, draw("first line\nsecond\n"), "nothing has changed")
	assert.Equal(t, "\r\x1b[2A\x1b[Jhello\nfirst line\nsecond\n", text("hello\n"))
	assert.Equal(t, "\r\x1b[2A\x1b[Jhello\nfirst line\nsecond\n", text("hello"), "a line is a line")
	width = 4
	assert.Equal(t, "\r\x1b[5A\x1b[Jno\n", draw("no\n"), "the terminal has made five lines of two")
	broken = errors.New("gone")
	assert.Equal(t, "\r\x1b[1A\x1b[J", draw(""))
	assert.Equal(t, "bye\n", text("bye\n"))
}
