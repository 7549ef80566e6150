//go:build torture

package chunks

import "testing"

func TestTortureAThousandFlippedBitsOfAJob(t *testing.T) { flipBits(t, 1000) }
