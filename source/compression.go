package source

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// zstdWindow bounds the memory of a zstd stream: that of `zstd --long=27`,
// which is what the zstd program itself accepts without being told.
const zstdWindow = 128 << 20

// decompressed gives the plain bytes of r, which may be compressed with gzip
// (RFC 1952) or Zstandard (RFC 8878). The content decides, not a file name.
func decompressed(r io.Reader) (io.Reader, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	magic, _ := in.Peek(4) // an error comes again with the first read
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		plain, err := gzip.NewReader(in)
		if err != nil {
			return nil, notReadable("gzip", err)
		}
		return plain, nil
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		// One goroutine, the caller's: nothing to close, nothing to leak.
		plain, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			return nil, notReadable("zstd", err)
		}
		return plain, nil
	}
	if kind := foreign(magic); kind != "" {
		return nil, &ListError{Reason: "this is " + kind, Hint: "save or convert it as CSV in UTF-8 and give that"}
	}
	return in, nil
}

func notReadable(format string, err error) error {
	return &ListError{
		Reason: fmt.Sprintf("this begins like %s and cannot be decompressed: %v", format, err),
		Hint:   "check that the file was copied whole",
	}
}

// foreign recognises what people give by mistake for a CSV list.
func foreign(magic []byte) string {
	switch {
	case bytes.Equal(magic, []byte("PK\x03\x04")):
		return "a ZIP archive or an Excel workbook (.xlsx), not a CSV or JSONL list"
	case bytes.Equal(magic, []byte{0xd0, 0xcf, 0x11, 0xe0}):
		return "an old Excel workbook (.xls), not a CSV or JSONL list"
	case bytes.Equal(magic, []byte("%PDF")):
		return "a PDF document, not a CSV or JSONL list"
	case bytes.HasPrefix(magic, []byte("BZh")):
		return "compressed with bzip2, which is not read"
	case bytes.Equal(magic, []byte{0xfd, '7', 'z', 'X'}):
		return "compressed with xz, which is not read"
	default:
		return ""
	}
}
