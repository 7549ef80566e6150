package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// Screen is a standard error that a person looks at.
type Screen interface {
	Columns() int // how wide it is; 0 when that is not known
}

// peopleHandler writes the log for a person at a terminal: the time of day and
// words, in place of keys and quotation marks. It is safe for concurrent use.
type peopleHandler struct {
	mu    *sync.Mutex
	out   io.Writer
	level slog.Leveler
	attrs []slog.Attr
}

func newPeopleHandler(out io.Writer, level slog.Leveler) *peopleHandler {
	return &peopleHandler{mu: new(sync.Mutex), out: out, level: level}
}

// Enabled implements slog.Handler.
func (h *peopleHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.level.Level()
}

// Handle implements slog.Handler.
func (h *peopleHandler) Handle(_ context.Context, r slog.Record) error {
	var b bytes.Buffer
	b.WriteString(r.Time.Local().Format(time.TimeOnly) + " ")
	if r.Level >= slog.LevelWarn {
		b.WriteString(strings.ToLower(r.Level.String()) + ": ")
	}
	b.WriteString(r.Message)
	separator := ": "
	write := func(a slog.Attr) bool {
		if a.Key != runKey && a.Key != "event" { // a person has one run before them, and its words
			fmt.Fprintf(&b, "%s%s", separator, inWords(a))
			separator = ", "
		}
		return true
	}
	for _, a := range h.attrs {
		write(a)
	}
	r.Attrs(write)
	b.WriteByte('\n')
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := h.out.Write(b.Bytes())
	return err
}

// inWords is one attribute. A reason or an error is a sentence of its own.
func inWords(a slog.Attr) string {
	value := a.Value.Resolve().String()
	if slices.Contains([]string{"reason", "error", "state"}, a.Key) {
		return value
	}
	if what, ok := strings.CutSuffix(a.Key, "_seconds"); ok {
		return what + " " + value + " s"
	}
	return strings.ReplaceAll(a.Key, "_", " ") + " " + value
}

// WithAttrs implements slog.Handler.
func (h *peopleHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	more := *h
	more.attrs = append(slices.Clip(h.attrs), attrs...)
	return &more
}

// WithGroup implements slog.Handler. No line of this log has groups.
func (h *peopleHandler) WithGroup(string) slog.Handler { return h }
