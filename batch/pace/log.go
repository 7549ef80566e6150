package pace

import "log/slog"

// Event is the stable name of a kind of event in a log.
func (k EventKind) Event() string {
	switch k {
	case Hold:
		return "pause"
	case PaceChange:
		return "rate"
	case OutageOpen:
		return "outage"
	case OutageOver:
		return "outage_over"
	}
	return string(k)
}

// Level is how much a kind of event matters in a log: a pause and an outage are
// what somebody may look for in the morning.
func (k EventKind) Level() slog.Level {
	if k == Hold || k == OutageOpen {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}
