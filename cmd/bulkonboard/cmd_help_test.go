package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/cmd/internal/manual"
)

func TestEveryPageOfTheManualIsInTheProgramAndNamed(t *testing.T) {
	entries, err := pageFiles.ReadDir("pages")
	require.NoError(t, err)
	var files []string
	for _, e := range entries {
		files = append(files, strings.TrimSuffix(e.Name(), ".md"))
	}
	assert.ElementsMatch(t, files, pageNames)
	for _, name := range pageNames {
		page := manual.Parse(pageText(name))
		assert.NotEmpty(t, page.Title, name)
		assert.Equal(t, page.Title, manual.TitleOf(pageText(name)))
		for _, r := range regexp.MustCompile(`(?m)^['.].*$`).FindAllString(page.Roff(name, time.Time{}), -1) {
			assert.Regexp(t, `^\.(TH|SH|TP|PP|nf|fi)\b`, r, name)
		}
	}
}
