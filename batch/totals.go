package batch

import (
	"bulkonboard/batch/measure"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// Totals are what a run knows of all its starts together. They are kept in the
// checkpoint, so a resumed run continues from them.
type Totals struct {
	measure.Tally

	// Learned is the pace that the service was found to take, in attempts per
	// second.
	Learned float64 `json:"learned,omitempty"`

	// Called counts the written rows for which an attempt was sent in this run, and
	// Wave is the wave that is open; nil for none.
	Called int64 `json:"called,omitempty"`
	Wave   *Wave `json:"wave,omitempty"`

	// LedgerRun is the number of the run in the ledger; 0: it has none there.
	LedgerRun uint64 `json:"ledgerRun,omitempty"`

	// Standings is what the ledger knew of the customers when the run began; nil
	// without a ledger.
	Standings *sink.Standings `json:"standings,omitempty"`

	// Ends is where the list ended when it was last read ahead.
	Ends source.Position `json:"ends"`

	Origin   Origin           `json:"origin"`
	Measures measure.Measures `json:"measures"`

	// Excerpt is how far the rejects have come.
	Excerpt source.ExcerptState `json:"excerpt"`
}

func newTotals() *Totals { return &Totals{Tally: measure.NewTally()} }
