package source

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const oneRow = "customerType,customerEmail,firstName,lastName\nIndividual,a@example.com,A,B\n"

func gzipped(t *testing.T, text io.Reader) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.Copy(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func zstandard(t *testing.T, text io.Reader, o ...zstd.EOption) []byte {
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, o...)
	require.NoError(t, err)
	_, err = io.Copy(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// rowsOf reads a list to its end.
func rowsOf(packed []byte) (rows int, err error) {
	l, err := Open(bytes.NewReader(packed), Options{})
	if err != nil {
		return 0, err
	}
	for _, err := range l.Records() {
		if err != nil {
			return rows, err
		}
		rows++
	}
	return rows, nil
}

// repeated is a text, many times over, without being in memory.
type repeated struct {
	text string
	left int
	at   strings.Reader
}

func (r *repeated) Read(b []byte) (int, error) {
	if r.at.Len() == 0 {
		if r.left == 0 {
			return 0, io.EOF
		}
		r.left--
		r.at.Reset(r.text)
	}
	return r.at.Read(b)
}

// burst is more than a list may grow to, of what is packed into some kilobytes.
const burst = 40 // MiB

// TestAListThatIsMadeToBurstIsNoList reads empty lines in one list only: the race
// detector takes long over each.
func TestAListThatIsMadeToBurstIsNoList(t *testing.T) {
	empty := strings.Repeat("\r\n", 1<<19)
	rows := strings.Repeat(strings.Repeat("x", 1<<10-1)+"\n", 1<<10)
	for name, packed := range map[string][]byte{
		"zstd": zstandard(t, io.MultiReader(strings.NewReader(oneRow), &repeated{text: rows, left: burst})),
		"gzip": gzipped(t, io.MultiReader(strings.NewReader(oneRow), &repeated{text: empty, left: burst})),
	} {
		_, err := rowsOf(packed)
		var wrong *ListError
		require.ErrorAs(t, err, &wrong, name)
		assert.Contains(t, wrong.Reason, "500 times its size", name)
	}
	for name, packed := range map[string][]byte{
		"before any row":   zstandard(t, &repeated{text: empty, left: burst}),
		"one endless line": zstandard(t, &repeated{text: strings.Repeat("x", 1<<20), left: burst}),
	} {
		_, err := rowsOf(packed)
		require.ErrorAs(t, err, new(*ListError), "%s: no list has it, packed or not", name)
	}
	read, err := rowsOf(zstandard(t, io.MultiReader(strings.NewReader(oneRow), &repeated{text: rows, left: 15})))
	require.NoError(t, err, "what is small in any case is read")
	assert.Equal(t, 1+15<<10, read)
}

func TestZstdThatNeedsMoreMemoryThanThereIsForItIsNoList(t *testing.T) {
	// A frame whose header asks for a window of 1 GiB: exponent 20 above 10.
	frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 20 << 3, 0x01, 0x00, 0x00}
	_, err := rowsOf(frame)
	var wrong *ListError
	require.ErrorAs(t, err, &wrong)
	assert.Contains(t, wrong.Reason, "128 MiB")
	assert.Contains(t, wrong.Hint, "zstd -d --long=31")
	frame[4], frame[5] = 0x01, 0x50 // a dictionary of one byte's id
	frame = append(frame[:6], 0x07, 0x01, 0x00, 0x00)
	_, err = rowsOf(frame)
	require.ErrorAs(t, err, &wrong)
	assert.Contains(t, wrong.Reason, "dictionary")
}

func TestZerosBehindGzipArePaddingAsTheyAreForGzip(t *testing.T) {
	header, row, _ := strings.Cut(oneRow, "\n")
	one := gzipped(t, strings.NewReader(oneRow))
	two := append(gzipped(t, strings.NewReader(header+"\n")), gzipped(t, strings.NewReader(row))...)
	for name, packed := range map[string][]byte{
		"none": one, "one": append(bytes.Clone(one), 0), "a block": append(bytes.Clone(one), make([]byte, 200_000)...), "two parts": two, "two and zeros": append(bytes.Clone(two), 0, 0, 0),
		"an empty part": append(gzipped(t, strings.NewReader("")), one...),
	} {
		rows, err := rowsOf(packed)
		require.NoError(t, err, name)
		assert.Equal(t, 1, rows, name)
	}
	for name, packed := range map[string][]byte{
		"words": append(bytes.Clone(one), "words"...), "zeros and words": append(bytes.Clone(one), "\x00\x00words"...),
		"a part behind zeros": append(append(bytes.Clone(one), 0, 0), one...), "half a part": append(bytes.Clone(one), one[:len(one)/2]...),
	} {
		_, err := rowsOf(packed)
		assert.Error(t, err, name)
	}
}

func TestACompressedWorkbookIsRefusedByItsName(t *testing.T) {
	for kind, start := range map[string]string{"an Excel workbook (.xlsx)": WorkbookMagic, "an old Excel workbook (.xls)": "\xd0\xcf\x11\xe0"} {
		_, err := rowsOf(gzipped(t, strings.NewReader(start+"rest")))
		var wrong *ListError
		require.ErrorAs(t, err, &wrong)
		assert.Contains(t, wrong.Reason, kind)
		assert.Contains(t, wrong.Hint, "decompress it")
	}
}

func FuzzWhatIsCompressedIsReadOrRefused(f *testing.F) {
	f.Add(append([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}, 0, 0))
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa0, 0x01, 0x00, 0x00})
	f.Fuzz(func(t *testing.T, packed []byte) {
		plain, err := decompressed(bytes.NewReader(packed))
		if err != nil {
			return
		}
		n, _ := io.Copy(io.Discard, plain)
		assert.LessOrEqual(t, n, max(ratioFrom+64<<10, mostRatio*int64(len(packed))+64<<10))
	})
}
