package source

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAListThatCouldBeUTF8IsNoticedWhenItIsReadAsACodePage(t *testing.T) {
	const header = "customerType,customerEmail,firstName,lastName\n"
	for _, c := range []struct{ name, encoding, rows, want string }{
		{"UTF-8 read as a code page", "windows-1252", "Individual,a@example.com,René,Lee\n", "windows-1252"},
		{"read as UTF-8", "", "Individual,a@example.com,René,Lee\n", ""},
		{"ASCII alone", "windows-1252", "Individual,a@example.com,Rene,Lee\n", ""},
		{"a code page", "windows-1252", "Individual,a@example.com,Ren\xe9,Lee\n", ""},
		{"some of both", "windows-1252", "Individual,a@example.com,René,Lee\nIndividual,b@example.com,Ren\xe9,Lee\n", ""},
		{"a line break in a cell", "windows-1256", "Individual,a@example.com,\"Re\né\",Lee\n", "windows-1256"},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, err := Open(strings.NewReader(header+c.rows), Options{Encoding: c.encoding})
			require.NoError(t, err)
			for _, err := range list.Lent() {
				require.NoError(t, err)
			}
			assert.Equal(t, c.want, list.Misread())
		})
	}
}
