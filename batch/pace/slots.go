package pace

import "time"

// slots is how many calls at once a service takes that refuses more and does not
// say so. There a call that is refused meets more others in flight than nine in ten
// that are taken; where calls are counted by time, it meets as many as they do.
type slots struct {
	most  int       // calls in flight; 0: that is not known
	more  int       // beyond that, on trial
	until time.Time // no other trial before, nor an end of this one

	usual float64 // others that nine in ten calls that are taken meet at the most
	least int     // others that a refused call met, of those that met more
	times int     // that refused calls met more, one after another
	epoch int     // of rates, of the last call that was refused
}

// accepted takes in an answer to a call. More calls than are known to be taken are
// tried from time to time, where that many are in flight. They are taken, too, if
// that goes well for a while, the last time with as many in flight as are tried.
func (s *slots) accepted(now time.Time, t Ticket) {
	if s.usual -= 1. / 40; float64(t.others) > s.usual {
		s.usual += 10. / 40
	}
	if s.most == 0 || now.Before(s.until) || t.others+1 < s.most+s.more {
		return
	}
	if s.until = now.Add(3 * settles); s.more > 0 {
		s.most, s.more = s.most+s.more, 0
	} else {
		s.more = 1 + s.most/16
	}
}

// refused takes in that a call was refused. It reports whether that ends a trial,
// and says no more, and whether it has told how many calls are taken.
func (s *slots) refused(now time.Time, t Ticket) (tried, found bool) {
	if s.most > 0 && t.others >= s.most {
		s.more, s.until = 0, now.Add(6*settles)
		return true, false
	}
	switch {
	case t.epoch == s.epoch: // those after one another have one reason
		return false, false
	case t.others < 3 || float64(t.others) < s.usual+0.8: // no more than usual, or too few to tell
		s.times = 0
	case s.times == 0:
		s.times, s.least = 1, t.others
	default:
		s.times, s.least = s.times+1, min(s.least, t.others)
	}
	if s.epoch = t.epoch; s.times < enough/2 {
		return false, false
	}
	s.most, s.more, s.times, s.until = s.least, 0, 0, now.Add(3*settles)
	return false, true
}
