package known

import (
	"time"

	"bulkonboard/batch/ledger"
	"bulkonboard/sink"
)

// Abandoned puts into the ledger what a run has received that is not resumed. Put
// twice it comes to the same.
type Abandoned struct {
	known    *Known
	news     ledger.News
	forms    map[ledger.Form]bool
	refusals []ledger.Change
	believed bool
}

// Abandon begins to take the answers of a run. Unless refusals are believed, they
// count only if the run has another answer, too: before, they may say that a
// setting is wrong, and the run has not let them take effect.
func (k *Known) Abandon(runID string, began time.Time, believed bool) *Abandoned {
	return &Abandoned{
		known: k, forms: map[ledger.Form]bool{}, believed: believed,
		news: ledger.News{Run: k.Ledger.RunNumber(runID), RunID: runID, Began: began, Abandoned: true},
	}
}

// Take takes a result.
func (a *Abandoned) Take(res *sink.Result, who *Identity) {
	e, taken := entryOf(res, who.digest)
	if !taken {
		return
	}
	if form := a.known.formOf(who); !a.forms[form] {
		a.forms[form] = true
		a.news.Forms = append(a.news.Forms, form)
	}
	c := ledger.Change{Key: who.key, Entry: e}
	if res.Status == sink.Rejected {
		a.refusals = append(a.refusals, c)
		return
	}
	a.believed = true
	a.news.Changes = append(a.news.Changes, c)
}

// Put makes all of it durable, and counts the answers.
func (a *Abandoned) Put() (answers int, err error) {
	if a.believed {
		a.news.Changes = append(a.news.Changes, a.refusals...)
	}
	answers = len(a.news.Changes)
	if answers == 0 && a.news.Run == 0 {
		return 0, nil
	}
	return answers, a.known.Ledger.Put(&a.news)
}
