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
	input, format string
}

func (l *listFlags) register(f *pflag.FlagSet) {
	f.StringVarP(&l.input, "input", "i", "", "customer list to read: CSV or JSONL; - for standard input")
	f.StringVar(&l.format, "format", "auto", "format of the list: auto, csv or jsonl")
}

func (l *listFlags) check(p *problems) {
	p.need("input", l.input)
	if _, err := formatOf(l.format); err != nil {
		p.add(err.Error())
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
// spooled to.
func (l *listFlags) open(path string) (*openList, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, &source.ListError{Reason: err.Error(), Hint: "check the name and who may read it"}
	}
	list, err := l.read(file)
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

// read begins to read a list.
func (l *listFlags) read(r io.Reader) (*source.List, error) {
	format, err := formatOf(l.format)
	if err != nil {
		return nil, err
	}
	return source.Open(r, source.Options{Format: format, Name: l.name()})
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
