package pace

import "math"

// floor is the share of calls that a service refuses whatever the rate. It is
// found by what cutting the rate does not cure (where a quota was the reason,
// as much is taken at the lower rate as at the higher), or by rows that are refused
// each time (package blame).
type floor struct {
	share   float64 // 0: none is known
	before  float64 // what it was taken for until a short while ago
	onTrial bool    // it has been found just now

	from  float64 // the rate before it was cut; 0: it was not
	began mark    // when it was cut
	under mark    // when it came to be well below that
	took  float64 // calls a second that were taken in between
	low   count   // well below that rate
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

// saw takes in a call at a rate, which since counts the calls at.
func (f *floor) saw(now mark, rate float64, since *count, refused bool) {
	switch {
	case f.from > 0 && rate <= 0.75*f.from && (f.low.calls > 0 || f.began.perSecond(now, enough) > 0):
		if f.low.calls == 0 {
			f.under, f.took = now, f.began.perSecond(now, enough)
		}
		f.low.add(refused)
		return
	case f.from > 0 && since.calls >= 40*enough && since.refused <= f.share*since.calls:
		*f = floor{share: f.share} // cured
	case since.calls >= 20*enough:
		f.onTrial = false
	}
	if since.calls < max(100*enough, enough/max(f.share, refusalShare)) {
		return
	}
	if since.share() < f.share/2 {
		f.share = since.share() // it fades where it is not met
	}
}

// doubt takes in that there were more refusals than usual. Soon after a floor was
// found, that says that it was none.
func (f *floor) doubt() {
	if f.onTrial {
		f.share, f.onTrial = f.before, false
	}
}

// tolerated is how many refusals of some calls are the usual.
func (f *floor) tolerated(n *count) float64 {
	if f.share == 0 {
		return 0
	}
	usual := f.share * n.calls
	return 1 + usual + 3*math.Sqrt(usual)
}

// cut takes in that a rate is about to be cut.
func (f *floor) cut(now mark, rate float64) {
	if f.from == 0 {
		f.from, f.began = rate, now
	}
}

// found is the rate to go back to, when cutting it did not help; or 0.
func (f *floor) found(now mark) (back float64) {
	if f.from == 0 || f.low.calls < 4*enough || f.low.refused < 4 && f.low.calls < 100*enough {
		return 0
	}
	took := f.under.perSecond(now, enough)
	if f.low.refused >= 4 && took < 0.87*f.took && f.low.share() <= mostFloor {
		back = f.from
		*f = floor{share: max(f.share, f.low.share()), before: f.share, onTrial: true}
		return back
	}
	*f = floor{share: f.share}
	return 0
}
