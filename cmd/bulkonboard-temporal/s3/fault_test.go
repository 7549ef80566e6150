package s3

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/store"
)

// setCredentials comes before a bubble: the environment is of the process.
func setCredentials(t *testing.T) {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "someone")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
}

// inTwoParts is more than one part of an upload.
var inTwoParts = bytes.Repeat([]byte("0123456789abcdef"), testPartSize/16+1)

// work does what there is to do with a store, and checks what comes of it.
func work(t *testing.T, s store.Store) {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, s.Put(ctx, "a/small", []byte("0123456789")))
	require.ErrorIs(t, s.Put(ctx, "a/small", []byte("0123456789")), store.ErrExists)
	require.NoError(t, s.PutFrom(ctx, "a/large", bytes.NewReader(inTwoParts), int64(len(inTwoParts))))
	require.ErrorIs(t, s.PutFrom(ctx, "a/large", strings.NewReader("other"), 5), store.ErrExists)
	content, err := store.ReadAll(ctx, s, "a/large", int64(len(inTwoParts)))
	require.NoError(t, err)
	require.True(t, bytes.Equal(inTwoParts, content), "what was read is not what was written")
	content, err = store.ReadAll(ctx, s, "a/small", 10)
	require.NoError(t, err)
	require.Equal(t, "0123456789", string(content))
	var found []store.Object
	for o, err := range s.List(ctx, "a/") {
		require.NoError(t, err)
		found = append(found, o)
	}
	require.Equal(t, []store.Object{{Name: "a/large", Size: int64(len(inTwoParts))}, {Name: "a/small", Size: 10}}, found)
	require.NoError(t, s.Delete(ctx, "a/small"))
	_, err = s.Get(ctx, "a/small", 0, -1)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// Whatever request fails, and however, the work is done and nothing is refused
// that this writer wrote itself.
func TestAFailureOfOneRequestIsTriedAgainUnseen(t *testing.T) {
	setCredentials(t)
	for what, name := range map[fate]string{unreached: "unreached", unavailable: "unavailable", answerLost: "answer lost", answerTorn: "answer torn"} {
		t.Run(name, func(t *testing.T) {
			for n, requests := 1, 1; n <= requests; n++ {
				synctest.Test(t, func(t *testing.T) {
					s := newService(t)
					s.fail = func(number int, _ *http.Request) fate {
						if number == n {
							return what
						}
						return served
					}
					work(t, open(t, s, Options{}))
					requests = s.requests
				})
			}
		})
	}
}

func TestAServerThatIsAwayForHalfAMinuteFailsNothing(t *testing.T) {
	setCredentials(t)
	for _, what := range []fate{unreached, unavailable, answerLost} {
		synctest.Test(t, func(t *testing.T) {
			s, waits := newService(t), 0
			began, away := time.Now(), 0
			s.fail = func(int, *http.Request) fate {
				if time.Since(began) < 30*time.Second {
					away++
					return what
				}
				return served
			}
			opened := open(t, s, Options{Waiting: func(err error, _ time.Duration) {
				assert.Error(t, err)
				waits++
			}})
			work(t, opened)
			assert.GreaterOrEqual(t, time.Since(began), 30*time.Second)
			assert.Less(t, time.Since(began), time.Minute)
			assert.Positive(t, waits)
			assert.LessOrEqual(t, away, 40, "a server that comes back is not run over")
		})
	}
}

func TestAServerThatStaysAwayFailsOnceThePatienceEnds(t *testing.T) {
	setCredentials(t)
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.fail = func(int, *http.Request) fate { return unreached }
		opened, began := open(t, s, Options{patience: 10 * time.Second}), time.Now()
		err := opened.Put(t.Context(), "a", []byte("x"))
		require.ErrorContains(t, err, "tried for 10s")
		require.ErrorContains(t, err, "see that the server is up")
		require.ErrorIs(t, err, errBroken)
		assert.NotErrorIs(t, err, store.ErrExists)
		assert.InDelta(t, 10, time.Since(began).Seconds(), 5)
	})
}

// The first try of one writer does not arrive; before its second, another
// writes the very same.
func TestAnotherWritersSameContentIsNotTakenForOnesOwn(t *testing.T) {
	setCredentials(t)
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		one, other := open(t, s, Options{}), open(t, s, Options{})
		s.fail = first(1, http.MethodPut, "", unreached)
		refused := make(chan error)
		go func() { refused <- one.Put(t.Context(), "a", []byte("same")) }()
		synctest.Wait()
		require.NoError(t, other.Put(t.Context(), "a", []byte("same")))
		require.ErrorIs(t, <-refused, store.ErrExists)
	})
}

func TestAnUploadThatFailsLeavesNoParts(t *testing.T) {
	setCredentials(t)
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.fail = first(1000, http.MethodPut, "partNumber=2", unavailable)
		opened := open(t, s, Options{patience: time.Second})
		require.Error(t, opened.PutFrom(t.Context(), "a", bytes.NewReader(inTwoParts), int64(len(inTwoParts))))
		left, err := opened.(*bucket).core.ListMultipartUploads(t.Context(), "bucket", "", "", "", "", 10)
		require.NoError(t, err)
		assert.Empty(t, left.Uploads)
	})
}

func TestAnObjectThatIsReplacedIsNotReadOn(t *testing.T) {
	setCredentials(t)
	s := newService(t)
	opened := open(t, s, Options{})
	require.NoError(t, opened.Put(t.Context(), "a", []byte("0123456789")))
	s.fail = first(1, http.MethodGet, "", answerTorn)
	r, err := opened.Get(t.Context(), "a", 0, -1)
	require.NoError(t, err)
	half := make([]byte, 5)
	_, err = io.ReadFull(r, half)
	require.NoError(t, err)
	require.NoError(t, opened.Delete(t.Context(), "a"))
	require.NoError(t, opened.Put(t.Context(), "a", []byte("abcdefghij")))
	_, err = io.ReadAll(r)
	require.ErrorContains(t, err, "start over")
	require.NoError(t, r.Close())
}

func TestTheCheckRefusesAServerThatMakesAnObjectTwiceOfParts(t *testing.T) {
	setCredentials(t)
	s := newService(t)
	s.careless = true
	assert.ErrorContains(t, store.Check(t.Context(), open(t, s, Options{})), "for parts too")
}

func TestWhatIsNotPermittedIsNotTriedAgain(t *testing.T) {
	setCredentials(t)
	b := open(t, newService(t), Options{}).(*bucket)
	for code, says := range map[string]string{
		minio.AccessDenied: "the credentials want s3:GetObject",
		minio.NoSuchBucket: "there is no such bucket",
	} {
		tries := 0
		err := b.try(t.Context(), "read", "a", func(ctx context.Context) error {
			tries++
			return minio.ErrorResponse{Code: code, StatusCode: map[string]int{minio.AccessDenied: 403, minio.NoSuchBucket: 404}[code]}
		})
		require.ErrorContains(t, err, says)
		assert.NotErrorIs(t, err, fs.ErrNotExist)
		assert.Equal(t, 1, tries)
	}
}

func TestABucketWithoutCredentialsIsNotOpened(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "MINIO_ROOT_USER", "MINIO_ACCESS_KEY", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/") // no role of a machine
	_, err := Open(t.Context(), "s3://bucket", Options{})
	require.ErrorContains(t, err, "AWS_ACCESS_KEY_ID")
}

func TestCredentialsThatAreReplacedAreUsedOnceTheOldOnesAreRefused(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "MINIO_ROOT_USER", "MINIO_ACCESS_KEY", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	file := filepath.Join(t.TempDir(), "credentials")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file)
	replace := func(key string) {
		text := "[default]\naws_access_key_id = " + key + "\naws_secret_access_key = not-a-secret\n"
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	for _, code := range []string{"InvalidAccessKeyId", "ExpiredToken"} {
		synctest.Test(t, func(t *testing.T) {
			replace("first")
			s, good := newService(t), "first"
			s.refused = func(r *http.Request) string {
				if strings.Contains(r.Header.Get("Authorization"), "Credential="+good+"/") {
					return ""
				}
				return code
			}
			b := open(t, s, Options{})
			require.NoError(t, b.Put(t.Context(), "before", []byte("1")))

			good = "second"
			if code != "ExpiredToken" { // which is waited for
				before := s.requests
				require.ErrorContains(t, b.Put(t.Context(), "between", []byte("1")), "the credentials want")
				assert.Equal(t, before+1, s.requests, "what was not replaced is not tried again")
			}
			replace("second")
			require.NoError(t, b.Put(t.Context(), "after", []byte("1")))
			content, err := store.ReadAll(t.Context(), b, "after", 10)
			require.NoError(t, err)
			assert.Equal(t, "1", string(content))
		})
	}
}
