// Package chunks takes a list through the engine in parts, wherever those run:
// on one machine, or on many that share nothing but a store.
//
//	Plan ── manifest ──► RunChunk, for each chunk ──► RunRest ──► Merge
//
// Plan reads the list once, cuts it between records and decides which rows are
// of one customer. Each chunk is an ordinary run whose journal is in the store.
// The rest is the later rows of customers with rows in several chunks. Merge is
// an ordinary run of the whole list that is answered from those journals, so
// results, rejects and summary are those of a single machine.
//
// Nothing here knows who starts the parts, when, or how often: any of them may
// run again at any time, or twice at once. That a name in the store can be
// taken only once settles who continues.
package chunks

import (
	"encoding/json"

	"bulkonboard/source"
)

// paceShare is how much of the rate is given away: the shares of the chunks
// are counted apart, and where their seconds overlap a little more than the sum
// of the shares can fall into one.
const paceShare = 0.98

// Job is what all parts of a job agree on. It holds no secret.
type Job struct {
	List    ListSettings    `json:"list"`
	Service ServiceSettings `json:"service"`
	Bounds

	Parallel  int   `json:"parallel"`            // chunks at once, at most
	ChunkRows int64 `json:"chunkRows,omitempty"` // 0: as fits the rate

	// EachRow calls for every row of a customer that has several.
	EachRow bool `json:"eachRow,omitempty"`

	// FormulaSafe keeps spreadsheets from running cells of the results.
	FormulaSafe bool `json:"formulaSafe,omitempty"`

	// Ledger is the id of the ledger that was asked; merging takes the same.
	Ledger string `json:"ledger,omitempty"`

	// Settings are shown in the summary.
	Settings map[string]string `json:"settings,omitempty"`
}

// Lasting is what must not change of a job, as bytes to be compared: all but its
// bounds, and the settings that are only shown.
func (j Job) Lasting() []byte {
	j.Bounds, j.Settings = Bounds{}, nil
	b, _ := json.Marshal(j) // of strings, numbers and booleans
	return b
}

// ListSettings say how the list is read: see source.Options.
type ListSettings struct {
	Name      string   `json:"name"`
	Format    string   `json:"format,omitempty"` // "" or auto, csv, jsonl
	Encoding  string   `json:"encoding,omitempty"`
	Delimiter string   `json:"delimiter,omitempty"`
	Sheet     string   `json:"sheet,omitempty"`
	Map       []string `json:"map,omitempty"`
	Set       []string `json:"set,omitempty"`
}

// ServiceSettings say whom the calls are for.
type ServiceSettings struct {
	BaseURL  string `json:"baseUrl"`
	AppID    string `json:"appId"`
	TenantID string `json:"tenantId"`
	FormID   string `json:"formId"`
}

// options are how the list is read. What is wrong with them, Plan says.
func (l *ListSettings) options() source.Options {
	delimiter, _ := source.ParseDelimiter(l.Delimiter)
	return source.Options{
		Name: l.Name, Format: formatOf(l.Format), Encoding: l.Encoding, Delimiter: delimiter, Sheet: l.Sheet, Map: l.Map, Set: l.Set,
	}
}

func formatOf(name string) source.Format {
	for _, f := range []source.Format{source.FormatCSV, source.FormatJSONL} {
		if f.String() == name {
			return f
		}
	}
	return source.FormatAuto
}
