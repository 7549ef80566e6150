package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"bulkonboard/batch/pace"
)

const (
	// learnedLife is how long a pace that was found is good for a start.
	learnedLife = 7 * 24 * time.Hour

	// learnedShare of it is where a later run begins.
	learnedShare = 0.9
)

// learned is the pace that an earlier run found, in the user's cache.
type learned struct {
	PerSecond float64   `json:"perSecond"`
	At        time.Time `json:"at"`
}

// controller is the pace that was asked for.
func (s *settings) controller(log *slog.Logger) *pace.Controller {
	c := pace.Config{
		Ceiling: s.pace.ceiling, Search: s.pace.search, MaxInFlight: s.MaxInFlight,
		MaxOutage: s.MaxOutage,
		Report:    func(e pace.Event) { logPace(log, e) },
	}
	if s.pace.search {
		c.Start = learnedShare * s.recall(time.Now())
	}
	return pace.New(c)
}

// expected is a pace that a forecast reckons with.
type expected struct {
	perSecond float64 // 0: as fast as it goes
	guessed   bool
}

// guess is what a forecast reckons with when nobody knows.
const guess = 10

func (s *settings) expectedPace() expected {
	switch known := s.recall(time.Now()); {
	case !s.pace.search:
		return expected{perSecond: s.pace.ceiling}
	case known > 0:
		return expected{perSecond: rounded(known)}
	}
	return expected{perSecond: guess, guessed: true}
}

func logPace(log *slog.Logger, e pace.Event) {
	attrs := []any{"reason", e.Reason}
	if e.Wait > 0 {
		attrs = append(attrs, "wait", e.Wait.Round(time.Millisecond))
	}
	if e.Rate > 0 {
		attrs = append(attrs, "per_second", rounded(e.Rate))
	}
	log.Info(string(e.Kind), attrs...)
}

// learnedFile is where the pace for this endpoint and app is kept; "" when the
// user has no cache. A hash is its name, so the cache tells nobody who is
// called.
func (s *settings) learnedFile() string {
	dir, err := os.UserCacheDir()
	if err != nil || s.sandbox {
		return ""
	}
	key := sha256.Sum256([]byte(s.BaseURL + "\n" + s.AppID))
	return filepath.Join(dir, "bulkonboard", "pace-"+hex.EncodeToString(key[:8])+".json")
}

// recall is the pace that an earlier run found, or 0. A cache that cannot be
// read is none.
func (s *settings) recall(now time.Time) float64 {
	var l learned
	b, err := os.ReadFile(s.learnedFile())
	if err != nil || json.Unmarshal(b, &l) != nil || now.Sub(l.At) > learnedLife || l.At.After(now) || !(l.PerSecond > 0) {
		return 0
	}
	return l.PerSecond
}

// remember keeps the pace that this run found. It is worth no error: a run
// without it takes some seconds longer to find its pace.
func (s *settings) remember(perSecond float64, now time.Time) {
	name := s.learnedFile()
	if name == "" || perSecond <= 0 {
		return
	}
	b, err := json.Marshal(learned{PerSecond: perSecond, At: now})
	if err != nil || os.MkdirAll(filepath.Dir(name), 0o700) != nil {
		return
	}
	temporary, err := os.CreateTemp(filepath.Dir(name), "pace-*.tmp")
	if err != nil {
		return
	}
	_, err = temporary.Write(b)
	if temporary.Close() != nil || err != nil || os.Rename(temporary.Name(), name) != nil {
		_ = os.Remove(temporary.Name()) // nothing more can be done
	}
}

// rounded is a rate with three digits, as people read it.
func rounded(perSecond float64) float64 {
	switch {
	case perSecond >= 100:
		return float64(int64(perSecond + 0.5))
	case perSecond >= 10:
		return float64(int64(perSecond*10+0.5)) / 10
	}
	return float64(int64(perSecond*100+0.5)) / 100
}
