package source

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// zstdWindow bounds the memory of a zstd stream: that of `zstd --long=27`,
// which is what the zstd program itself accepts without being told.
const zstdWindow = 128 << 20

const (
	// mostRatio is how often a list can be as large as it was compressed. Rows of
	// different customers come to a tenth of it; a file that is made to fill a
	// disk, or a table of nothing but empty lines, to a multiple.
	mostRatio = 500

	// ratioFrom is from what size on that is looked at, in plain bytes.
	ratioFrom = 16 << 20
)

// decompressed gives the plain bytes of r, which may be compressed with gzip
// (RFC 1952) or Zstandard (RFC 8878). The content decides, not a file name.
func decompressed(r io.Reader) (io.Reader, error) {
	packed := &counting{Reader: r}
	in := bufio.NewReaderSize(packed, 64<<10)
	magic, _ := in.Peek(4) // an error comes again with the first read
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		plain, err := newMembers(in)
		if err != nil {
			return nil, notReadable("gzip", err)
		}
		return whatIsIn(&unpacked{plain: plain, packed: packed})
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		// One goroutine, the caller's: nothing to close, nothing to leak.
		plain, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			return nil, notReadable("zstd", err)
		}
		return whatIsIn(&unpacked{plain: plain, packed: packed})
	}
	if kind := foreign(magic); kind != "" {
		return nil, &ListError{Reason: "this is " + kind, Hint: "save or convert it as an Excel workbook (.xlsx) without a password, or as CSV in UTF-8, and give that"}
	}
	return in, nil
}

// whatIsIn refuses a workbook, or what is not a list, that was compressed.
func whatIsIn(u *unpacked) (io.Reader, error) {
	in := bufio.NewReaderSize(u, 64<<10)
	magic, _ := in.Peek(4) // an error comes again with the first read
	if kind := foreign(magic); kind != "" {
		return nil, &ListError{Reason: "what is compressed here is " + kind, Hint: "decompress it; give an Excel workbook (.xlsx) as it is, and anything else as CSV in UTF-8"}
	}
	return in, nil
}

// counting counts what is read.
type counting struct {
	io.Reader
	n int64
}

// Read implements io.Reader.
func (c *counting) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += int64(n)
	return n, err
}

// unpacked is a list behind its decompression, which may be a trap or of a kind
// that is not read: no customer list, then.
type unpacked struct {
	plain  io.Reader
	packed *counting
	n      int64
}

// Read implements io.Reader.
func (u *unpacked) Read(b []byte) (int, error) {
	n, err := u.plain.Read(b)
	if u.n += int64(n); u.n > ratioFrom && u.n/mostRatio > u.packed.n {
		return 0, &ListError{
			Reason: fmt.Sprintf("the compressed list grows to more than %d times its size, as lists of customers do not", mostRatio),
			Hint:   "check that this is the right file; if it is, decompress it first and give the plain list",
		}
	}
	switch {
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		err = &ListError{
			Reason: fmt.Sprintf("the list was compressed with a zstd window of more than %d MiB, which is not read", zstdWindow>>20),
			Hint:   "compress it without --long or --ultra, or decompress it first: zstd -d --long=31 LIST",
		}
	case errors.Is(err, zstd.ErrUnknownDictionary):
		err = &ListError{Reason: "the list was compressed with a zstd dictionary, which is not at hand", Hint: "decompress it first: zstd -d -D DICTIONARY LIST"}
	}
	return n, err
}

// members are the parts of a gzip file, one after another. Zeros behind the last
// one are padding, of tapes and of block devices, and are passed over as gzip -d
// does.
type members struct {
	in *bufio.Reader
	at *gzip.Reader
}

func newMembers(in *bufio.Reader) (*members, error) {
	at, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	at.Multistream(false)
	return &members{in: in, at: at}, nil
}

// Read implements io.Reader.
func (m *members) Read(b []byte) (int, error) {
	for {
		n, err := m.at.Read(b)
		if n > 0 || !errors.Is(err, io.EOF) {
			if errors.Is(err, io.EOF) {
				err = nil // of this part: the next call looks for another
			}
			return n, err
		}
		if err := m.next(); err != nil {
			return 0, err
		}
	}
}

// next goes to the next part; io.EOF when there is none.
func (m *members) next() error {
	zeros := false
	for {
		c, err := m.in.ReadByte()
		switch {
		case err != nil:
			return err
		case c == 0:
			zeros = true
			continue
		case zeros:
			return gzip.ErrHeader // something else stands behind zeros
		}
		if err := m.in.UnreadByte(); err != nil {
			return err
		}
		if err := m.at.Reset(m.in); err != nil {
			return err
		}
		m.at.Multistream(false)
		return nil
	}
}

func notReadable(format string, err error) error {
	return &ListError{
		Reason: fmt.Sprintf("this begins like %s and cannot be decompressed: %v", format, err),
		Hint:   "check that the file was copied whole",
	}
}

// WorkbookMagic is how workbooks begin, and other ZIP archives.
const WorkbookMagic = "PK\x03\x04"

// foreign recognises what people give by mistake for a CSV list.
func foreign(magic []byte) string {
	switch {
	case bytes.Equal(magic, []byte(WorkbookMagic)):
		return "a ZIP archive or an Excel workbook (.xlsx), not a CSV or JSONL list"
	case bytes.Equal(magic, []byte{0xd0, 0xcf, 0x11, 0xe0}):
		return "an old Excel workbook (.xls), or one that is protected by a password"
	case bytes.Equal(magic, []byte("%PDF")):
		return "a PDF document, not a CSV or JSONL list"
	case bytes.Equal(magic, []byte("\x89PNG")), bytes.Equal(magic, []byte("GIF8")), bytes.HasPrefix(magic, []byte("\xff\xd8\xff")):
		return "a picture, not a CSV or JSONL list"
	case bytes.Equal(magic, []byte(`{\rt`)):
		return "a text document (.rtf), not a CSV or JSONL list"
	case bytes.EqualFold(magic, []byte("<htm")), bytes.EqualFold(magic, []byte("<!do")):
		return "a web page, perhaps an error or a login in place of the download"
	case bytes.Equal(magic, []byte("<?xm")):
		return "an XML document, not a CSV or JSONL list"
	case bytes.HasPrefix(magic, []byte("BZh")):
		return "compressed with bzip2, which is not read"
	case bytes.Equal(magic, []byte{0xfd, '7', 'z', 'X'}):
		return "compressed with xz, which is not read"
	default:
		return ""
	}
}
