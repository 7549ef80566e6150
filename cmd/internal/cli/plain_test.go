package cli

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatATerminalActsUponIsSpelledOut(t *testing.T) {
	for text, want := range map[string]string{
		"São Paulo\t김, ok\n":  "São Paulo\t김, ok\n",
		"\x1b]0;x\x07\r":      `\u001b]0;x\u0007\u000d`,
		"a\u009b31mb":         `a\u009b31mb`,
		"\u202egpj.exe\u2066": `\u202egpj.exe\u2066`,
		"\xff\xfe":            `\ufffd\ufffd`,
		"\U000e0041":          `\udb40\udc41`,
		"a\u2028b\u0085":      `a\u2028b\u0085`,
	} {
		assert.Equal(t, want, string(PlainText([]byte(text))))
	}
}

func FuzzPlainTextHasNothingToActUpon(f *testing.F) {
	f.Add("name\x1b[2J\u202e")
	f.Fuzz(func(t *testing.T, text string) {
		plain := PlainText([]byte(text))
		assert.True(t, utf8.Valid(plain))
		assert.False(t, bytes.ContainsFunc(plain, acts))
		line, err := json.Marshal(text)
		require.NoError(t, err)
		var before, after string
		require.NoError(t, json.Unmarshal(line, &before))
		require.NoError(t, json.Unmarshal(PlainText(line), &after), "it is JSON still")
		assert.Equal(t, before, after)
	})
}
