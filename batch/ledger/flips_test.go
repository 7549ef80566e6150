//go:build !torture

package ledger

// flips is how many bits are flipped.
const flips = 100
