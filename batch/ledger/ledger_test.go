package ledger

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var night = time.Date(2026, 1, 31, 2, 0, 0, 0, time.UTC)

func opened(t *testing.T, path string) *Ledger {
	l, err := Open(path, path+".key")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func fresh(t *testing.T) *Ledger { return opened(t, filepath.Join(t.TempDir(), "customers.db")) }

func put(t *testing.T, l *Ledger, changes ...Change) {
	require.NoError(t, l.Put(&News{Run: 1, Began: night, Changes: changes}))
}

func keyOf(l *Ledger, n int) Key {
	return l.Hasher().Customer("tenant", fmt.Appendf(nil, "form\nc%d@example.com", n))
}

func okEntry(session string) Entry {
	return Entry{Outcome: OK, Digest: Digest{1}, At: night, SessionID: session}
}

func TestARunHasOneNumberThoughItForgetsIt(t *testing.T) {
	l := fresh(t)
	number, err := l.RunNumber("run-1")
	require.NoError(t, err)
	assert.Zero(t, number)
	for _, c := range []struct {
		id   string
		want uint64
	}{{"run-1", 1}, {"run-2", 2}, {"run-1", 1}, {"run-2", 2}, {"run-3", 3}} {
		news := News{RunID: c.id, Began: night, Changes: []Change{{keyOf(l, 1), okEntry("s-1")}}}
		require.NoError(t, l.Put(&news))
		assert.Equal(t, c.want, news.Run, c.id)
		number, err := l.RunNumber(c.id)
		require.NoError(t, err)
		assert.Equal(t, c.want, number, c.id)
	}
	runs, err := l.Runs()
	require.NoError(t, err)
	assert.Len(t, runs, 3)
}

func TestWhatWasPutIsThereForWhoeverOpensTheLedgerAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "customers.db")
	l := opened(t, path)
	refused := Entry{Outcome: Rejected, Digest: Digest{2}, At: night, Code: "invalid_customer_details", Message: "No"}
	news := News{RunID: "run-1", Began: night, Forms: []Form{{"tenant", "form"}}, Changes: []Change{{keyOf(l, 1), okEntry("s-1")}, {keyOf(l, 2), refused}}}
	require.NoError(t, l.Put(&news))
	assert.EqualValues(t, 1, news.Run)
	id := l.ID()
	require.NoError(t, l.Close())

	l = opened(t, path)
	assert.Equal(t, id, l.ID())
	for n, want := range []Entry{okEntry("s-1"), refused} {
		want.Run = 1
		e, known, err := l.Find(keyOf(l, n+1))
		require.NoError(t, err)
		assert.True(t, known)
		assert.Equal(t, want, e)
	}
	_, known, err := l.Find(keyOf(l, 3))
	require.NoError(t, err)
	assert.False(t, known)
	runs, err := l.Runs()
	require.NoError(t, err)
	assert.Equal(t, map[uint64]Run{1: {"run-1", night}}, runs)
	forms, err := l.Forms()
	require.NoError(t, err)
	assert.Equal(t, news.Forms, forms)
	for _, name := range []string{path, path + ".key"} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}
}

func TestAnEntryComesBackAsItWent(t *testing.T) {
	const uuid = "1b08348e-f8e2-574c-8ed0-6e3fa4721534"
	for _, id := range []string{uuid, strings.ToUpper(uuid), uuid[:35], "{" + uuid[1:], "session 7", "é", strings.Repeat("x", 300)} {
		e := Entry{Outcome: OK, Digest: Digest{9, 8, 7}, Run: 1 << 40, At: night, SessionID: id}
		b := e.Append(nil)
		got, err := ParseEntry(b)
		require.NoError(t, err)
		assert.Equal(t, e, got)
	}
	e := Entry{Outcome: OK, Run: 300, At: night, SessionID: uuid}
	assert.LessOrEqual(t, len(Key{})+len(e.Append(nil)), 50, "ten million of them are to fit")
}

// TestAnEntryKeepsItsBytes holds both sides of the format against what is in
// the files of those who use it: a change would make them unreadable.
func TestAnEntryKeepsItsBytes(t *testing.T) {
	const uuid = "1b08348e-f8e2-574c-8ed0-6e3fa4721534"
	digest, before := Digest{1, 2, 3, 4, 5, 6, 7, 8}, Session{ID: "s-0", At: night, Digest: Digest{8, 7, 6, 5, 4, 3, 2, 1}}
	for inHex, want := range map[string]Entry{
		"050102030405060708ac0280b4ba9c82671b08348ef8e2574c8ed06e3fa4721534":                         {Outcome: OK, Digest: digest, Run: 300, At: night, SessionID: uuid},
		"010102030405060708ac0280b4ba9c826703732d31":                                                 {Outcome: OK, Digest: digest, Run: 300, At: night, SessionID: "s-1"},
		"020102030405060708ac0280b4ba9c8267026e6f064e6f7420736f":                                     {Outcome: Rejected, Digest: digest, Run: 300, At: night, Code: "no", Message: "Not so"},
		"0301020304050607080080b4ba9c8267":                                                           {Outcome: Failed, Digest: digest, At: night},
		"0a0102030405060708ac0280b4ba9c8267080706050403020180b4ba9c826703732d30026e6f064e6f7420736f": {Outcome: Rejected, Digest: digest, Run: 300, At: night, Code: "no", Message: "Not so", Earlier: before},
		"0b01020304050607080080b4ba9c8267080706050403020180b4ba9c826703732d30":                       {Outcome: Failed, Digest: digest, At: night, Earlier: before},
	} {
		assert.Equal(t, inHex, hex.EncodeToString(want.Append(nil)))
		b, err := hex.DecodeString(inHex)
		require.NoError(t, err)
		e, err := ParseEntry(b)
		require.NoError(t, err)
		assert.Equal(t, want, e)
	}
}

func TestALaterOutcomeTakesThePlaceOfAnEarlierOne(t *testing.T) {
	later := night.Add(24 * time.Hour)
	ok, fields := okEntry("old"), Digest{5}
	refused := Entry{Outcome: Rejected, Digest: fields, At: night, Code: "no"}
	failed := Entry{Outcome: Failed, Digest: fields, At: night}
	with := func(e Entry) Entry {
		e.Earlier = Session{ID: "old", At: night, Digest: ok.Digest}
		return e
	}
	refusedLater, failedLater := Entry{Outcome: Rejected, Digest: Digest{6}, At: later, Code: "no"}, Entry{Outcome: Failed, Digest: Digest{7}, At: later}
	refusedOld := Entry{Outcome: Rejected, Digest: ok.Digest, At: later}
	cases := map[string]struct {
		before *Entry
		now    Entry
		want   Entry
	}{
		"nothing was known":                       {nil, refused, refused},
		"changed, and good again":                 {&ok, Entry{Outcome: OK, Digest: fields, At: later, SessionID: "new"}, Entry{Outcome: OK, Digest: fields, At: later, SessionID: "new"}},
		"changed, and refused: an earlier id":     {&ok, refused, with(refused)},
		"refused twice: an earlier id":            {new(with(refused)), refusedLater, with(refusedLater)},
		"refused, then failed: an earlier id":     {new(with(refused)), failedLater, with(failedLater)},
		"refused, and good again: one id":         {new(with(refused)), Entry{Outcome: OK, At: later, SessionID: "new"}, Entry{Outcome: OK, At: later, SessionID: "new"}},
		"the fields of the id are refused":        {&ok, refusedOld, refusedOld},
		"later they are":                          {new(with(refused)), refusedOld, refusedOld},
		"changed, and failed: the old id is good": {&ok, failed, ok},
		"refused once more: since the first time": {&refused, Entry{Outcome: Rejected, Digest: fields, At: later, Code: "no"}, refused},
		"changed and refused: since now":          {&Entry{Outcome: Rejected, Digest: Digest{6}, At: night}, Entry{Outcome: Rejected, Digest: fields, At: later}, Entry{Outcome: Rejected, Digest: fields, At: later}},
		"refused, then failed":                    {&refused, failed, failed},
		"another run has asked since":             {&Entry{Outcome: OK, At: later, SessionID: "new"}, refused, Entry{Outcome: OK, At: later, SessionID: "new"}},
		"a clock was wrong":                       {&Entry{Outcome: OK, At: later.Add(48 * time.Hour), SessionID: "new"}, refused, refused},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			today := later.Add(time.Hour)
			got := c.now.after(c.before, today)
			assert.Equal(t, c.want, got)
			assert.Equal(t, c.want, c.now.after(&got, today), "said twice, it is the same")
		})
	}
}

func TestOfOneCustomerTheLastChangeCounts(t *testing.T) {
	l := fresh(t)
	changes := []Change{{keyOf(l, 1), okEntry("first")}, {keyOf(l, 2), okEntry("other")}, {keyOf(l, 1), okEntry("second")}}
	put(t, l, changes...)
	e, _, err := l.Find(keyOf(l, 1))
	require.NoError(t, err)
	assert.Equal(t, "second", e.SessionID)
}

func TestAllCustomersAreMatchedHoweverOftenTheFileIsOpenedAgain(t *testing.T) {
	l := fresh(t)
	const n = 3000
	var changes []Change
	var keys []Key
	want := map[Key]string{}
	for i := range n {
		key := keyOf(l, i)
		keys = append(keys, key)
		if i%3 != 0 {
			want[key] = fmt.Sprintf("s-%d", i)
			changes = append(changes, Change{key, okEntry(want[key])})
		}
	}
	put(t, l, changes...)
	slices.SortFunc(keys, func(a, b Key) int { return bytes.Compare(a[:], b[:]) })
	for _, keys := range [][]Key{keys, keys[:1], nil, {keys[n-1]}, {{0xff, 0xff, 0xff}}} {
		got := map[Key]string{}
		require.NoError(t, l.Match(keys, func(i int, value []byte) {
			require.NotContains(t, got, keys[i])
			e, err := ParseEntry(value)
			require.NoError(t, err)
			got[keys[i]] = e.SessionID
		}))
		for _, key := range keys {
			assert.Equal(t, want[key], got[key])
		}
	}
}

func TestALedgerIsNotOpenedWithoutItsOwnKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "customers.db")
	require.NoError(t, opened(t, path).Close())
	other := make([]byte, 32)
	_, _ = rand.Read(other)
	for name, content := range map[string]string{"another": hex.EncodeToString(other), "short": "00", "none": "a key", "empty": ""} {
		file := path + "." + name
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		_, err := Open(path, file)
		var wrong *SecretError
		require.ErrorAs(t, err, &wrong, name)
		assert.Contains(t, err.Error(), file)
		assert.NotContains(t, err.Error(), hex.EncodeToString(other))
	}
	_, err := Open(path, path+".nowhere")
	var wrong *SecretError
	require.ErrorAs(t, err, &wrong)
	assert.NoFileExists(t, path+".nowhere", "a key that fits nothing is not made")
	require.NoError(t, opened(t, path).Close(), "and with its own it is")
}

func TestALedgerThatWasNotMadeToItsEndIsMadeAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "customers.db")
	require.NoError(t, os.WriteFile(path+".tmp", []byte("half a ledger"), 0o600))
	require.NoError(t, os.WriteFile(path+".key.tmp", []byte("half a k"), 0o600))
	l := opened(t, path)
	put(t, l, Change{keyOf(l, 1), okEntry("s")})
	left, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	assert.Equal(t, []string{path, path + ".key"}, left)
}

func TestAFileThatIsNoLedgerIsRefused(t *testing.T) {
	folder := t.TempDir()
	for name, content := range map[string]string{"text": strings.Repeat("a list\n", 5000), "zeros": strings.Repeat("\x00", 20000)} {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		require.NoError(t, os.WriteFile(path+".key", []byte(strings.Repeat("0", 64)), 0o600))
		_, err := Open(path, path+".key")
		var wrong *FormatError
		require.ErrorAs(t, err, &wrong)
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, content, string(b), "it is left as it is")
	}
	_, err := Open(filepath.Join(folder, "nowhere", "customers.db"), filepath.Join(folder, "nowhere", "key"))
	var file *FileError
	require.ErrorAs(t, err, &file)
}

func TestTheFileNamesNobody(t *testing.T) {
	l := fresh(t)
	h := l.Hasher()
	var told []string
	var changes []Change
	for i := range 500 {
		email, first := fmt.Sprintf("canary.%d@example.com", i), fmt.Sprintf("Firstname-%d", i)
		told = append(told, email, first, "form\n"+email, "tenant form "+email)
		key := h.Customer("tenant", []byte("form\n"+email))
		changes = append(changes, Change{key, Entry{Outcome: OK, Digest: h.Fields("Individual", first), At: night, SessionID: fmt.Sprintf("session-%d", i)}})
	}
	put(t, l, changes...)
	require.NoError(t, l.Close())
	file, err := os.ReadFile(l.Path())
	require.NoError(t, err)
	require.Contains(t, string(file), "session-7", "what is searched is not empty")
	for _, secret := range told {
		sum := sha256.Sum256([]byte(secret))
		assert.NotContains(t, string(file), secret)
		assert.NotContains(t, string(file), string(sum[:8]))
		assert.NotContains(t, string(file), hex.EncodeToString(sum[:8]))
	}
}

func TestWhatIsErasedIsNoLongerInTheFile(t *testing.T) {
	l := fresh(t)
	var changes []Change
	for i := range 2000 {
		changes = append(changes, Change{keyOf(l, i), okEntry(fmt.Sprintf("session-%d.", i))})
	}
	changes[7].Entry.At = night.Add(time.Hour)
	put(t, l, changes...)
	gone := keyOf(l, 42)
	erased, err := l.Erase(func(key Key, e *Entry) bool { return key == gone || e.At.After(night) })
	require.NoError(t, err)
	assert.EqualValues(t, 2, erased)
	kept := 0
	require.NoError(t, l.All(func(Key, *Entry) error { kept++; return nil }))
	assert.Equal(t, 1998, kept)
	put(t, l, Change{keyOf(l, 42), okEntry("again")})
	require.NoError(t, l.Close())
	b, err := os.ReadFile(l.Path())
	require.NoError(t, err)
	assert.NotContains(t, string(b), "session-42.")
	assert.NotContains(t, string(b), "session-7.")
	assert.Contains(t, string(b), "session-43.")
	l = opened(t, l.Path())
	_, known, err := l.Find(keyOf(l, 42))
	require.NoError(t, err)
	assert.True(t, known, "whoever was erased may come again")
}

// inEveryOrder gives the orders of some outcomes.
func inEveryOrder(of []Entry) (orders [][]Entry) {
	if len(of) == 0 {
		return [][]Entry{nil}
	}
	for i := range of {
		for _, rest := range inEveryOrder(slices.Delete(slices.Clone(of), i, i+1)) {
			orders = append(orders, append(rest, of[i]))
		}
	}
	return orders
}

func TestWhatIsKnownDoesNotDependOnTheOrderInWhichItComes(t *testing.T) {
	at := func(hour int) time.Time { return night.Add(time.Duration(hour) * time.Hour) }
	ok := func(fields byte, hour int) Entry {
		return Entry{Outcome: OK, Digest: Digest{fields}, At: at(hour), SessionID: fmt.Sprintf("s-%d", hour)}
	}
	refused := func(fields byte, hour int) Entry {
		return Entry{Outcome: Rejected, Digest: Digest{fields}, At: at(hour), Code: "no"}
	}
	failed := func(fields byte, hour int) Entry { return Entry{Outcome: Failed, Digest: Digest{fields}, At: at(hour)} }
	with := func(e Entry, had Entry) Entry {
		e.Earlier = Session{ID: had.SessionID, At: had.At, Digest: had.Digest}
		return e
	}
	l, n := fresh(t), 0
	for name, c := range map[string]struct {
		of   []Entry
		want Entry
	}{
		"refused since":                    {[]Entry{ok(1, 1), refused(2, 2)}, with(refused(2, 2), ok(1, 1))},
		"two session ids, refused since":   {[]Entry{ok(1, 1), ok(3, 2), refused(2, 3)}, with(refused(2, 3), ok(3, 2))},
		"the fields of the id are refused": {[]Entry{ok(1, 1), refused(1, 2)}, refused(1, 2)},
		"refused twice":                    {[]Entry{ok(1, 1), refused(2, 2), refused(3, 3)}, with(refused(3, 3), ok(1, 1))},
		"good after a refusal":             {[]Entry{refused(2, 1), ok(1, 2)}, ok(1, 2)},
		"good between refusals":            {[]Entry{refused(2, 1), ok(1, 2), refused(3, 3)}, with(refused(3, 3), ok(1, 2))},
		"failed since":                     {[]Entry{ok(1, 1), failed(2, 2)}, ok(1, 1)},
		"failed between":                   {[]Entry{ok(1, 1), failed(1, 2), refused(2, 3)}, with(refused(2, 3), ok(1, 1))},
	} {
		for _, order := range inEveryOrder(c.of) {
			puts, key := order[0], keyOf(l, n)
			n++
			for i := range order {
				if i > 0 {
					puts = order[i].after(&puts, at(24))
				}
				require.NoError(t, l.Import(&News{Changes: []Change{{key, order[i]}}}))
			}
			assert.Equal(t, c.want, puts, "%s: %v", name, order)
			imported, _, err := l.Find(key)
			require.NoError(t, err)
			assert.Equal(t, c.want, imported, "%s: %v", name, order)
		}
	}
}

func TestAJournalThatIsTakenUpAgainChangesNothing(t *testing.T) {
	at := func(hour int) time.Time { return night.Add(time.Duration(hour) * time.Hour) }
	journal := []Entry{
		{Outcome: OK, Digest: Digest{1}, At: at(1), SessionID: "s-1"}, {Outcome: OK, Digest: Digest{2}, At: at(2), SessionID: "s-2"},
		{Outcome: Rejected, Digest: Digest{2}, At: at(3)}, {Outcome: Rejected, Digest: Digest{3}, At: at(4)},
	}
	var states []*Entry
	var last *Entry
	for range 2 {
		for _, e := range journal {
			last = new(e.after(last, at(24)))
		}
		states = append(states, last)
	}
	assert.Equal(t, journal[3], *states[0])
	assert.Equal(t, states[0], states[1])
}

func TestAPartOfACustomerCanBeErased(t *testing.T) {
	l := fresh(t)
	refused := Entry{Outcome: Rejected, Digest: Digest{2}, Run: 1, At: night, Code: "no", Message: "No"}
	had := refused
	had.Earlier = Session{ID: "session-before", At: night, Digest: Digest{1}}
	put(t, l, Change{keyOf(l, 1), had}, Change{keyOf(l, 2), okEntry("s-2")})
	erased, err := l.Erase(func(_ Key, e *Entry) bool { e.Earlier = Session{}; return false })
	require.NoError(t, err)
	assert.Zero(t, erased)
	e, _, err := l.Find(keyOf(l, 1))
	require.NoError(t, err)
	assert.Equal(t, refused, e)
	require.NoError(t, l.Close())
	b, err := os.ReadFile(l.Path())
	require.NoError(t, err)
	assert.NotContains(t, string(b), "session-before")
	assert.Contains(t, string(b), "s-2")
}

func TestWhatIsImportedDoesNotTakeThePlaceOfWhatIsNewer(t *testing.T) {
	l := fresh(t)
	put(t, l, Change{keyOf(l, 1), okEntry("now")}, Change{keyOf(l, 2), okEntry("now")})
	older, newer := okEntry("older"), okEntry("newer")
	older.At, newer.At = night.Add(-time.Hour), night.Add(time.Hour)
	for range 2 {
		require.NoError(t, l.Import(&News{Changes: []Change{{keyOf(l, 1), older}, {keyOf(l, 2), newer}, {keyOf(l, 3), older}}}))
	}
	for n, want := range []string{"now", "newer", "older"} {
		e, _, err := l.Find(keyOf(l, n+1))
		require.NoError(t, err)
		assert.Equal(t, want, e.SessionID)
	}
}

func FuzzAnEntryIsReadOrRefused(f *testing.F) {
	f.Add(new(okEntry("1b08348e-f8e2-574c-8ed0-6e3fa4721534")).Append(nil))
	f.Add(new(okEntry("s")).Append(nil))
	f.Add((&Entry{Outcome: Rejected, At: night, Code: "c", Message: "m"}).Append(nil))
	f.Add((&Entry{Outcome: Failed, At: night}).Append(nil))
	f.Add((&Entry{Outcome: Rejected, At: night, Code: "c", Earlier: Session{ID: "s", At: night, Digest: Digest{1}}}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := ParseEntry(b)
		if err != nil {
			return
		}
		again, err := ParseEntry(e.Append(nil))
		require.NoError(t, err)
		require.Equal(t, e, again)
	})
}
