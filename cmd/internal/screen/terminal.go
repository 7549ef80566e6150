// Package screen shows a person at a terminal how far something is.
package screen

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"

	"bulkonboard/cmd/internal/cli"
)

// Terminal is a standard error that a person looks at. What is written to it
// goes its way, line by line, and below that stands a frame that is drawn
// again in the same place. It has no colours, so NO_COLOR asks for nothing.
// It is safe for concurrent use.
//
// A frame ends with its last line end, so the cursor stands below it, where an
// echoed ^C does no harm: it goes with the next frame.
type Terminal struct {
	out  io.Writer
	size func() (width, height int, err error)

	mu    sync.Mutex // covers what follows, and the order of what is written
	frame []byte     // on the screen now
	width int        // of the screen when it was drawn
}

// On gives the terminal that a stream is, or else the stream. A dumb
// terminal cannot go back to a line that it has shown.
func On(stream io.Writer) io.Writer {
	under := stream
	if plain, ok := stream.(cli.Plain); ok {
		under = plain.To
	}
	file, ok := under.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) || os.Getenv("TERM") == "dumb" {
		return stream
	}
	return &Terminal{out: file, size: func() (int, int, error) { return term.GetSize(int(file.Fd())) }}
}

// Columns implements cli.Screen.
func (t *Terminal) Columns() int {
	width, _, err := t.size()
	if err != nil {
		return 0
	}
	return width
}

// Write shows whole lines above the frame.
func (t *Terminal) Write(text []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := append(t.erase(), cli.PlainText(text)...)
	if len(t.frame) > 0 && !bytes.HasSuffix(text, []byte("\n")) {
		b = append(b, '\n')
	}
	if _, err := t.out.Write(append(b, t.frame...)); err != nil {
		return 0, err
	}
	return len(text), nil
}

// draw puts a frame in the place of the one before; an empty one takes it away.
func (t *Terminal) draw(frame []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	width, _, err := t.size()
	if err == nil && width == t.width && bytes.Equal(frame, t.frame) {
		return nil
	}
	b := append(t.erase(), frame...)
	t.frame, t.width = append(t.frame[:0], frame...), width
	_, err = t.out.Write(b)
	return err
}

// erase is what takes the frame off the screen, and the cursor to where it
// began. A terminal that has become narrower since has broken its lines in two.
func (t *Terminal) erase() []byte {
	if len(t.frame) == 0 {
		return nil
	}
	width, _, err := t.size()
	if err != nil || width < 1 {
		width = t.width
	}
	rows := 0
	for line := range bytes.Lines(t.frame) {
		rows += max(1, (runewidth.StringWidth(string(bytes.TrimSuffix(line, []byte("\n"))))+width-1)/max(1, width))
	}
	return fmt.Appendf(nil, "\r\x1b[%dA\x1b[J", rows)
}
