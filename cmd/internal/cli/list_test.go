package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/source"
)

func TestAListThatGrowsWhileItIsReadIsReadAsItWasWhenItWasOpened(t *testing.T) {
	const header, ann = "customerType,customerEmail,firstName,lastName\n", "Individual,ann@example.com,Ann,Lee\n"
	path := filepath.Join(t.TempDir(), "list.csv")
	require.NoError(t, os.WriteFile(path, []byte(header+ann+"Individual,bob@example.com,Bob,R"), 0o600))
	l := ListFlags{Input: path, format: "auto"}
	list, err := l.OpenInput()
	require.NoError(t, err)
	defer list.Close()
	grown, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	require.NoError(t, err)
	_, err = grown.WriteString("ay\n" + ann)
	require.NoError(t, err)
	require.NoError(t, grown.Close())

	var last *source.Record
	for rec, err := range list.Records() {
		require.NoError(t, err)
		last = rec
	}
	assert.EqualValues(t, 2, last.Row)
	assert.Equal(t, "R", last.Customer.LastName)
	assert.EqualValues(t, len("ay\n"+ann), list.Added())
	assert.InDelta(t, 1, list.Done(), 0)

	again, err := l.OpenFirst(path, list.Size)
	require.NoError(t, err)
	defer again.Close()
	rows := 0
	for _, err := range again.Records() {
		require.NoError(t, err)
		rows++
	}
	assert.Equal(t, 2, rows)
}
