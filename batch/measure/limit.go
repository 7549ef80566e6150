package measure

import (
	"fmt"
	"strconv"
	"strings"
)

// CountOrShare reads a number of rows, not less than the least, or a share in
// percent.
func CountOrShare(s string, least int64) (count int64, percent float64, err error) {
	if number, ok := strings.CutSuffix(s, "%"); ok {
		p, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || !(p > 0) || p > 100 {
			return 0, 0, fmt.Errorf("%q is not a share above 0%% and up to 100%%", s)
		}
		return 0, p, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < least {
		return 0, 0, fmt.Errorf("%q is neither a number of rows from %d nor a share such as 5%%", s, least)
	}
	return n, 0, nil
}
