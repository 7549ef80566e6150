package s3

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7/pkg/s3utils"

	"bulkonboard/batch/store"
)

// bucketScheme is what the address of a bucket begins with.
const bucketScheme = "s3://"

// maxPrefix leaves room in a key, of 1,024 bytes, for the longest name.
const maxPrefix = 300

// address says where a store is. It has no credentials.
type address struct {
	bucket   string
	prefix   string // of every key, without a slash at either end; "" for none
	endpoint string // host, with a port where it wants one
	secure   bool   // by TLS
	region   string // "" when the server is asked
	insecure bool   // that it is not by TLS to another machine was asked for
	byPath   bool   // the bucket is in the path of a request, never in the name of its host
	kmsKey   string // that the server encrypts objects with; "" for the bucket's default
}

// optionNames are what may follow the question mark.
var optionNames = []string{"endpoint", "region", "insecure", "path-style", "kms-key"}

// parseAddress reads s3://bucket/prefix?endpoint=https://host:port&region=name.
// All but the bucket may be missing; without an endpoint it is at Amazon.
// Errors never show an address that may have a secret in it.
func parseAddress(text string) (address, error) {
	rest, ok := strings.CutPrefix(text, bucketScheme)
	if !ok {
		return address{}, errors.New("the address of a bucket begins with " + bucketScheme)
	}
	path, query, _ := strings.Cut(rest, "?")
	bucket, prefix, _ := strings.Cut(path, "/")
	if strings.ContainsAny(bucket, "@:") {
		return address{}, errors.New("the address of a bucket takes no user and no port: the bucket comes first, the server as ?endpoint=https://host:port, credentials from " + sources)
	}
	if err := s3utils.CheckValidBucketNameStrict(bucket); err != nil {
		return address{}, fmt.Errorf("%q cannot be the name of a bucket: %w", bucket, err)
	}
	a := address{bucket: bucket, prefix: strings.TrimSuffix(prefix, "/"), endpoint: "s3.amazonaws.com", secure: true}
	if a.prefix != "" {
		if err := store.CheckName(a.prefix); err != nil {
			return address{}, fmt.Errorf("what follows the bucket in its address: %w", err)
		}
	}
	if len(a.prefix) > maxPrefix {
		return address{}, fmt.Errorf("what follows the bucket in its address has %d bytes; at most %d are possible", len(a.prefix), maxPrefix)
	}
	if err := a.options(query); err != nil {
		return address{}, err
	}
	return a, nil
}

// options reads what follows the question mark.
func (a *address) options(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("what follows the question mark in the address of the bucket cannot be read: write ?endpoint=https://host:port&region=name")
	}
	for key, given := range values {
		if !slices.Contains(optionNames, key) {
			return fmt.Errorf("the address of a bucket takes %s, not %q; credentials come from %s", strings.Join(optionNames, ", "), key, sources)
		}
		if len(given) > 1 {
			return fmt.Errorf("the address of the bucket gives %s %d times", key, len(given))
		}
	}
	a.region = values.Get("region")
	if strings.Trim(a.region, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return errors.New("the region in the address of the bucket is not a name such as eu-central-1")
	}
	if a.kmsKey = values.Get("kms-key"); strings.Trim(a.kmsKey, kmsLetters) != "" || values.Has("kms-key") && a.kmsKey == "" {
		return errors.New("the kms-key in the address of the bucket is not the id, the ARN or the alias of a key")
	}
	if a.insecure, err = flag(values, "insecure"); err != nil {
		return err
	}
	if a.byPath, err = flag(values, "path-style"); err != nil {
		return err
	}
	if values.Has("endpoint") {
		return a.at(values.Get("endpoint"))
	}
	return nil
}

// kmsLetters are those of which the names of keys consist.
const kmsLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/:"

// flag reads an option that is true or is left out.
func flag(values url.Values, name string) (bool, error) {
	given := values.Get(name)
	if given != "" && given != "true" {
		return false, fmt.Errorf("%s in the address of the bucket takes true; leave it out otherwise", name)
	}
	return given == "true", nil
}

// isHere reports a host that is this machine.
func isHere(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() && ip.Zone() == "" || strings.EqualFold(host, "localhost")
}

// at takes the server from its URL.
func (a *address) at(endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return errors.New("the endpoint in the address of the bucket is not an address of a server: write ?endpoint=https://host:port")
	}
	if u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("the endpoint in the address of the bucket has more than a host and a port: write ?endpoint=https://host:port")
	}
	a.endpoint, a.secure = u.Host, u.Scheme == "https"
	if !a.secure && !a.insecure && !isHere(u.Hostname()) {
		return errors.New("the endpoint in the address of the bucket is another machine, and by plain http everybody on the way reads the lists: write https, or add &insecure=true if the way there is safe")
	}
	return nil
}

// String gives the address as ParseAddress reads it.
func (a address) String() string {
	scheme := "http"
	if a.secure {
		scheme = "https"
	}
	s := bucketScheme + a.bucket
	if a.prefix != "" {
		s += "/" + a.prefix
	}
	s += "?endpoint=" + url.QueryEscape(scheme+"://"+a.endpoint)
	if a.region != "" {
		s += "&region=" + url.QueryEscape(a.region)
	}
	if a.insecure {
		s += "&insecure=true"
	}
	if a.byPath {
		s += "&path-style=true"
	}
	if a.kmsKey != "" {
		s += "&kms-key=" + url.QueryEscape(a.kmsKey)
	}
	return s
}

// key is an object's name in the bucket.
func (a address) key(name string) string {
	if a.prefix == "" {
		return name
	}
	return a.prefix + "/" + name
}
