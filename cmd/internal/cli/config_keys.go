package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bulkonboard/source"
)

// The keys of a config file: one for each flag.

// familyKeys gives the flag of every key that a config file of the command may
// have.
func familyKeys(c *cobra.Command) map[string]string {
	keys := map[string]string{}
	for _, other := range append(c.Root().Commands(), c) {
		if other.Annotations[familyKey] != c.Annotations[familyKey] {
			continue
		}
		other.Flags().VisitAll(func(f *pflag.Flag) {
			if isSetting(f) {
				keys[KeyOf(f.Name)] = f.Name
			}
		})
	}
	return keys
}

// KeyOf is the key of a flag: --base-url is baseUrl.
func KeyOf(flag string) string {
	words := strings.Split(flag, "-")
	for i, word := range words[1:] {
		words[i+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "")
}

// unknown says what a key may have meant.
func (f *configFile) unknown(key string, known map[string]string) string {
	word := bareWord(key)
	if word == "appsecret" {
		return "the app secret has no place in a config file; name its file with appSecretFile, or set " + SecretVariable
	}
	best, distance := "", 2*max(2, len(word)/3)+2
	for _, candidate := range slices.Sorted(maps.Keys(known)) {
		d := 2 * source.Distance(word, bareWord(candidate))
		if len(candidate) != len(key) {
			d++ // of two equally near, letters that changed places are likelier
		}
		if d < distance {
			best, distance = candidate, d
		}
	}
	if best == "" {
		return safeKey(key) + " is not a setting; " + f.init + " lists them all"
	}
	return fmt.Sprintf("%s is not a setting; did you mean %s?", safeKey(key), best)
}

// bareWord is a key without what people write differently.
func bareWord(key string) string {
	if len(key) > 40 {
		key = key[:40]
	}
	return strings.ToLower(strings.NewReplacer("-", "", "_", "", ".", "").Replace(key))
}
