package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"

	"bulkonboard/cmd/internal/manual"
)

func TestAManPageDescribesEveryFlag(t *testing.T) {
	for _, c := range rootCommand().Commands() {
		page := manPage(c, time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC))
		assert.Contains(t, page, `"Jan 2026"`)
		c.Flags().VisitAll(func(f *pflag.Flag) {
			assert.NotEmpty(t, f.Usage, f.Name)
			if f.Hidden {
				return
			}
			_, usage := pflag.UnquoteUsage(f)
			assert.Contains(t, page, `\fB\-\-`+manual.Escaped(f.Name)+`\fP`, c.Name())
			assert.Contains(t, page, "\n"+manual.Escaped(usage), "%s --%s", c.Name(), f.Name)
		})
		requests := regexp.MustCompile(`(?m)^['.].*$`).FindAllString(page, -1)
		for _, r := range requests {
			assert.Regexp(t, `^\.(TH|SH|TP|PP|nf|fi)\b`, r, c.Name())
		}
	}
}

func TestTextOfAManPageIsNeverARequest(t *testing.T) {
	c := &cobra.Command{Use: "x", Short: `.short`, Long: "one\n.two\n'three\n\n  a \\n b-c\n  .d\nafter"}
	page := manPage(c, time.Time{})
	assert.Contains(t, page, "x \\- \\&.short\n")
	_, text, _ := strings.Cut(page, ".SH DESCRIPTION\n")
	assert.True(t, strings.HasPrefix(text, "one\n\\&.two\n\\&'three\n.PP\n.PP\n.nf\n  a \\en b\\-c\n  .d\n.fi\nafter\n"), text)
}
