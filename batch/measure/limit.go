package measure

import (
	"fmt"
	"strconv"
	"strings"
)

// Limit is a number of rows, or a share of all rows in percent.
type Limit struct {
	Count   int64
	Percent float64 // 0: the count holds
}

// ParseLimit reads a number of rows, such as "500", not less than the least, or a
// share, such as "5%".
func ParseLimit(s string, least int64) (Limit, error) {
	if number, ok := strings.CutSuffix(s, "%"); ok {
		p, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || !(p > 0) || p > 100 {
			return Limit{}, fmt.Errorf("%q is not a share above 0%% and up to 100%%", s)
		}
		return Limit{Percent: p}, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < least {
		return Limit{}, fmt.Errorf("%q is neither a number of rows from %d nor a share such as 5%%", s, least)
	}
	return Limit{Count: n}, nil
}

// Allows reports whether a number of all rows is within the limit.
func (l Limit) Allows(n, all int64) bool {
	if l.Percent > 0 {
		return float64(n) <= l.Percent*float64(all)/100
	}
	return n <= l.Count
}

// String is the limit as it is typed.
func (l Limit) String() string {
	if l.Percent > 0 {
		return fmt.Sprintf("%g%%", l.Percent)
	}
	return fmt.Sprint(l.Count)
}
