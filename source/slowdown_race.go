//go:build race

package source

// slowdown is how many times as long an iteration of a digest takes under the race
// detector, with which no program is given to people. It makes fewer of them, so a
// digest takes as long as anywhere, and the tests need not wait a second for each.
// Its digests are not those of other builds: neither resumes the other's runs with
// --set.
const slowdown = 12
