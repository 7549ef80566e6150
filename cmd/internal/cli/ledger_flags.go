package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// LedgerFlags say what is made of what a ledger knows.
type LedgerFlags struct {
	// TTL is how long a session id is good; less than zero: for ever. Check sets
	// it.
	TTL time.Duration

	ttlText string
}

// Register gives a command the flags.
func (l *LedgerFlags) Register(c *cobra.Command) {
	c.Flags().StringVar(&l.ttlText, "session-ttl", "never", "how long a session id in the ledger is valid: `TIME` such as 90d or 12h; 0 sends every customer again")
}

// Check finds what the flags do not take.
func (l *LedgerFlags) Check(p *Problems) {
	l.TTL = -1
	if l.ttlText != "never" {
		var err error
		if l.TTL, err = ParseDays(l.ttlText); err != nil {
			p.Add(fmt.Sprintf("--session-ttl is %q; it takes never, or a time such as 90d or 12h", l.ttlText))
		}
	}
}

// ParseDays reads a time that may be in days.
func ParseDays(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseFloat(days, 64)
		if err != nil || !(n >= 0) || n > 36500 {
			return 0, fmt.Errorf("%q is not a number of days", days)
		}
		return time.Duration(n * 24 * float64(time.Hour)), nil
	}
	d, err := time.ParseDuration(text)
	if err == nil && d < 0 {
		err = fmt.Errorf("%s is less than nothing", d)
	}
	return d, err
}
