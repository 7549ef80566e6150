// Package preflight reads a list to its end before anything is sent, and says
// what a run of it would do.
//
// It validates each record, finds the rows of one customer (customers.Search)
// and asks the ledger for all of them at once (known.Join), whose answers the run
// is given. The Forecast has the counts, the errors of the invalid rows, and what
// the run needs of it: the Duplicates, and where the list ended, so that a list
// that changes before it is sent is noticed. Encode keeps a forecast in a file
// beside a planned job.
//
// CheckInvalid refuses a list of which too many rows are invalid: that is a
// wrong list, or a wrong mapping, and nothing of it is sent.
package preflight
