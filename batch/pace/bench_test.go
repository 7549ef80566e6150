package pace

import (
	"testing"
	"time"

	"bulkonboard/batch/blame"
)

// BenchmarkDecision is all that the pace does for one attempt.
func BenchmarkDecision(b *testing.B) {
	for name, c := range map[string]Config{
		"unpaced": {MaxInFlight: 64},
		"ceiling": {MaxInFlight: 64, Ceiling: 1e6},
		"search":  {MaxInFlight: 64, Search: true},
	} {
		b.Run(name, func(b *testing.B) {
			p, now, blame := New(c), time.Unix(0, 0), blame.Row{}
			b.ReportAllocs()
			for b.Loop() {
				v := p.Next(now, 1, true)
				for !v.Send {
					now = v.At
					v = p.Next(now, 1, true)
				}
				p.Answered(now.Add(time.Millisecond), p.Sent(now), Signal{Latency: time.Millisecond}, &blame)
			}
		})
	}
}
