package cli

import (
	"fmt"
	"strings"
	"time"
)

// Problems are what is wrong with a command line, in the order in which it was
// found. As an error they are a wrong command line; there is at least one then.
type Problems []string

// Error lists them all.
func (p Problems) Error() string {
	if len(p) == 1 {
		return p[0]
	}
	return fmt.Sprintf("%d problems to fix first:\n  ", len(p)) + strings.Join(p, "\n  ")
}

// Err is the error that they are, or nil when there is none.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// Add adds one. One that begins with a --flag is said with where the flag's
// value comes from.
func (p *Problems) Add(problem string) { *p = append(*p, problem) }

// Need adds a setting without which nothing can be done, when it is not given.
func (p *Problems) Need(flag, value string) {
	if strings.TrimSpace(value) == "" {
		p.Add(fmt.Sprintf("--%s is missing (or set %s)", flag, VariableOf(flag)))
	}
}

func (p *Problems) positive(flag string, d time.Duration) {
	if d <= 0 {
		p.Add(fmt.Sprintf("--%s is %s; it must be greater than zero, such as 30s", flag, d))
	}
}
