package cli

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOnATerminalTheLogIsTimeAndWords(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(newPeopleHandler(&b, slog.LevelInfo)).With("run", "20260131T020000Z-abc234")
	log.Debug("pace change", "per_second", 20)
	log.Info("pause", "reason", "the service answers 429", "event", "pause", "wait_seconds", 2, "per_second", 12.5)
	log.Warn("the metrics file cannot be written", "error", "no room")
	assert.Regexp(t, `^\d\d:\d\d:\d\d pause: the service answers 429, wait 2 s, per second 12.5\n\d\d:\d\d:\d\d warn: the metrics file cannot be written: no room\n$`, b.String())
}

func TestAFolderThatIsNotThereIsNamed(t *testing.T) {
	folder := t.TempDir()
	for path, want := range map[string]string{
		"":                       "",
		"-":                      "",
		folder + "/out.csv":      "",
		folder + "/nope/out.csv": "--output: there is no folder " + folder + "/nope; create it, or choose another --output",
	} {
		var p Problems
		CheckFolder(&p, "output", path)
		if want == "" {
			assert.Empty(t, p, path)
			continue
		}
		assert.Equal(t, Problems{want}, p)
	}
}
