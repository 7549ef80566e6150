package chunks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"bulkonboard/batch/customers"
	"bulkonboard/batch/preflight"
	"bulkonboard/batch/store"
	"bulkonboard/source"
)

const (
	manifestName    = "manifest.json"
	manifestVersion = 3

	// uncutVersion is the one in which the parts read the families of the whole
	// list. It is read, too: a job that is under way continues with this program.
	uncutVersion = 2
	maxManifest  = 64 << 20 // bytes, more than any has
)

// Manifest is a job that is planned: it never changes, but for its bounds.
type Manifest struct {
	Version   int       `json:"version"`
	Run       string    `json:"run"` // id of the job
	PlannedAt time.Time `json:"plannedAt"`
	Job       Job       `json:"job"`

	Source Source          `json:"source"`
	Read   Read            `json:"read"`
	Header []byte          `json:"header"` // the very bytes before the first record
	Ends   source.Position `json:"ends"`   // of the last record
	Chunks []Chunk         `json:"chunks"`

	// Parallel is how many chunks run at once: no more than there are.
	Parallel int `json:"parallel"`

	// Rest says that customers have rows in several chunks.
	Rest bool `json:"rest"`

	Forecast *preflight.Forecast `json:"forecast"`

	// Objects are those in Folder: the list, plain, the forecast with the rows of
	// customers that have several, those of each part by themselves, and what the
	// ledger knew.
	Objects map[string]Object `json:"objects"`

	// Folder has what the plan put beside the manifest. It is the plan's own,
	// so that one that was interrupted leaves nothing in the way of another.
	Folder string `json:"folder"`
}

// Source is the list as it was found.
type Source struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`   // in bytes
	SHA256 string `json:"sha256"` // of these
}

// Read is what reading the whole list found out, and what its parts are read
// with.
type Read struct {
	Format    string `json:"format"`
	Encoding  string `json:"encoding"`
	Delimiter string `json:"delimiter,omitempty"`
	LineEnd   string `json:"lineEnd"`
	Sheet     bool   `json:"sheet,omitempty"` // it was a workbook
	Bytes     int64  `json:"bytes"`           // of the list, after decompression
}

// Chunk is a part of the list, from one record to another.
type Chunk struct {
	Begins source.Position `json:"begins"`
	Rows   int64           `json:"rows"`
	Bytes  int64           `json:"bytes"`
	SHA256 string          `json:"sha256"`          // of these
	Known  int64           `json:"known,omitempty"` // rows that the ledger answered
}

// last is the number of its last row.
func (c *Chunk) last() int64 { return c.Begins.Row + c.Rows }

// Open reads the manifest of a job. A store without one is a *NoJobError.
func Open(ctx context.Context, s store.Store) (*Manifest, error) {
	b, err := store.ReadAll(ctx, s, manifestName, maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &NoJobError{}
	}
	if err != nil {
		return nil, err
	}
	m, err := parseManifest(b)
	if err != nil {
		return nil, err
	}
	m.Job.Bounds, _, err = newestBounds(ctx, s, m.Job.Bounds)
	return m, err
}

// parseManifest reads a manifest, and checks what the parts rely on.
func parseManifest(b []byte) (*Manifest, error) {
	var m Manifest
	if err := unsealText(manifestName, b, &m); err != nil {
		return nil, err
	}
	if m.Version > manifestVersion {
		return nil, &NewerError{Name: manifestName, Reason: fmt.Sprintf("version %d, and this program reads version %d", m.Version, manifestVersion)}
	}
	if m.Version < uncutVersion {
		return nil, &DamagedError{Name: manifestName, Reason: fmt.Sprintf("it has version %d, and this program reads version %d: use the release that planned the job", m.Version, manifestVersion)}
	}
	at, row := int64(len(m.Header)), int64(0)
	for i := range m.Chunks {
		c := &m.Chunks[i]
		if c.Begins.Offset != at || c.Begins.Row != row || c.Rows < 1 || c.Bytes < 1 {
			return nil, &DamagedError{Name: manifestName, Reason: fmt.Sprintf("chunk %d does not begin where the one before it ends", i)}
		}
		at, row = at+c.Bytes, row+c.Rows
	}
	if m.Parallel < 1 || m.Forecast == nil || len(m.Chunks) > 0 && at != m.Read.Bytes {
		return nil, &DamagedError{Name: manifestName, Reason: "its numbers do not fit"}
	}
	return &m, nil
}

// Constants are the values for every row, as a summary keeps them.
func (m *Manifest) Constants() []source.KeptConstant {
	return source.KeepConstants(m.Job.List.Set, m.Run)
}

// Rows is how many the list has.
func (m *Manifest) Rows() int64 {
	if len(m.Chunks) == 0 {
		return 0
	}
	return m.Chunks[len(m.Chunks)-1].last()
}

// inFlight is how many attempts a chunk may have under way, so that all
// together keep to the job's bound.
func (m *Manifest) inFlight() int { return max(1, m.Job.Calls.MaxInFlight/m.Parallel) }

// share is the rate of one chunk, in attempts per second.
func (m *Manifest) share() float64 { return paceShare * m.Job.Rate / float64(m.Parallel) }

func (m *Manifest) listName() string     { return m.Folder + "/list" }
func (m *Manifest) forecastName() string { return m.Folder + "/forecast" }
func (m *Manifest) familiesName(part string) string {
	return m.Folder + "/families-" + part
}
func (m *Manifest) knownName(i int) string     { return fmt.Sprintf("%s/known-%06d", m.Folder, i) }
func chunkName(i int) string                   { return fmt.Sprintf("chunk-%06d", i) }
func partFolder(round int, part string) string { return fmt.Sprintf("round-%d/%s", round, part) }

// restName is the part that has the later rows of customers with rows in
// several chunks.
const restName = "rest"

// families are the rows that are answered together; nil when every row is to be
// called for.
func (m *Manifest) families(d *customers.Duplicates) *customers.Duplicates {
	if m.Job.EachRow {
		return nil
	}
	return d
}

// duplicates reads which rows are of one customer.
func (m *Manifest) duplicates(ctx context.Context, s store.Store) (*customers.Duplicates, error) {
	b, err := m.readObject(ctx, s, m.forecastName())
	if err != nil {
		return nil, err
	}
	f, ok := preflight.ParseForecast(b)
	if !ok {
		return nil, &DamagedError{Name: m.forecastName(), Reason: errSegment.Error()}
	}
	return f.Duplicates, nil
}

// duplicatesOf reads what a part needs to know of that: a chunk of its own rows,
// and the rest of the customers that have rows in several chunks.
func (m *Manifest) duplicatesOf(ctx context.Context, s store.Store, part string) (*customers.Duplicates, error) {
	name := m.familiesName(part)
	switch _, put := m.Objects[name]; {
	case m.Version == uncutVersion:
		return m.duplicates(ctx, s)
	case !put: // none of its rows shares its customer with another row
		return &customers.Duplicates{}, nil
	}
	b, err := m.readObject(ctx, s, name)
	if err != nil {
		return nil, err
	}
	d, ok := customers.ParseDuplicates(b)
	if !ok {
		return nil, &DamagedError{Name: name, Reason: errSegment.Error()}
	}
	return d, nil
}

// listOptions are how the whole list is read again: as it was the first time.
func (m *Manifest) listOptions() source.Options {
	o := m.Job.List.options()
	o.SheetRows = m.Read.Sheet
	return o
}

// partOptions are how the header and some of the records are read.
func (m *Manifest) partOptions(begins source.Position) source.Options {
	read := m.Job.List
	read.Format, read.Encoding, read.Delimiter = m.Read.Format, m.Read.Encoding, m.Read.Delimiter
	o := read.options()
	o.SheetRows = m.Read.Sheet
	o.Part = &source.Part{Begins: begins, LineEnd: m.Read.LineEnd}
	return o
}
