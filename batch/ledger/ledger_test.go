package ledger

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
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
	bolt "go.etcd.io/bbolt"

	"bulkonboard/batch/disk"
)

var night = time.Date(2026, 1, 31, 2, 0, 0, 0, time.UTC)

func opened(t *testing.T, path string) *Ledger {
	l, err := Open(disk.OS{}, path, path+".key", Owner{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func fresh(t *testing.T) *Ledger { return opened(t, filepath.Join(t.TempDir(), "customers.db")) }

func put(t *testing.T, l *Ledger, changes ...Change) {
	require.NoError(t, l.Put(&News{Run: 1, Began: night, Changes: changes}))
}

func keyOf(l *Ledger, n int) Key {
	return l.Hasher(Owner{}).Customer("tenant", fmt.Appendf(nil, "form\nc%d@example.com", n))
}

func okEntry(session string) Entry {
	return Entry{Session: Session{Sent: Sent{Digest: Digest{1}, At: night}, ID: session}}
}

// find gives what is known of a customer.
func find(t *testing.T, l *Ledger, key Key) (e Entry, known bool) {
	t.Helper()
	require.NoError(t, l.All(func(k Key, of *Entry) error {
		if k == key {
			e, known = *of, true
		}
		return nil
	}))
	return e, known
}

func refusedEntry(fields byte, at time.Time) Entry {
	return Entry{Refusal: Refusal{Sent: Sent{Digest: Digest{fields}, At: at}, Status: Rejected, Code: "no", Message: "Not so"}}
}

func TestARunHasOneNumberThoughItForgetsIt(t *testing.T) {
	l := fresh(t)
	number := l.RunNumber("run-1")
	assert.Zero(t, number)
	for _, c := range []struct {
		id   string
		want uint64
	}{{"run-1", 1}, {"run-2", 2}, {"run-1", 1}, {"run-2", 2}, {"run-3", 3}} {
		news := News{RunID: c.id, Began: night, Changes: []Change{{keyOf(l, 1), okEntry("s-1")}}}
		require.NoError(t, l.Put(&news))
		assert.Equal(t, c.want, news.Run, c.id)
		number := l.RunNumber(c.id)
		assert.Equal(t, c.want, number, c.id)
	}
	runs := l.Runs()
	assert.Len(t, runs, 3)
}

func TestWhatWasPutIsThereWhenTheLedgerIsOpenedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "customers.db")
	l := opened(t, path)
	refused := refusedEntry(2, night)
	news := News{RunID: "run-1", Began: night, Forms: []Form{{Tenant: "tenant", ID: "form"}}, Changes: []Change{{keyOf(l, 1), okEntry("s-1")}, {keyOf(l, 2), refused}}}
	require.NoError(t, l.Put(&news))
	assert.EqualValues(t, 1, news.Run)
	id := l.ID()
	require.NoError(t, l.Close())

	l = opened(t, path)
	assert.Equal(t, id, l.ID())
	for n, want := range []Entry{okEntry("s-1"), refused} {
		want.of(1)
		e, known := find(t, l, keyOf(l, n+1))
		assert.True(t, known)
		assert.Equal(t, want, e)
	}
	_, known := find(t, l, keyOf(l, 3))
	assert.False(t, known)
	runs := l.Runs()
	assert.Equal(t, map[uint64]Run{1: {"run-1", night}}, runs)
	forms := l.Forms()
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
		e := okEntry(id)
		for _, refusal := range []Refusal{{}, refusedEntry(2, night).Refusal, {Sent: Sent{At: night}, Status: Failed}} {
			e.Refusal = refusal
			e.of(1 << 40)
			got, err := ParseEntry(e.Append(nil))
			require.NoError(t, err)
			assert.Equal(t, e, got)
			calls, err := ParseCalls(e.Append(nil))
			require.NoError(t, err)
			assert.Equal(t, []any{e.Session.Sent, e.Refusal.Sent, e.Status()}, []any{calls.Session.Sent, calls.Refusal.Sent, calls.Status()})
		}
	}
	e := okEntry(uuid)
	assert.LessOrEqual(t, len(Key{})+len(e.Append(nil)), 50, "ten million of them are to fit")
}

// TestAnEntryKeepsItsBytes compares both sides of the format with what is in the
// files of those who use it: a change would make them unreadable.
func TestAnEntryKeepsItsBytes(t *testing.T) {
	const uuid = "1b08348e-f8e2-574c-8ed0-6e3fa4721534"
	sent := Sent{Digest: Digest{1, 2, 3, 4, 5, 6, 7, 8}, Run: 300, At: night}
	old := Session{Sent: Sent{Digest: Digest{8, 7, 6, 5, 4, 3, 2, 1}, At: night}, ID: "s-0"}
	refused, failed := Refusal{Sent: sent, Status: Rejected, Code: "no", Message: "Not so"}, Refusal{Sent: sent, Status: Failed}
	for inHex, want := range map[string]Entry{
		"030102030405060708ac0280b4ba9c82671b08348ef8e2574c8ed06e3fa4721534":                           {Session: Session{Sent: sent, ID: uuid}},
		"010102030405060708ac0280b4ba9c826703732d31":                                                   {Session: Session{Sent: sent, ID: "s-1"}},
		"040102030405060708ac0280b4ba9c8267026e6f064e6f7420736f":                                       {Refusal: refused},
		"080102030405060708ac0280b4ba9c8267":                                                           {Refusal: failed},
		"0508070605040302010080b4ba9c826703732d300102030405060708ac0280b4ba9c8267026e6f064e6f7420736f": {Session: old, Refusal: refused},
		"0908070605040302010080b4ba9c826703732d300102030405060708ac0280b4ba9c8267":                     {Session: old, Refusal: failed},
	} {
		assert.Equal(t, inHex, hex.EncodeToString(want.Append(nil)))
		b, err := hex.DecodeString(inHex)
		require.NoError(t, err)
		e, err := ParseEntry(b)
		require.NoError(t, err)
		assert.Equal(t, want, e)
	}
}

func TestAnEntryOfVersion1IsReadAsWhatItSaid(t *testing.T) {
	const uuid = "1b08348e-f8e2-574c-8ed0-6e3fa4721534"
	sent := Sent{Digest: Digest{1, 2, 3, 4, 5, 6, 7, 8}, Run: 300, At: night}
	imported := sent
	imported.Run = 0
	before := Session{Sent: Sent{Digest: Digest{8, 7, 6, 5, 4, 3, 2, 1}, At: night}, ID: "s-0"}
	for inHex, want := range map[string]Entry{
		"050102030405060708ac0280b4ba9c82671b08348ef8e2574c8ed06e3fa4721534":                         {Session: Session{Sent: sent, ID: uuid}},
		"010102030405060708ac0280b4ba9c826703732d31":                                                 {Session: Session{Sent: sent, ID: "s-1"}},
		"020102030405060708ac0280b4ba9c8267026e6f064e6f7420736f":                                     {Refusal: Refusal{Sent: sent, Status: Rejected, Code: "no", Message: "Not so"}},
		"0301020304050607080080b4ba9c8267":                                                           {Refusal: Refusal{Sent: imported, Status: Failed}},
		"0a0102030405060708ac0280b4ba9c8267080706050403020180b4ba9c826703732d30026e6f064e6f7420736f": {Session: before, Refusal: Refusal{Sent: sent, Status: Rejected, Code: "no", Message: "Not so"}},
		"0b01020304050607080080b4ba9c8267080706050403020180b4ba9c826703732d30":                       {Session: before, Refusal: Refusal{Sent: imported, Status: Failed}},
	} {
		b, err := hex.DecodeString(inHex)
		require.NoError(t, err)
		e, err := parseV1(b)
		require.NoError(t, err)
		assert.Equal(t, want, e)
		for n := range b {
			_, err := parseV1(b[:n])
			assert.Error(t, err, "%s up to byte %d", inHex, n)
		}
	}
}

func TestOfEachKindTheNewestCallStaysInWhateverOrderTheyCome(t *testing.T) {
	at := func(hour int) time.Time { return night.Add(time.Duration(hour) * time.Hour) }
	ok := func(fields byte, hour int) Entry {
		return Entry{Session: Session{Sent: Sent{Digest: Digest{fields}, At: at(hour)}, ID: fmt.Sprintf("s-%d", hour)}}
	}
	refused := func(fields byte, hour int) Entry { return refusedEntry(fields, at(hour)) }
	failed := func(fields byte, hour int) Entry {
		return Entry{Refusal: Refusal{Sent: Sent{Digest: Digest{fields}, At: at(hour)}, Status: Failed}}
	}
	both := func(session, refusal Entry) Entry { return Entry{session.Session, refusal.Refusal} }
	l, n := fresh(t), 0
	for name, c := range map[string]struct {
		of     []Entry
		want   Entry
		status Status
	}{
		"one session id":        {[]Entry{ok(1, 1)}, ok(1, 1), OK},
		"two session ids":       {[]Entry{ok(1, 1), ok(2, 2)}, ok(2, 2), OK},
		"refused since":         {[]Entry{ok(1, 1), refused(2, 2)}, both(ok(1, 1), refused(2, 2)), Rejected},
		"refused twice since":   {[]Entry{ok(1, 1), refused(2, 2), refused(3, 3)}, both(ok(1, 1), refused(3, 3)), Rejected},
		"good after a refusal":  {[]Entry{refused(2, 1), ok(1, 2)}, both(ok(1, 2), refused(2, 1)), OK},
		"good between refusals": {[]Entry{refused(2, 1), ok(1, 2), refused(3, 3)}, both(ok(1, 2), refused(3, 3)), Rejected},
		"failed since":          {[]Entry{ok(1, 1), failed(2, 2)}, both(ok(1, 1), failed(2, 2)), OK},
		"refused, then failed":  {[]Entry{refused(1, 1), failed(1, 2)}, failed(1, 2), Failed},
		"failed, then refused":  {[]Entry{failed(1, 1), refused(1, 2)}, refused(1, 2), Rejected},
	} {
		for _, order := range inEveryOrder(c.of) {
			key := keyOf(l, n)
			n++
			for range 2 { // a journal may be taken up again
				for _, e := range order {
					require.NoError(t, l.Put(&News{Changes: []Change{{key, e}}}))
				}
			}
			e, _ := find(t, l, key)
			assert.Equal(t, c.want, e, "%s: %v", name, order)
			assert.Equal(t, c.status, e.Status(), name)
		}
	}
}

func TestATimeThatIsStillToComeGivesWay(t *testing.T) {
	l, key := fresh(t), Key{1}
	ahead, now := okEntry("ahead"), okEntry("now")
	ahead.Session.At = time.Now().Add(48 * time.Hour)
	put(t, l, Change{key, ahead})
	put(t, l, Change{key, now})
	e, _ := find(t, l, key)
	assert.Equal(t, "now", e.Session.ID)
}

func TestOfOneCustomerTheLastChangeCounts(t *testing.T) {
	l := fresh(t)
	second := okEntry("second")
	second.Session.At = night.Add(time.Second)
	put(t, l, Change{keyOf(l, 1), okEntry("first")}, Change{keyOf(l, 2), okEntry("other")}, Change{keyOf(l, 1), second})
	e, _ := find(t, l, keyOf(l, 1))
	assert.Equal(t, "second", e.Session.ID)
}

func TestALedgerIsNotOpenedWithoutItsOwnKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "customers.db")
	require.NoError(t, opened(t, path).Close())
	other := make([]byte, 32)
	_, _ = rand.Read(other)
	for name, content := range map[string]string{"another": hex.EncodeToString(other), "short": "00", "none": "a key", "empty": ""} {
		file := path + "." + name
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		_, err := Open(disk.OS{}, path, file, Owner{})
		var wrong *SecretError
		require.ErrorAs(t, err, &wrong, name)
		assert.Contains(t, err.Error(), file)
		assert.NotContains(t, err.Error(), hex.EncodeToString(other))
	}
	_, err := Open(disk.OS{}, path, path+".nowhere", Owner{})
	var wrong *SecretError
	require.ErrorAs(t, err, &wrong)
	assert.NoFileExists(t, path+".nowhere", "a key that fits nothing is not made")
	require.NoError(t, opened(t, path).Close(), "and with its own it is")
}

func TestALedgerThatWasNotMadeToItsEndIsMadeAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "customers.db")
	require.NoError(t, os.WriteFile(path+".tmp", []byte("half a ledger"), 0o600))
	require.NoError(t, os.WriteFile(path+".key.tmp", []byte("half a k"), 0o600))
	l := opened(t, path)
	put(t, l, Change{keyOf(l, 1), okEntry("s")})
	left, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	assert.Equal(t, []string{path, path + ".key", path + ".key.count"}, left)
}

func TestAFileThatIsNoLedgerIsRefused(t *testing.T) {
	folder := t.TempDir()
	for name, content := range map[string]string{"text": strings.Repeat("a list\n", 5000), "zeros": strings.Repeat("\x00", 20000)} {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		require.NoError(t, os.WriteFile(path+".key", []byte(strings.Repeat("0", 64)), 0o600))
		_, err := Open(disk.OS{}, path, path+".key", Owner{})
		var wrong *FormatError
		require.ErrorAs(t, err, &wrong)
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, content, string(b), "it is left as it is")
	}
	_, err := Open(disk.OS{}, filepath.Join(folder, "nowhere", "customers.db"), filepath.Join(folder, "nowhere", "key"), Owner{})
	var file *FileError
	require.ErrorAs(t, err, &file)
}

func TestTheFileNamesNoCustomer(t *testing.T) {
	l := fresh(t)
	h := l.Hasher(Owner{})
	var told []string
	var changes []Change
	for i := range 500 {
		email, first := fmt.Sprintf("canary.%d@example.com", i), fmt.Sprintf("Firstname-%d", i)
		told = append(told, email, first, "form\n"+email, "tenant form "+email)
		key := h.Customer("tenant", []byte("form\n"+email))
		changes = append(changes, Change{key, Entry{Session: Session{Sent: Sent{Digest: h.Fields("Individual", first), At: night}, ID: fmt.Sprintf("session-%d", i)}}})
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
	changes[7].Entry.Session.At = night.Add(time.Hour)
	put(t, l, changes...)
	gone := keyOf(l, 42)
	erased, err := l.Erase(func(key Key, e *Entry) {
		if key == gone || e.Session.At.After(night) {
			*e = Entry{}
		}
	})
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
	_, known := find(t, l, keyOf(l, 42))
	assert.True(t, known, "an erased customer may come again")
}

// inEveryOrder gives the orders of some entries.
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

func TestAPartOfACustomerCanBeErased(t *testing.T) {
	l := fresh(t)
	refused := refusedEntry(2, night)
	had := Entry{okEntry("session-before").Session, refused.Refusal}
	put(t, l, Change{keyOf(l, 1), had}, Change{keyOf(l, 2), okEntry("s-2")})
	erased, err := l.Erase(func(_ Key, e *Entry) {
		if e.Refusal.Status != 0 {
			e.Session = Session{}
		}
	})
	require.NoError(t, err)
	assert.Zero(t, erased)
	e, _ := find(t, l, keyOf(l, 1))
	refused.of(1)
	assert.Equal(t, refused, e)
	require.NoError(t, l.Close())
	b, err := os.ReadFile(l.Path())
	require.NoError(t, err)
	assert.NotContains(t, string(b), "session-before")
	assert.Contains(t, string(b), "s-2")
}

// versionOne makes a ledger as version 1 did, of a form and these customers.
func versionOne(t *testing.T, path string, values map[Key]string) {
	secret := bytes.Repeat([]byte{7}, secretBytes)
	require.NoError(t, os.WriteFile(path+".key", []byte(hex.EncodeToString(secret)+"\n"), 0o600))
	db, err := bolt.Open(path, 0o600, nil)
	require.NoError(t, err)
	require.NoError(t, db.Update(func(tx *bolt.Tx) error {
		put := func(bucket []byte, key, value []byte) {
			b, err := tx.CreateBucketIfNotExists(bucket)
			require.NoError(t, err)
			if key != nil {
				require.NoError(t, b.Put(key, value))
			}
		}
		put(metaBucket, versionKey, []byte{1})
		put(metaBucket, idKey, []byte{1, 2, 3, 4, 5, 6, 7, 8})
		put(metaBucket, checkKey, bytes.Clone(newHasher(secret).check()))
		put(formsBucket, appendString(appendString(nil, "tenant"), "form"), nil)
		put(runsBucket, []byte{0, 0, 0, 0, 0, 0, 0, 1}, append(binary.AppendVarint(nil, night.UnixMilli()), "run-1"...))
		put(customerBucket, nil, nil)
		for key, inHex := range values {
			value, err := hex.DecodeString(inHex)
			require.NoError(t, err)
			put(customerBucket, key[:], value)
		}
		return nil
	}))
	require.NoError(t, db.Close())
}

func TestALedgerOfVersion1IsTakenOverOnceAndForOneService(t *testing.T) {
	values := map[Key]string{}
	unscoped := func(n int) Key {
		return newHasher(bytes.Repeat([]byte{7}, secretBytes)).Customer("tenant", fmt.Appendf(nil, "c%d", n))
	}
	for n := range 2000 {
		values[unscoped(n)] = "0101020304050607080180b4ba9c826703732d31"
	}
	path := filepath.Join(t.TempDir(), "customers.db")
	versionOne(t, path, values)
	l := opened(t, path)
	assert.EqualValues(t, 2000, l.TakenOver())
	_, known := find(t, l, unscoped(7))
	assert.True(t, known, "it is not on record whose they are")
	require.NoError(t, l.Close())

	prod := Owner{Service: "https://prod.example", Application: "app"}
	for _, want := range []int64{2000, 0} {
		l, err := Open(disk.OS{}, path, path+".key", prod)
		require.NoError(t, err)
		assert.Equal(t, want, l.TakenOver())
		e, known := find(t, l, l.Hasher(prod).Customer("tenant", []byte("c7")))
		assert.True(t, known)
		assert.Equal(t, "s-1", e.Session.ID)
		assert.Equal(t, l.Hasher(prod).Scope(), l.Hasher(Owner{}).Scope(), "the only one")
		_, known = find(t, l, l.Hasher(Owner{Service: "https://test.example", Application: "app"}).Customer("tenant", []byte("c7")))
		assert.False(t, known, "another service has other customers")
		assert.Equal(t, map[uint64]Run{1: {"run-1", night}}, l.Runs())
		assert.EqualValues(t, 2000, l.Len())
		require.NoError(t, l.Close())
	}

	versionOne(t, path+".2", values)
	l, err := Open(disk.OS{}, path+".2", path+".2.key", prod)
	require.NoError(t, err)
	assert.EqualValues(t, 2000, l.TakenOver(), "in one go")
	_, known = find(t, l, l.Hasher(prod).Customer("tenant", []byte("c7")))
	assert.True(t, known)
	require.NoError(t, l.Close())
}

func TestALedgerOfVersion1ThatCannotBeReadIsLeftAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "customers.db")
	versionOne(t, path, map[Key]string{{1}: "010102030405060708ac0280b4ba9c826703732d31", {2}: "0102"})
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	_, err = Open(disk.OS{}, path, path+".key", Owner{})
	var wrong *FormatError
	require.ErrorAs(t, err, &wrong)
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, before, after)
	assert.NoFileExists(t, path+".tmp")
}

func FuzzAnEntryIsReadOrRefused(f *testing.F) {
	f.Add(new(okEntry("1b08348e-f8e2-574c-8ed0-6e3fa4721534")).Append(nil))
	f.Add(new(okEntry("s")).Append(nil))
	f.Add(new(refusedEntry(1, night)).Append(nil))
	f.Add((&Entry{okEntry("s").Session, refusedEntry(1, night).Refusal}).Append(nil))
	f.Add((&Entry{Refusal: Refusal{Sent: Sent{At: night}, Status: Failed}}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, parse := range []func([]byte) (Entry, error){ParseEntry, parseV1} {
			e, err := parse(b)
			if err != nil {
				continue
			}
			again, err := ParseEntry(e.Append(nil))
			require.NoError(t, err)
			require.Equal(t, e, again)
		}
	})
}

func TestAnEntryKeepsWhenItsSessionIDExpires(t *testing.T) {
	for _, id := range []string{"s-1", "1b08348e-f8e2-574c-8ed0-6e3fa4721534"} {
		e := Entry{Session: Session{Sent: Sent{Digest: Digest{1}, At: night}, ID: id, Expires: night.Add(time.Hour).Truncate(time.Second)}}
		got, err := ParseEntry(e.Append(nil))
		require.NoError(t, err)
		assert.Equal(t, e, got)
	}
}
