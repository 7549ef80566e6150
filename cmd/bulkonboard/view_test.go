package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/measure"
	"bulkonboard/batch/pace"
	"bulkonboard/cmd/internal/screen"
	"bulkonboard/sink"
)

func TestTheStateIsGivenInWords(t *testing.T) {
	now := time.Date(2026, 1, 31, 2, 14, 0, 0, time.Local)
	for want, p := range map[string]measure.Progress{
		"starting":                                            {State: measure.Starting},
		"reading the list; nothing is sent yet":               {State: measure.Reading},
		"running":                                             {State: measure.Running},
		"running at up to 48.3 calls/s":                       {State: measure.Running, Pace: pace.Snapshot{Rate: 48.31}},
		"paused until 02:14:07 after 429":                     {State: measure.Held, Until: now.Add(7 * time.Second)},
		"paused until 2026-02-01 01:00:00 after 429":          {State: measure.Held, Until: now.Add(22*time.Hour + 46*time.Minute)},
		"paused after 429, one call tries whether it is over": {State: measure.Held},
		"outage since 02:10, next probe in 8 s":               {State: measure.Outage, Since: now.Add(-4 * time.Minute), Until: now.Add(7100 * time.Millisecond)},
		"outage since 2026-01-30 23:50, next probe in 1 s":    {State: measure.Outage, Since: now.Add(-144 * time.Minute), Until: now.Add(1)},
		"outage since 02:10, one probe is under way":          {State: measure.Outage, Since: now.Add(-4 * time.Minute)},
		"draining: 12 calls in flight":                        {State: measure.Draining, InFlight: 12},
		"draining: 1 call in flight":                          {State: measure.Draining, InFlight: 1},
		"ended":                                               {State: measure.Ended},
	} {
		v := view{Progress: p, now: now}
		assert.Equal(t, want, strings.Join(v.doing(), ", "))
	}
}

func TestTheNumbersAreShownAsTheyAre(t *testing.T) {
	v := view{now: time.Date(2026, 1, 31, 23, 0, 0, 0, time.Local), perSecond: 48.213, left: 90 * time.Minute, Progress: measure.Progress{
		State: measure.Running, Rows: 999, Answered: 1040, OfRows: 1000, Bytes: 3_149_000, OfBytes: 7_650_000, Share: 0.999, InFlight: 12,
		Status: map[sink.Status]int64{sink.OK: 990, sink.Rejected: 4, sink.Invalid: 5},
	}}
	assert.InDelta(t, 0.999, v.frame().Done, 0)
	assert.Equal(t, "999 of 1000 rows", v.rows())
	assert.Equal(t, "48.2 rows/s, 12 in flight, ETA 1 h 30 min (2026-02-01 00:30), 3.1 of 7.7 MB", strings.Join(v.flow(), ", "))
	assert.Equal(t, "ok 990, invalid 5, rejected 4, 41 done, waiting to be written", strings.Join(v.counts(), ", "))

	v.Progress = measure.Progress{State: measure.Reading, Rows: 4096, Bytes: 900}
	v.left = 0
	assert.Less(t, v.frame().Done, 0.0, "it is unknown")
	assert.Equal(t, "4096 rows", v.rows())
	assert.Equal(t, "48.2 rows/s, 900 bytes", strings.Join(v.flow(), ", "))
	assert.Empty(t, v.counts())
}

func TestTheEndIsReckonedFromTheLastMinutesAndThePaceFromTheLastSeconds(t *testing.T) {
	l, start := newLook(screen.Every), time.Now()
	p := measure.Progress{State: measure.Running, OfRows: 10000}
	var v *view
	see := func(seconds int, perSecond int64) {
		for range seconds * 5 {
			start = start.Add(screen.Every)
			v = l.at(p, start)
			p.Answered += perSecond / 5
		}
	}
	see(60, 50)
	assert.InDelta(t, 50, v.perSecond, 1)
	assert.InDelta(t, 140, v.left.Seconds(), 2)
	see(6, 0)
	assert.Zero(t, v.perSecond)
	assert.InDelta(t, 154, v.left.Seconds(), 2, "a pause of some seconds is not a standstill")
	p.State = measure.Outage
	see(1, 0)
	assert.Zero(t, v.left, "it is unknown")
	p = measure.Progress{State: measure.Running, OfRows: 100}
	see(6, 5)
	assert.InDelta(t, 5, v.perSecond, 1, "something else begins from nothing")
}

func TestALogHasALineOfProgressEveryHalfMinute(t *testing.T) {
	var b bytes.Buffer
	synctest.Test(t, func(*testing.T) {
		m := new(measure.Monitor)
		m.Expect(1000, 0)
		stop := showProgress(m, &b, slog.New(slog.NewTextHandler(&b, nil)))
		time.Sleep(65 * time.Second)
		stop()
		stop()
		time.Sleep(time.Minute)
	})
	assert.Equal(t, 2, strings.Count(b.String(), "\n"), b.String())
	assert.Contains(t, b.String(), "msg=progress event=progress state=starting doing=starting rows=0 of=1000 rows_per_second=0")
	assert.NotContains(t, b.String(), "\x1b")
}

func TestTheFirstLineOfProgressHasARateAndTheTimeThatIsLeft(t *testing.T) {
	var b bytes.Buffer
	synctest.Test(t, func(*testing.T) {
		m := new(measure.Monitor)
		m.Expect(1000, 0)
		stop := showProgress(m, &b, slog.New(slog.NewTextHandler(&b, nil)))
		time.Sleep(time.Second / 2) // so that no answer comes at the moment of a look
		for range 31 {
			time.Sleep(time.Second)
			for range 10 {
				m.Answer()
			}
		}
		stop()
	})
	require.Equal(t, 1, strings.Count(b.String(), "\n"), b.String())
	assert.Regexp(t, ` rows_per_second=10 eta_seconds=(70|71) `, b.String())
}
