package main

import (
	"io"
	"io/fs"
	"os"

	"github.com/spf13/pflag"

	"bulkonboard/source"
)

// standardInput is how --input names it, and standardInputName how messages
// do.
const (
	standardInput     = "-"
	standardInputName = "standard input"
)

// listFlags say which list is read and how. Every command that reads one has
// them.
type listFlags struct {
	input, format, encoding, delimiter string

	columns, constants []string // --map and --set
	prefixed           bool     // cells may have the apostrophe of --formula-safe
}

func (l *listFlags) register(f *pflag.FlagSet) {
	f.StringVarP(&l.input, "input", "i", "", "customer list to read: CSV or JSONL; - for standard input")
	f.StringVar(&l.format, "format", "auto", "format of the list: auto, csv or jsonl")
	f.StringVar(&l.encoding, "encoding", "", "encoding of the list, such as windows-1252 or utf-16le (default: by its byte order mark, or else utf-8)")
	f.StringVar(&l.delimiter, "delimiter", "", "what separates the cells of a CSV list: , ; tab or | (default: found from its header)")
	f.StringArrayVar(&l.columns, "map", nil, "read a field from this column: `FIELD=COLUMN`; without a column it is read from none; may be repeated")
	f.StringArrayVar(&l.constants, "set", nil, "give a field this value in every row: `FIELD=VALUE`; may be repeated")
}

func (l *listFlags) check(p *problems) {
	p.need("input", l.input)
	if _, err := formatOf(l.format); err != nil {
		p.add(err.Error())
	}
	if _, err := source.ParseDelimiter(l.delimiter); err != nil {
		p.add(err.Error())
	}
	o := l.options()
	*p = append(*p, o.Check()...)
}

// options are how the list is to be read. What is wrong with them, check says.
func (l *listFlags) options() source.Options {
	format, _ := formatOf(l.format)
	delimiter, _ := source.ParseDelimiter(l.delimiter)
	return source.Options{
		Format: format, Name: l.name(), Encoding: l.encoding, Delimiter: delimiter, Map: l.columns, Set: l.constants,
		FormulaSafe: l.prefixed,
	}
}

func (l *listFlags) fromStandardInput() bool { return l.input == standardInput }

// name is the list's name for people.
func (l *listFlags) name() string {
	if l.fromStandardInput() {
		return standardInputName
	}
	return l.input
}

// openList is a list in a file, at its first record.
type openList struct {
	*source.List
	file *os.File
	info fs.FileInfo
}

// Close closes the file, which was only read.
func (l *openList) Close() { _ = l.file.Close() }

// done is the share of the file that has been read.
func (l *openList) done() float64 {
	at, err := l.file.Seek(0, io.SeekCurrent)
	if err != nil || l.info.Size() == 0 {
		return 0
	}
	return float64(at) / float64(l.info.Size())
}

// open opens the list that is in a file: its own, or where standard input was
// spooled to. What is read of the file is written to also as well.
func (l *listFlags) open(path string, also ...io.Writer) (*openList, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, &source.ListError{Reason: err.Error(), Hint: "check the name and who may read it"}
	}
	list, err := l.read(io.TeeReader(file, io.MultiWriter(also...)))
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return nil, &source.ReadError{Name: l.name(), Err: err}
	}
	return &openList{List: list, file: file, info: info}, nil
}

// openInput opens the list that --input names, if that is a file.
func (l *listFlags) openInput() (*openList, error) {
	if _, err := l.checkInput(); err != nil {
		return nil, err
	}
	return l.open(l.input)
}

// read begins to read a list.
func (l *listFlags) read(r io.Reader) (*source.List, error) {
	return source.Open(r, l.options())
}

// checkInput refuses what is no file, before anything else is looked at.
func (l *listFlags) checkInput() (fs.FileInfo, error) {
	info, err := os.Stat(l.input)
	if err != nil {
		return nil, &source.ListError{Reason: err.Error(), Hint: "name the customer list with --input"}
	}
	if info.IsDir() {
		return nil, &source.ListError{Reason: l.input + " is a folder", Hint: "name the customer list with --input"}
	}
	if !info.Mode().IsRegular() {
		return nil, &source.ListError{Reason: l.input + " is no ordinary file, and a list is read more than once", Hint: "give it by standard input: --input - < " + quoted(l.input)}
	}
	return info, nil
}
