// Package workbook reads the sheets of an Excel workbook (.xlsx, ECMA-376) row by
// row, in bounded memory, with what is known of how each cell is stored.
//
// excelize is not used for reading: its rows give text alone, and not whether a cell
// is stored as text or as a number, and it unpacks large sheets to files with names,
// which a process that is killed would leave behind. How a number is shown by its
// format is excelize's work.
package workbook

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

const (
	maxParts     = 10_000   // files in a workbook
	maxSmallPart = 32 << 20 // bytes of a part that is read as a whole: styles, and the list of sheets
	maxPart      = 16 << 30 // bytes of any other
	maxToken     = 4 << 20  // bytes of a text, tag or comment: several times what a full cell takes as XML

	// mostRatio is how often a part can be as large as it is compressed, and
	// ratioFrom from what size on that is looked at, in bytes.
	mostRatio = 500
	ratioFrom = 16 << 20
)

// Scratch takes what does not fit into memory. It is thrown away.
type Scratch interface {
	io.Writer
	io.ReaderAt
}

// Error says that a file is not a workbook that can be read.
type Error struct {
	Reason string
	Hint   string // what to do
}

func (e *Error) Error() string { return e.Reason }

func damaged(format string, args ...any) error {
	return &Error{Reason: "the workbook is damaged: " + fmt.Sprintf(format, args...), Hint: "open it in a spreadsheet program, save it as a new workbook (.xlsx), and give that"}
}

// File is a workbook. It is used by one goroutine.
type File struct {
	parts   map[string]*zip.File // by name, in lower case
	sheets  []Sheet
	strings texts
	formats formats
	scratch func() (Scratch, error)

	stringsName string // of the part with the shared strings; "" for none, or when they are read
}

// Sheet is a sheet with cells.
type Sheet struct {
	Name   string
	Hidden bool

	part string
}

// Open reads what a workbook consists of. scratch makes a file for the texts of a
// large workbook; it is asked at most once.
func Open(r io.ReaderAt, size int64, scratch func() (Scratch, error)) (*File, error) {
	packed, err := zip.NewReader(r, size)
	if err != nil {
		return nil, damaged("%v", err)
	}
	f := &File{parts: map[string]*zip.File{}, scratch: scratch}
	if len(packed.File) > maxParts {
		return nil, damaged("it has %d parts", len(packed.File))
	}
	for _, part := range packed.File {
		name := partName(part.Name)
		if f.parts[name] != nil {
			return nil, damaged("it has two parts %q", part.Name)
		}
		f.parts[name] = part
	}
	if err := f.foreign(); err != nil {
		return nil, err
	}
	return f, f.read()
}

func partName(name string) string {
	return strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(name, `\`, "/"), "/"))
}

// foreign recognises other files that are ZIP archives.
func (f *File) foreign() error {
	const save = "open it in a spreadsheet program, and save it as Excel workbook (.xlsx)"
	if p := f.parts["mimetype"]; p != nil {
		kind, err := f.whole("mimetype")
		if err == nil && strings.Contains(string(kind), "opendocument.spreadsheet") {
			return &Error{Reason: "this is an OpenDocument spreadsheet (.ods), which is not read", Hint: save}
		}
	}
	for name := range f.parts {
		switch {
		case strings.HasPrefix(name, "xl/") && strings.HasSuffix(name, "workbook.bin"):
			return &Error{Reason: "this is a binary Excel workbook (.xlsb), which is not read", Hint: save}
		case strings.HasPrefix(name, "word/"), strings.HasPrefix(name, "ppt/"):
			return &Error{Reason: "this is an Office document, and not a workbook", Hint: "give the customer list"}
		}
	}
	if f.parts["[content_types].xml"] == nil {
		return &Error{Reason: "this is a ZIP archive, and not a workbook or a CSV or JSONL list", Hint: "unpack it, and give the list that is in it"}
	}
	return nil
}

type relationships struct {
	All []struct {
		ID     string `xml:"Id,attr"`
		Type   string `xml:"Type,attr"`
		Target string `xml:"Target,attr"`
	} `xml:"Relationship"`
}

// read reads the parts that say where the others are.
func (f *File) read() error {
	root, err := f.related("")
	if err != nil {
		return err
	}
	main := ""
	for _, r := range root.All {
		if strings.HasSuffix(r.Type, "/officeDocument") {
			main = target("", r.Target)
		}
	}
	var book struct {
		Properties struct {
			Date1904 string `xml:"date1904,attr"`
		} `xml:"workbookPr"`
		Sheets []struct {
			Name  string `xml:"name,attr"`
			State string `xml:"state,attr"`
			ID    string `xml:"id,attr"`
		} `xml:"sheets>sheet"`
	}
	if err := f.decode(main, &book); err != nil {
		return err
	}
	links, err := f.related(main)
	if err != nil {
		return err
	}
	for _, s := range book.Sheets {
		for _, r := range links.All {
			if r.ID == s.ID && strings.HasSuffix(r.Type, "/worksheet") {
				f.sheets = append(f.sheets, Sheet{Name: s.Name, Hidden: s.State != "" && s.State != "visible", part: target(main, r.Target)})
			}
		}
	}
	for _, r := range links.All {
		switch name := target(main, r.Target); {
		case strings.HasSuffix(r.Type, "/sharedStrings"):
			f.stringsName = name
		case strings.HasSuffix(r.Type, "/styles"):
			if err := f.readStyles(name); err != nil {
				return err
			}
		}
	}
	f.formats.date1904 = book.Properties.Date1904 == "1" || book.Properties.Date1904 == "true"
	return nil
}

// target is the part that a part refers to.
func target(from, to string) string {
	if strings.HasPrefix(to, "/") {
		return partName(to)
	}
	return partName(path.Join(path.Dir(from), strings.ReplaceAll(to, `\`, "/")))
}

// related reads the relationships of a part.
func (f *File) related(name string) (r relationships, err error) {
	folder, base := path.Split(name)
	err = f.decode(folder+"_rels/"+base+".rels", &r)
	return r, err
}

// decode reads a small part into a value.
func (f *File) decode(name string, into any) error {
	text, err := f.whole(name)
	if err != nil {
		return err
	}
	if err := xml.Unmarshal(text, into); err != nil {
		return damaged("%s cannot be read: %v", name, err)
	}
	return nil
}

// whole reads a small part.
func (f *File) whole(name string) ([]byte, error) {
	part, err := f.open(name)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(part, maxSmallPart+1))
	switch {
	case err != nil:
		return nil, readError(name, err)
	case len(text) > maxSmallPart:
		return nil, damaged("%s is larger than %d MiB", name, maxSmallPart>>20)
	}
	return text, nil
}

// open opens a part.
func (f *File) open(name string) (*part, error) {
	file := f.parts[name]
	if file == nil {
		return nil, damaged("it has no part %s", name)
	}
	plain, err := file.Open()
	if err != nil {
		return nil, damaged("%s: %v", name, err)
	}
	return &part{plain: plain, packed: int64(file.CompressedSize64), size: int64(file.UncompressedSize64)}, nil
}

// part is a part that is being read. It may be a trap: then it is not a workbook.
type part struct {
	plain        io.Reader
	packed, size int64 // as the archive states them
	n            int64 // bytes read
	until        int64 // where the token that is being read must have ended; 0 for anywhere
}

// token reads the next token. The decoder keeps all of it in memory.
func (p *part) token(d *xml.Decoder) (xml.Token, error) {
	p.until = p.n + maxToken
	return d.RawToken()
}

// rest reads the part to its end, and so finds out whether it is damaged.
func (p *part) rest() error {
	p.until = 0
	_, err := io.Copy(io.Discard, p)
	return err
}

// Read implements io.Reader.
func (p *part) Read(b []byte) (int, error) {
	n, err := p.plain.Read(b)
	if p.n += int64(n); p.n > maxPart || p.n > ratioFrom && p.n/mostRatio > p.packed {
		return 0, &Error{
			Reason: fmt.Sprintf("the workbook grows to more than %d times its size, or %d GiB, as lists of customers do not", mostRatio, maxPart>>30),
			Hint:   "check that this is the right file",
		}
	}
	if p.until > 0 && p.n > p.until {
		return 0, damaged("it has a text of more than %d MiB", maxToken>>20)
	}
	return n, err
}

// readError is what went wrong with the bytes of a part. Those that cannot be
// unpacked are damage; an error of the disk is what it is.
func readError(name string, err error) error {
	var wrong *Error
	var syntax *xml.SyntaxError
	switch {
	case errors.As(err, &wrong):
		return err
	case errors.Is(err, zip.ErrChecksum), errors.Is(err, zip.ErrFormat), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.As(err, &syntax),
		strings.HasPrefix(err.Error(), "flate:"), strings.HasPrefix(err.Error(), "xml:"):
		return damaged("%s: %v", name, err)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// Sheets are those with cells, in the order of the workbook. The result is shared.
func (f *File) Sheets() []Sheet { return f.sheets }

// Sheet finds a sheet by its name: the sheet of exactly that name, or else the
// only one that is the same without regard to case and to blanks around it.
func (f *File) Sheet(name string) (Sheet, bool) {
	var near []Sheet
	for _, s := range f.sheets {
		if s.Name == name {
			return s, true
		}
		if strings.EqualFold(strings.TrimSpace(s.Name), strings.TrimSpace(name)) {
			near = append(near, s)
		}
	}
	if len(near) != 1 {
		return Sheet{}, false
	}
	return near[0], true
}

// Visible are the sheets that are not hidden.
func (f *File) Visible() []Sheet {
	return slices.DeleteFunc(slices.Clone(f.sheets), func(s Sheet) bool { return s.Hidden })
}
