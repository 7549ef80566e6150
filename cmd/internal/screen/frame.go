package screen

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// Every is how often a frame is drawn again.
const Every = 200 * time.Millisecond

// Frame is how far something is: a bar, and lines below it.
type Frame struct {
	At    time.Time
	Done  float64    // from 0 to 1; less than zero: not known
	Of    string     // beside the bar
	Lines [][]string // as many parts of each as fit; a line without parts is left out
}

// share is how much is done, in whole percent that are really reached.
func (f *Frame) share() string {
	if f.Done < 0 {
		return "  ? "
	}
	return fmt.Sprintf("%3d%%", int(100*f.Done))
}

// lines are those below the bar, in a width.
func (f *Frame) lines(width int) string {
	var b strings.Builder
	for _, parts := range f.Lines {
		b.WriteString(fitting(parts, width))
	}
	return b.String()
}

// fitting is a line of as many parts as fit into a width, or of the beginning of
// the first; "" without parts.
func fitting(parts []string, width int) string {
	for n := len(parts); n > 0; n-- {
		line := strings.Join(parts[:n], ", ")
		if n < len(parts) {
			line += ", …"
		}
		if runewidth.StringWidth(line) <= width {
			return line + "\n"
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return runewidth.Truncate(parts[0], width, "…") + "\n"
}

// Frames draws frames on a terminal, each in the place of the one before, until
// end takes the last one away.
func (t *Terminal) Frames() (show func(*Frame), end func()) {
	var next atomic.Pointer[Frame]
	var f *Frame // that mpb draws; it asks for the bar first
	bar := mpb.BarStyle().Build()
	refresh, gone := make(chan any), make(chan any)
	p := mpb.New(mpb.WithConsoleWriter(&canvas{Terminal: t}), mpb.WithManualRefresh(refresh), mpb.WithShutdownNotifier(gone))
	_, _ = p.Add(0, mpb.BarFillerFunc(func(w io.Writer, s decor.Statistics) error {
		s.Current, s.Total = int64(1e6*max(0, f.Done)), 1e6
		return bar.Fill(w, s)
	}),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string {
			f = next.Load()
			return f.share()
		})),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return f.Of })),
		mpb.BarBtmExtender(mpb.BarFillerFunc(func(w io.Writer, s decor.Statistics) error {
			_, err := io.WriteString(w, f.lines(s.AvailableWidth))
			return err
		})),
	) // only after a shutdown does it fail
	show = func(f *Frame) {
		next.Store(f)
		select {
		case refresh <- f.At:
		case <-gone:
		}
	}
	return show, func() {
		p.Shutdown()
		_ = t.draw(nil) // a terminal that is gone shows nothing anyway
	}
}

// canvas is a terminal as mpb draws on it: a whole frame, and then Flush.
type canvas struct {
	bytes.Buffer
	*Terminal
}

// Write implements mpb.ConsoleWriter.
func (c *canvas) Write(b []byte) (int, error) { return c.Buffer.Write(b) }

// IsTerminal implements mpb.ConsoleWriter.
func (c *canvas) IsTerminal() bool { return true }

// GetTermSize implements mpb.ConsoleWriter. A column stays free, for terminals
// that go to the next line once the last one is written to, and a line, for
// the cursor.
func (c *canvas) GetTermSize() (width, height int, err error) {
	width, height, err = c.size()
	return max(1, width-1), max(1, height-1), err
}

// Flush implements mpb.ConsoleWriter.
func (c *canvas) Flush(int) error {
	defer c.Reset()
	return c.draw(c.Bytes())
}
