package cli

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// digestRounds make the digest slow to compute, so that no one finds a value of
// --set, which may be somebody's own, by trying.
const digestRounds = 100_000

// SettingsDigest stands for all settings of a command: hexadecimal digits of a
// digest (PBKDF2 with HMAC-SHA-256) of every key and value, wherever the value is
// from. Paths are whole, so it does not matter in which folder the program was
// started. The app secret is not a setting, and what is read from files is not in
// it.
func SettingsDigest(c *cobra.Command, without ...string) (string, error) {
	var pairs [][2]string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if isSetting(f) && !slices.Contains(without, f.Name) {
			pairs = append(pairs, [2]string{KeyOf(f.Name), wholePath(f)})
		}
	})
	slices.SortFunc(pairs, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	b, _ := json.Marshal(pairs) // texts always encode
	sum, err := pbkdf2.Key(sha256.New, string(b), []byte("bulkonboard settings"), digestRounds, sha256.Size)
	return hex.EncodeToString(sum), err
}

func wholePath(f *pflag.Flag) string {
	value := f.Value.String()
	if !isPath(f) || value == "" || value == standardInput {
		return value
	}
	if whole, err := filepath.Abs(value); err == nil {
		return whole
	}
	return value
}

// CopyTyped gives a command the flags that were typed for another one, as far as
// it has them. It must come before the other's are settled.
func CopyTyped(from, to *cobra.Command) error {
	var err error
	from.Flags().Visit(func(f *pflag.Flag) {
		other := to.Flags().Lookup(f.Name)
		if other == nil || err != nil {
			return
		}
		other.Changed = true
		if texts, many := listOf(f); many {
			err = setList(other, texts)
		} else {
			err = other.Value.Set(f.Value.String())
		}
	})
	return err
}
