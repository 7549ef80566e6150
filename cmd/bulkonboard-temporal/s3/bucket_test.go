package s3

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/store"
	"bulkonboard/batch/store/storetest"
)

func TestABucketIsAStore(t *testing.T) {
	setCredentials(t)
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, newService(t), Options{}) })
}

func TestObjectsAreEncryptedWithTheKeyOfTheAddress(t *testing.T) {
	setCredentials(t)
	s := newService(t)
	asked := map[string]string{}
	s.fail = func(_ int, r *http.Request) fate {
		switch {
		case r.Method == http.MethodPut && r.URL.RawQuery == "":
			asked["put"] = encryption(r)
		case r.Method == http.MethodPost && r.URL.Query().Has("uploads"):
			asked["begin"] = encryption(r)
		case r.URL.Query().Has("uploadId"):
			assert.Equal(t, " ", encryption(r), "only the beginning of an upload takes it")
		}
		return served
	}
	work(t, openAt(t, s, "s3://bucket/jobs?endpoint=http://s3.test&insecure=true&region=us-east-1&kms-key=alias/lists", Options{}))
	assert.Equal(t, map[string]string{"put": "aws:kms alias/lists", "begin": "aws:kms alias/lists"}, asked)
}

// encryption is how a request asks the server to encrypt.
func encryption(r *http.Request) string {
	return r.Header.Get("X-Amz-Server-Side-Encryption") + " " + r.Header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id")
}

func TestTheBucketIsInThePathWhereTheAddressSaysSo(t *testing.T) {
	setCredentials(t)
	for address, want := range map[string]string{
		"s3://bucket/jobs?region=us-east-1":                 "https://bucket.s3.dualstack.us-east-1.amazonaws.com/jobs/a",
		"s3://bucket/jobs?region=us-east-1&path-style=true": "https://s3.dualstack.us-east-1.amazonaws.com/bucket/jobs/a",
	} {
		s := newService(t)
		asked := ""
		s.fail = func(_ int, r *http.Request) fate {
			asked = r.URL.String()
			r.URL.Path = "/bucket/jobs/a" // the server of these tests knows no other
			return served
		}
		require.NoError(t, openAt(t, s, address, Options{}).Put(t.Context(), "a", []byte("text")))
		assert.Equal(t, want, asked)
	}
}
