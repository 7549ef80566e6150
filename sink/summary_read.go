package sink

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// MaxSummary is the size in bytes beyond which a file is not a summary.
const MaxSummary = 4 << 20

// ErrNoSummary says that a file is something else than a summary.
var ErrNoSummary = errors.New("this is not a summary that bulkonboard wrote")

// ErrEdited says that a summary is not as it was written.
var ErrEdited = errors.New("the summary was changed after it was written: its digest does not fit what it says")

// DecodeSummary reads what Encode wrote. White space does not matter, anything
// else does: a summary that was changed gives ErrEdited, together with what it
// says now. The error wraps ErrNoSummary for anything that is not a summary.
func DecodeSummary(b []byte) (*Summary, error) {
	if len(b) > MaxSummary {
		return nil, fmt.Errorf("%w: it has more than %d bytes", ErrNoSummary, MaxSummary)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, b); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoSummary, err)
	}
	var s Summary
	switch err := json.Unmarshal(b, &s); {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrNoSummary, err)
	case s.Version > summaryVersion:
		return nil, fmt.Errorf("the summary is of version %d, and this program knows versions up to %d; take the program that wrote it (%s)", s.Version, summaryVersion, s.Tool)
	case s.Version < 1 || s.Run == "" || !strings.HasPrefix(s.Digest, "sha256:"):
		return nil, ErrNoSummary
	}
	body, ok := bytes.CutSuffix(compact.Bytes(), []byte(digestMember+s.Digest+`"}`))
	if !ok || digestOf(body) != s.Digest {
		return &s, ErrEdited
	}
	return &s, nil
}

// Check finds counts that contradict one another, in words.
func (s *Summary) Check() []string {
	var wrong []string
	sum := func(what string, got, want int64) {
		if got != want {
			wrong = append(wrong, fmt.Sprintf("%s add up to %d, not to %d", what, got, want))
		}
	}
	var status, good, errors, timeline int64
	for name, n := range s.Status {
		status += n
		if name.Good() {
			good += n
		}
	}
	for i := range s.Errors {
		errors += s.Errors[i].Count
	}
	for _, n := range s.Timeline.Rows {
		timeline += n
	}
	sum("the counts per status", status, s.Rows)
	sum("the rows of the timeline", timeline, s.Rows)
	if errors > s.Rows-good {
		sum("the counts per error", errors, s.Rows-good)
	}
	if s.Complete && s.Input.Rows != s.Rows {
		wrong = append(wrong, fmt.Sprintf("the list has %d rows, and %d have a result", s.Input.Rows, s.Rows))
	}
	if s.Output != nil && s.Output.Rows != s.Rows {
		wrong = append(wrong, fmt.Sprintf("the results have %d rows, and the counts are about %d", s.Output.Rows, s.Rows))
	}
	return wrong
}
