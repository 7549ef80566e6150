//go:build !race

package source

// slowdown is how many times as long an iteration of a digest takes as it does in
// a program that people use, which this is.
const slowdown = 1
