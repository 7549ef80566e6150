package cli

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"bulkonboard/batch/disk"
	"bulkonboard/batch/state"
	"bulkonboard/source"
)

// Which list is read, and how it is opened.

// StandardInputName is what messages call standard input.
const StandardInputName = "standard input"

// standardInput is how --input names it.
const standardInput = "-"

// ListFlags say which list is read and how. Every command that reads one has
// them.
type ListFlags struct {
	Input   string
	Results *source.Options // how results are read, which the run that wrote them knows but for --set; nil for a list

	// Scratch makes a file for a copy of a workbook. Nil: among the temporary ones.
	Scratch func() (*os.File, error)

	format, encoding, delimiter, sheet string
	columns, constants                 []string // --map and --set
}

// Register adds the flags.
func (l *ListFlags) Register(f *pflag.FlagSet) {
	f.StringVarP(&l.Input, "input", "i", "", "customer `LIST` to send: CSV, JSONL or an Excel workbook (.xlsx); - for standard input")
	f.StringVar(&l.format, "format", "auto", "`FORMAT` of the list: auto, csv or jsonl")
	f.StringVar(&l.encoding, "encoding", "", "`ENCODING` of the list, such as windows-1252 (default: from its byte order mark, or utf-8)")
	f.StringVar(&l.delimiter, "delimiter", "", "delimiter of a CSV list: `CHAR` is , ; tab or | (default: found from the header)")
	f.StringVar(&l.sheet, "sheet", "", "`SHEET` of the workbook (default: the only one that is a list)")
	f.StringArrayVar(&l.columns, "map", nil, "read a field from a column: `FIELD=COLUMN`; an empty column means from none; repeatable")
	f.StringArrayVar(&l.constants, "set", nil, "give a field the same value in every row: `FIELD=VALUE`; repeatable")
}

// Check finds what is missing or wrong.
func (l *ListFlags) Check(p *Problems) {
	p.Need("input", l.Input)
	if _, err := formatOf(l.format); err != nil {
		p.Add(err.Error())
	}
	if _, err := source.ParseDelimiter(l.delimiter); err != nil {
		p.Add(err.Error())
	}
	o := l.options()
	*p = append(*p, o.Check()...)
}

func formatOf(s string) (source.Format, error) {
	switch s {
	case "auto":
		return source.FormatAuto, nil
	case "csv":
		return source.FormatCSV, nil
	case "jsonl":
		return source.FormatJSONL, nil
	}
	return 0, fmt.Errorf("--format is %q; it takes auto, csv or jsonl", s)
}

// options are how the list is to be read. What is wrong with them, Check says.
func (l *ListFlags) options() source.Options {
	if l.Results != nil {
		o := *l.Results
		o.Set = l.constants
		return o
	}
	format, _ := formatOf(l.format)
	delimiter, _ := source.ParseDelimiter(l.delimiter)
	return source.Options{
		Format: format, Name: l.Name(), Encoding: l.encoding, Delimiter: delimiter, Sheet: l.sheet, Map: l.columns, Set: l.constants,
		Scratch: l.scratch,
	}
}

// scratch makes a file for a copy of a workbook.
func (l *ListFlags) scratch() (source.Scratch, error) {
	if l.Scratch != nil {
		return l.Scratch()
	}
	return TemporaryScratch()
}

// TemporaryScratch makes a scratch file among the temporary ones.
func TemporaryScratch() (*os.File, error) {
	return state.MakeScratch(filepath.Join(os.TempDir(), "bulkonboard-scratch-"+rand.Text()))
}

// KeepConstants is what the files of a run keep of --set.
func (l *ListFlags) KeepConstants(run string) []source.KeptConstant {
	return source.KeepConstants(l.constants, run)
}

// FromStandardInput reports a list that comes by standard input.
func (l *ListFlags) FromStandardInput() bool { return l.Input == standardInput }

// Name is the list's name for people.
func (l *ListFlags) Name() string {
	if l.FromStandardInput() {
		return StandardInputName
	}
	return l.Input
}

// OpenList is a list in a file, at its first record. Who opened it closes it.
type OpenList struct {
	*source.List
	info fs.FileInfo
	Size int64 // bytes of the file that are read
	file *os.File
}

// Close closes the file, which was only read, and what was copied of it.
func (l *OpenList) Close() { _ = errors.Join(l.List.Close(), l.file.Close()) }

// Done is the share of the file that has been read.
func (l *OpenList) Done() float64 {
	if l.List != nil && l.Sheet() != "" {
		return l.SheetShare() // all of the file was copied
	}
	at, err := l.file.Seek(0, io.SeekCurrent)
	if err != nil || l.Size == 0 {
		return 0
	}
	return min(1, float64(at)/float64(l.Size))
}

// Added is how many bytes the file has got behind those that are read.
func (l *OpenList) Added() int64 {
	info, err := l.file.Stat()
	if err != nil {
		return 0
	}
	return max(0, info.Size()-l.Size)
}

// Open opens the list that is in a file: its own, or where standard input was
// spooled to. What is read of the file is written to also as well. A file that
// grows meanwhile is read as it was when it was opened.
func (l *ListFlags) Open(path string, also ...io.Writer) (*OpenList, error) {
	return l.OpenFirst(path, 0, also...)
}

// OpenFirst opens the list in the first bytes of a file: those that it had when
// it was read before. A size of 0 stands for as many as it has.
func (l *ListFlags) OpenFirst(path string, size int64, also ...io.Writer) (*OpenList, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, noList(path, err)
	}
	list, err := l.first(file, size, also)
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return list, nil
}

func (l *ListFlags) first(file *os.File, size int64, also []io.Writer) (*OpenList, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, &source.ReadError{Name: l.Name(), Err: err}
	}
	if size == 0 || isWorkbook(file) { // which is written as a whole
		size = info.Size()
	}
	list, err := l.Read(io.TeeReader(io.LimitReader(file, size), io.MultiWriter(also...)))
	if err != nil {
		return nil, err
	}
	return &OpenList{List: list, file: file, info: info, Size: size}, nil
}

// isWorkbook reports a file that begins like a workbook.
func isWorkbook(file io.ReaderAt) bool {
	magic := make([]byte, len(source.WorkbookMagic))
	_, err := file.ReadAt(magic, 0)
	return err == nil && string(magic) == source.WorkbookMagic
}

// OpenFile opens the file that --input names, as it stands. share tells how much
// of it has been read, from 0 to 1.
func (l *ListFlags) OpenFile() (file *os.File, share func() float64, err error) {
	info, err := l.CheckInput()
	if err != nil {
		return nil, nil, err
	}
	if file, err = os.Open(l.Input); err != nil {
		return nil, nil, noList(l.Input, err)
	}
	return file, (&OpenList{info: info, Size: info.Size(), file: file}).Done, nil
}

// OpenInput opens the list that --input names, if that is a file.
func (l *ListFlags) OpenInput() (*OpenList, error) {
	if _, err := l.CheckInput(); err != nil {
		return nil, err
	}
	return l.Open(l.Input)
}

// Read begins to read a list.
func (l *ListFlags) Read(r io.Reader) (*source.List, error) {
	return source.Open(r, l.options())
}

// noList says that the list cannot be found.
func noList(name string, err error) error {
	if disk.Absent(err) {
		return &source.ListError{Reason: "there is no list " + OneLine(name), Hint: "check the name, or name another with --input"}
	}
	return &source.ListError{Reason: fmt.Sprintf("the list %s cannot be read: %v", OneLine(name), disk.Cause(err)), Hint: "check the permissions of the file and its folder"}
}

// CheckInput refuses what is not a file, before anything else is looked at.
func (l *ListFlags) CheckInput() (fs.FileInfo, error) {
	info, err := os.Stat(l.Input)
	if err != nil {
		return nil, noList(l.Input, err)
	}
	if info.IsDir() {
		return nil, &source.ListError{Reason: l.Input + " is a folder", Hint: "name the customer list with --input"}
	}
	if !info.Mode().IsRegular() {
		return nil, &source.ListError{Reason: l.Input + " is not an ordinary file, and a list is read more than once", Hint: "give it by standard input: --input - < " + Quoted(l.Input)}
	}
	return info, nil
}
