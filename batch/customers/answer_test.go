package customers

import (
	"bufio"
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever is in the file of answers is refused or read, and what is read is
// written again as the same.
func FuzzAnswersAreReadAsTheyWereWritten(f *testing.F) {
	f.Add(AppendResult(AppendResult(nil, 1, Result{row: 1, sessionID: "a", print: 7}), 300, Result{row: 512}))
	f.Add([]byte{1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Add([]byte{0x80})
	f.Fuzz(func(t *testing.T, b []byte) {
		in := bufio.NewReader(bytes.NewReader(b))
		for {
			lead, a, err := ReadResult(in)
			if err != nil {
				return
			}
			again, same, err := ReadResult(bufio.NewReader(bytes.NewReader(AppendResult(nil, lead, a))))
			require.NoError(t, err)
			require.Equal(t, lead, again)
			require.Equal(t, a, same)
		}
	})
}
