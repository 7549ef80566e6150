package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"bulkonboard/batch/chunks"
	"bulkonboard/batch/store"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// What a job has in the store, below its own prefix, beside what the package
// chunks puts there.
const (
	requestName = "request.json"
	inputName   = "input"
)

const (
	requestVersion = 1
	maxRequest     = 1 << 20 // bytes
)

func jobPrefix(job string) string { return "jobs/" + job }

// jobStore is the store of one job.
func jobStore(root store.Store, job string) store.Store { return store.Sub(root, jobPrefix(job)) }

// request is what was asked for: all that there is to know of a job but its
// list. It never changes, and holds no secret.
type request struct {
	Version    int           `json:"version"`
	Job        chunks.Job    `json:"job"`
	Input      input         `json:"input"`
	MaxInvalid string        `json:"maxInvalid"`
	MinRows    string        `json:"minRows,omitempty"`
	Quota      string        `json:"quota"` // whose rate it is
	Heartbeat  time.Duration `json:"heartbeat"`
	Ledger     *ledgerUse    `json:"ledger,omitempty"` // nil: none is asked
}

// input is the object that is the list, in the root store. Of one that was put
// there with the job, size and hash are known.
type input struct {
	Object string `json:"object"`
	Size   int64  `json:"size,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
}

// noJobError says that no such job was submitted.
type noJobError struct{ job string }

func (e *noJobError) Error() string {
	return fmt.Sprintf("there is no job %s in the store; check its name and --store, or submit it", e.job)
}

// Kind tells what it means.
func (e *noJobError) Kind() cli.Kind { return cli.Absent }

// otherRequestError says that the name of a job is taken.
type otherRequestError struct{ job string }

// Kind tells what it means.
func (e *otherRequestError) Kind() cli.Kind { return cli.Other }

func (e *otherRequestError) Error() string {
	return fmt.Sprintf("there is a job %s already, of another list or with other settings; put them back to resume it, or submit this one under another name with --job", e.job)
}

// readRequest reads what was asked for; a *noJobError says that nothing was.
func readRequest(ctx context.Context, root store.Store, job string) (*request, error) {
	b, err := store.ReadAll(ctx, root, jobPrefix(job)+"/"+requestName, maxRequest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &noJobError{job}
	}
	if err != nil {
		return nil, err
	}
	return parseRequest(b)
}

func parseRequest(b []byte) (*request, error) {
	var r request
	if err := chunks.Decode(requestName, b, &r); errors.As(err, new(*chunks.NewerError)) {
		return nil, err
	} else if err != nil {
		return nil, fmt.Errorf("%s is not a request for a job: %w", requestName, err)
	}
	if r.Version > requestVersion {
		return nil, &chunks.NewerError{Name: requestName, Reason: fmt.Sprintf("version %d, and this program reads version %d", r.Version, requestVersion)}
	}
	if r.Version < requestVersion || r.Heartbeat < minHeartbeat || r.Input.Object == "" || r.Quota == "" {
		return nil, fmt.Errorf("%s is damaged: something is missing", requestName)
	}
	return &r, nil
}

// put puts the request into the store. The same one may be there already: what
// bounds the calls may differ, see updateBounds. Any other is an *otherRequestError.
func (r *request) put(ctx context.Context, root store.Store, job string) (again bool, err error) {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return false, err
	}
	other := &otherRequestError{job}
	again, err = putOnce(ctx, root, jobPrefix(job)+"/"+requestName, b, other)
	if !errors.Is(err, other) {
		return again, err
	}
	there, err := readRequest(ctx, root, job)
	if err == nil && !bytes.Equal(there.unbounded(), r.unbounded()) {
		err = other
	}
	return false, err
}

// unbounded is what must not change of a request.
func (r *request) unbounded() []byte {
	same := *r
	same.Job = chunks.Job{}
	b, _ := json.Marshal(&same) // it has been marshalled before
	return append(b, r.Job.Lasting()...)
}

// updateBounds gives a job that is planned the bounds of this request, if they differ.
// The parts that begin from then on keep to them. A list other than the planned
// list is an *otherRequestError: tomorrow's may have the same name.
func (r *request) updateBounds(ctx context.Context, root store.Store, job string) (changed bool, err error) {
	place := jobStore(root, job)
	m, err := chunks.Open(ctx, place)
	if errors.As(err, new(*chunks.NoJobError)) {
		return false, r.planned(ctx, root, job)
	}
	if err != nil {
		return false, err
	}
	changed = m.Job.Bounds != r.Job.Bounds
	if !changed && r.Input.SHA256 != "" && r.Input.planned(m) {
		return false, nil // put has seen to all else
	}
	list, err := r.open(ctx, root)
	if err != nil {
		return false, err
	}
	defer func() { _ = list.Close() }() // it was only read
	again := chunks.Planner{Store: place, Job: r.Job, List: list}
	again.Job.Ledger = m.Job.Ledger
	_, err = again.Plan(ctx)
	if errors.As(err, new(*chunks.OtherJobError)) {
		err = &otherRequestError{job}
	}
	return changed && err == nil, err
}

// planned reports whether a plan is of this list, as far as is known.
func (i *input) planned(m *chunks.Manifest) bool {
	return i.SHA256 == "" || i.SHA256 == m.Source.SHA256
}

// planned refuses bounds that nothing keeps yet: a job that is not planned will
// be as it was submitted first.
func (r *request) planned(ctx context.Context, root store.Store, job string) error {
	there, err := readRequest(ctx, root, job)
	if err == nil && there.Job.Bounds != r.Job.Bounds {
		err = &otherRequestError{job}
	}
	return err
}

// putOnce puts an object that may be there already, if it is the very same; it
// returns other when it is not.
func putOnce(ctx context.Context, s store.Store, name string, b []byte, other error) (again bool, err error) {
	err = s.Put(ctx, name, b)
	if !errors.Is(err, store.ErrExists) {
		return err == nil, err
	}
	there, err := store.ReadAll(ctx, s, name, maxRequest)
	if err == nil && !bytes.Equal(there, b) {
		err = other
	}
	return false, err
}

// begin is the state of a round that has not begun.
func (r *request) begin(job string, round int) roundState {
	return roundState{Job: job, Round: round, Heartbeat: r.Heartbeat, Ledger: r.Ledger != nil, Phase: planning}
}

// open opens the list.
func (r *request) open(ctx context.Context, root store.Store) (io.ReadCloser, error) {
	list, err := root.Get(ctx, r.Input.Object, 0, -1)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &source.ListError{
			Name: r.Job.List.Name, Reason: "it is not in the store, as " + r.Input.Object, Hint: "put it there, and submit the job again or resume it",
		}
	}
	return list, err
}

// What a round came to, as objects of the job's store.

func resultsName(round int, format string) string { return roundName(round, "results."+format) }
func rejectsName(round int, format string) string { return roundName(round, "rejects."+format) }
func summaryName(round int) string                { return roundName(round, "summary.json") }
func failureReportName(round int) string          { return roundName(round, "trouble.json") }
func roundName(round int, what string) string     { return fmt.Sprintf("round-%d/%s", round, what) }

// readSummary reads what a round came to; fs.ErrNotExist says that it came to
// nothing yet.
func readSummary(ctx context.Context, s store.Store, round int) (*sink.Summary, error) {
	b, err := store.ReadAll(ctx, s, summaryName(round), sink.MaxSummary)
	if err != nil {
		return nil, err
	}
	return sink.DecodeSummary(b)
}

func totalOf(s *sink.Summary) total {
	return total{Rows: s.Rows, Bad: sink.Bad(s.Status)}
}

// objectName makes a name that stores and Temporal take of any.
func objectName(name string) string {
	safe := strings.Map(func(c rune) rune {
		if c < 0x80 && store.CheckName("a"+string(c)) == nil && c != '/' {
			return c
		}
		return '-'
	}, name)
	return strings.TrimLeft(safe, ".-")
}
