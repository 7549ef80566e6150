package batch

import "bulkonboard/sink"

// Earlier is a result that a row has from another run, or from another part of
// the job.
type Earlier struct {
	Outcome
	Known bool // it is what the ledger knew, and no news for it
}

// of takes the result for a slot. It must be for the very record that is in it.
func (e *Earlier) of(s *slot, err error) (*sink.Result, error) {
	switch {
	case err != nil:
		return nil, err
	case e.Print != 0 && e.Print != s.rec.Fingerprint():
		return nil, s.rec.Changed()
	}
	s.known, s.earlier = e.Known, true
	return &e.Result, nil
}
