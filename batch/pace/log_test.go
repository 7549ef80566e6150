package pace

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAPauseAndAnOutageAreWarnings(t *testing.T) {
	events := map[string]slog.Level{}
	for _, kind := range []EventKind{Hold, PaceChange, OutageOpen, OutageOver} {
		events[kind.Event()] = kind.Level()
	}
	assert.Equal(t, map[string]slog.Level{"pause": slog.LevelWarn, "outage": slog.LevelWarn, "rate": slog.LevelInfo, "outage_over": slog.LevelInfo}, events)
}
