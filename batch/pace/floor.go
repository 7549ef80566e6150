package pace

import (
	"cmp"
	"math"
)

// floor is the share of calls that a service refuses whatever the rate. It is found by
// what cutting the rate does not cure (where a quota was the reason, as much is taken at
// the lower rate as at the higher, or far less than was asked for at the higher), or by
// rows that are refused each time (package blame).
type floor struct {
	share   float64 // 0: none is known
	before  float64 // what it was taken for until a short while ago
	onTrial bool    // it has been found just now

	from  float64 // the highest rate that was cut; 0: none was
	began mark    // when it was cut
	under mark    // when it came to be well below that
	took  float64 // calls a second that were taken near that rate, if that could be measured
	low   count   // well below that rate
	met   count   // at all others, to see whether it fades
}

// count is calls, and how many of them were refused.
type count struct{ calls, refused float64 }

func (n *count) add(refused bool) {
	n.calls++
	if refused {
		n.refused++
	}
}

func (n *count) share() float64 { return n.refused / max(1, n.calls) }

// saw takes in a call at a rate, as since does, and reports that a floor has stood its trial.
func (f *floor) saw(now mark, rate float64, since *count, refused bool) (stood bool) {
	took := f.began.perSecond(now, enough)
	switch {
	case f.from > 0 && rate <= 0.75*f.from && max(f.took, took) > 0:
		if f.low.calls == 0 {
			f.under, f.took = now, cmp.Or(f.took, took)
		}
		f.low.add(refused)
		return false
	case f.from > 0 && since.calls >= 200*enough && since.refused <= f.share*since.calls:
		*f = floor{share: f.share} // cured
	case f.onTrial && since.calls >= 20*enough:
		f.onTrial, stood = false, true
	}
	if rate > 0.9*f.from {
		f.took = took
	}
	if f.met.add(refused); f.met.calls < max(200*enough, 4*enough/max(f.share, refusalShare)) {
		return stood
	}
	if f.met.share() < f.share/2 {
		f.share = f.met.share() // it fades where it is not met
	}
	f.met = count{}
	return stood
}

// tolerated is how many refusals of some calls are the usual.
func (f *floor) tolerated(n *count) float64 {
	if f.share == 0 {
		return 0
	}
	usual := f.share * n.calls
	return 1 + usual + 3*math.Sqrt(usual)
}

// found is the rate to go back to, when cutting it did not help; or 0.
func (f *floor) found(now mark) (back float64) {
	took := f.under.perSecond(now, enough)
	if f.from == 0 || took == 0 || f.low.calls < 4*enough || f.low.refused < 4 && f.low.calls < 100*enough {
		return 0
	}
	next, passed := floor{share: f.share}, 1-f.low.share() // passed^5: blocks take time, too
	if f.low.refused >= 4 && took < 0.87*f.took && (f.from == unpaced || f.took > 0.8*math.Pow(passed, 5)*f.from) && passed >= 1-mostFloor {
		back, next = f.from, floor{share: max(f.share, f.low.share()), before: f.share, onTrial: true}
	}
	*f = next
	return back
}
