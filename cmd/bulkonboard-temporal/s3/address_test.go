package s3

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/store"
)

func TestAnAddressIsRead(t *testing.T) {
	for address, want := range map[string]address{
		"s3://lists":  {bucket: "lists", endpoint: "s3.amazonaws.com", secure: true},
		"s3://lists/": {bucket: "lists", endpoint: "s3.amazonaws.com", secure: true},
		"s3://lists/onboarding/2026-11?region=eu-central-1":                                     {bucket: "lists", prefix: "onboarding/2026-11", endpoint: "s3.amazonaws.com", secure: true, region: "eu-central-1"},
		"s3://lists/a/?endpoint=http://127.0.0.1:9000":                                          {bucket: "lists", prefix: "a", endpoint: "127.0.0.1:9000"},
		"s3://lists/a/?endpoint=http://minio:9000&insecure=true":                                {bucket: "lists", prefix: "a", endpoint: "minio:9000", insecure: true},
		"s3://lists/a?endpoint=https%3A%2F%2Fminio.example%3A9000%2F&region=local":              {bucket: "lists", prefix: "a", endpoint: "minio.example:9000", secure: true, region: "local"},
		"s3://lists?path-style=true&kms-key=arn:aws:kms:eu-central-1:111122223333:key/1234abcd": {bucket: "lists", endpoint: "s3.amazonaws.com", secure: true, byPath: true, kmsKey: "arn:aws:kms:eu-central-1:111122223333:key/1234abcd"},
	} {
		got, err := parseAddress(address)
		require.NoError(t, err, address)
		assert.Equal(t, want, got, address)
	}
}

func TestAnAddressThatCannotBeIsRefusedWithoutShowingASecret(t *testing.T) {
	for address, says := range map[string]string{
		"lists":               "begins with s3://",
		"s3://":               "cannot be the name of a bucket",
		"s3://Lists":          "cannot be the name of a bucket",
		"s3://lists/../other": "begins with a dot",
		"s3://lists//a":       "empty part",
		"s3://lists/a b":      "letters, digits",
		"s3://lists/" + strings.Repeat("abcdefghi/", 40) + "a": "at most 300",
		"s3://key:hunter2@lists/a":                             "credentials from AWS_ACCESS_KEY_ID",
		"s3://host:9000/lists":                                 "?endpoint=https://host:port",
		"s3://lists?secret_key=hunter2":                        "credentials come from AWS_ACCESS_KEY_ID",
		"s3://lists?endpoint=http://a:hunter2@b":               "more than a host and a port",
		"s3://lists?endpoint=http://host/hunter2":              "more than a host and a port",
		"s3://lists?endpoint=host:9000":                        "not an address of a server",
		"s3://lists?endpoint=":                                 "not an address of a server",
		"s3://lists?endpoint=http://a&endpoint=http://b":       "2 times",
		"s3://lists?endpoint=http://minio:9000":                "add &insecure=true",
		"s3://lists?endpoint=http://localhost.example.com":     "add &insecure=true",
		"s3://lists?insecure=hunter2":                          "takes true",
		"s3://lists?region=hunter2/../":                        "not a name such as",
		"s3://lists?path-style=hunter2":                        "path-style in the address of the bucket takes true",
		"s3://lists?kms-key=":                                  "is not the id, the ARN or the alias",
		"s3://lists?kms-key=hunter2%0a":                        "is not the id, the ARN or the alias",
		"s3://lists?%zzhunter2":                                "cannot be read",
	} {
		_, err := parseAddress(address)
		require.ErrorContains(t, err, says, address)
		assert.NotContains(t, err.Error(), "hunter2", address)
	}
}

func TestAnAddressThatIsAPathIsAFolder(t *testing.T) {
	s, err := Open(t.Context(), t.TempDir(), Options{})
	require.NoError(t, err)
	assert.IsType(t, &store.Dir{}, s)
}

func FuzzAnAddressMeansOneThing(f *testing.F) {
	for _, address := range []string{"s3://lists", "s3://lists/a/b?endpoint=http://127.0.0.1:9000&region=eu-central-1", "s3://u:p@lists", "s3://lists?endpoint=http://[::1]:9000", "s3://lists/%2e%2e/a", "s3://lists/a?endpoint=https://h#f", "s3://lists?path-style=true&kms-key=alias/lists"} {
		f.Add(address)
	}
	f.Fuzz(func(t *testing.T, address string) {
		a, err := parseAddress(address)
		if err != nil {
			return
		}
		again, err := parseAddress(a.String())
		require.NoError(t, err, a.String())
		assert.Equal(t, a, again)
		assert.NoError(t, store.CheckName(a.key("name")))
		assert.NotContains(t, a.endpoint, "@")
	})
}
