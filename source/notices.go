package source

// Notice is what a person should know of a list before it is sent, though it keeps
// no row from being sent.
type Notice struct {
	Code  string  `json:"code"`            // stable, lower_snake
	Text  string  `json:"text"`            // for people, with what to do; no value is in it
	Count int64   `json:"count,omitempty"` // how many there are; 0 when it is about the list as a whole
	Lines []int64 `json:"lines,omitempty"` // of the first ones, as an editor counts them
}

// noticeLines is how many lines a notice names.
const noticeLines = 5

// notices collects them, in the order in which they first come.
type notices []Notice

// count counts one more at a line.
func (n *notices) count(code, text string, line int64) {
	of := n.of(code, text)
	of.Count++
	if len(of.Lines) < noticeLines {
		of.Lines = append(of.Lines, line)
	}
}

// of is the notice with a code; a new one when it is the first.
func (n *notices) of(code, text string) *Notice {
	for i := range *n {
		if (*n)[i].Code == code {
			return &(*n)[i]
		}
	}
	*n = append(*n, Notice{Code: code, Text: text})
	return &(*n)[len(*n)-1]
}

// Notices are what reading has found so far, and is said once.
func (l *List) Notices() []Notice { return l.notices }
