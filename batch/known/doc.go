// Package known joins a list to the ledger of customers: whom a run need not
// call, because an earlier one has, and what the ledger is told afterwards.
//
// A preflight spills the rows of a list by the key that the ledger has for their
// customers (customers.Search). A Join then walks the ledger once, in the order
// of its keys, and meets the rows of each customer in the same order, so it reads
// each of the two once. For a customer that is in both, the standing of the
// entry says whether the rows need a call: Known.standing holds the rule. The
// answers for those that need none are spilled again, by row (Answers), because
// the run asks for them in the order of the list. Each is bound to the
// fingerprint of its record: a list that was changed in between is noticed.
//
// Records takes the results of a run and puts them into the ledger before each
// commit of the run. Whatever crashes in between puts the same once more, which
// changes nothing. Import does the same for the results of an earlier run, sorted
// by key first.
package known
