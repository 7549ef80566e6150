//go:build torture

package batch

import "testing"

func TestTortureAThousandFlippedBitsOfTheState(t *testing.T) { flipBits(t, 1000) }
