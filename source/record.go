package source

// Position is a place between two records: everything before it has been read.
// It is what a checkpoint keeps and what reading can start again from.
type Position struct {
	Row    int64  // records before this place
	Line   int64  // the line, as an editor counts them, on which the next byte stands (from 1)
	Offset int64  // bytes of the list before this place, after decompression
	Sum    uint64 // xxHash64 of those bytes, so that a changed list is noticed
}

// Record is one input row: where it stands, the very bytes it was read from,
// and the customer it decodes to.
//
// A record is owned by its receiver and, unless it was lent, is never
// written to again by the reader. Its strings may share memory with Raw's
// decoded copy.
type Record struct {
	Row    int64    // counts records from 1
	Line   int64    // the line on which it begins, as an editor shows it
	Offset int64    // of its first byte
	Next   Position // the place right after it

	Raw []byte // the very bytes of the input, line end included

	// Plain is how many bytes results can repeat as they are; 0 where it takes more.
	// CSV: of Raw, the cells with delimiters between. JSONL: of Text, the opening brace
	// and the members.
	Plain int

	Cells    []string // CSV: the decoded cells, one a column; nil for JSONL, for a malformed row, and until it is decoded
	Text     string   // the decoded text without its line end: JSONL, and a malformed CSV row
	Customer Customer // empty for a malformed row, and until it is decoded

	// Malformed is set when the row could not be taken apart: no cells, no
	// object. Such a record always has a problem.
	Malformed bool

	// Problems are the reasons why this record must not be sent; the first
	// one gives the result its error code. Empty for a valid record.
	Problems []Problem

	simple bool // all of its text is, so most of what can be wrong with a value is not

	list *List // which decodes the record; nil when that is done
	body int   // bytes of Raw before the line end, for decoding
}

// Customer is a decoded row. Values are trimmed of surrounding white space and
// otherwise as they were found; an empty string means that the row has none.
type Customer struct {
	FormID             string
	Type               string // "Individual" or "LegalEntity"
	Email              string
	MobileNumber       string
	EmployeeID         string
	ClientID           string
	SendEmail          string // "", "true" or "false" once validated
	FirstName          string
	LastName           string
	FullName           string
	RegistrationNumber string
	TradingName        string
}

// Problem is one reason why a record is invalid. It never quotes the value:
// messages go into logs and summaries.
type Problem struct {
	Code    string // stable, lower_snake: "missing_first_name"
	Field   string // canonical field name, or "" when it is about the whole row
	Message string // for people: what is wrong and what is expected
}
