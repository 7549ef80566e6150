package main

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/measure"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

func TestAnErrorGroupIsShownWithItsFirstRowsAndTheShapesOfItsValues(t *testing.T) {
	var b strings.Builder
	cli.PrintErrors(&b, "errors", measure.ErrorGroups{
		"a": {Code: "bad_mail", Field: "customerEmail", Status: sink.Invalid, Count: 7, Rows: []int64{3, 4, 9, 11, 12}, Line: 4, Message: "no address", Shapes: []string{"aa aa", "9"}},
		"b": {Code: "gone", Status: sink.Failed, Count: 1, Rows: []int64{8}, Line: 9, Message: "HTTP 500"},
	})
	assert.Equal(t, `errors
  7        invalid   bad_mail: first in row 3 (line 4): no address
                     rows 3, 4, 9, 11, 12, …; customerEmail like "aa aa", "9"
  1        failed    gone: first in row 8 (line 9): HTTP 500
`, b.String())
}

func TestAnOutputThatCannotBeWrittenIsNoWrongCommandLine(t *testing.T) {
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, reader.Close())
	defer writer.Close()
	assert.Equal(t, cli.ExitIO, run([]string{"config", "init"}, strings.NewReader(""), writer, io.Discard))
}
