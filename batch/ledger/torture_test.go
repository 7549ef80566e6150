//go:build torture

package ledger

import "testing"

func TestTortureFlippedBitsAreNoticedOrChangeNothing(t *testing.T) {
	t.Run("anywhere", func(t *testing.T) { flipAnyBits(t, 3000) })
	t.Run("in headers", func(t *testing.T) { flipHeaderBits(t, 6000) })
}
