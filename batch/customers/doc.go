// Package customers says which rows of a list are of one customer, and keeps
// what the later ones of them are answered with.
//
// A customer is who the API takes for one: a form and an e-mail address
// (source.Record.AppendIdentity). The first valid row of a customer leads, and
// only it is called. The later rows refer to it and take its result.
//
// Finding them takes comparing all rows of a list, up to ten million, with each
// other. A Search does it with little memory: it turns each identity into a key
// of 128 bits and spills the rows by the first byte of their keys into 256
// partitions of a scratch file (Spill). Rows of one customer are in one
// partition, which is small enough to be sorted in memory. The order in which
// the partitions and their keys come is that of the keys, so that a ledger,
// which has its customers in the same order, can be gone through beside them.
//
// What comes of it is Duplicates: 8 bytes for each row that shares its customer
// with another row, none for the others, sorted by row. Given keeps, while a run
// is under way, the Result for the later rows of each customer. It is in a
// scratch file, with 4 bytes of memory for each of the rows that share; the
// state folder has the same answers in a file of their own, for a run that is
// resumed. KeptResults are those of a retry whose later rows have a session id
// and whose first row has none.
package customers
