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

// Scheme is what the address of a bucket begins with.
const Scheme = "s3://"

// maxPrefix leaves room in a key, of 1,024 bytes, for the longest name.
const maxPrefix = 300

// Address says where a store is. It has no credentials.
type Address struct {
	Bucket   string
	Prefix   string // of every key, without a slash at either end; "" for none
	Endpoint string // host, with a port where it wants one
	Secure   bool   // by TLS
	Region   string // "" when the server is asked
	Insecure bool   // that it is not by TLS to another machine was asked for
}

// ParseAddress reads s3://bucket/prefix?endpoint=https://host:port&region=name.
// All but the bucket may be missing; without an endpoint it is at Amazon.
// Errors never show an address that may have a secret in it.
func ParseAddress(address string) (Address, error) {
	rest, ok := strings.CutPrefix(address, Scheme)
	if !ok {
		return Address{}, errors.New("the address of a bucket begins with " + Scheme)
	}
	path, query, _ := strings.Cut(rest, "?")
	bucket, prefix, _ := strings.Cut(path, "/")
	if strings.ContainsAny(bucket, "@:") {
		return Address{}, errors.New("the address of a bucket takes no user and no port: the bucket comes first, the server as ?endpoint=https://host:port, credentials from " + sources)
	}
	if err := s3utils.CheckValidBucketNameStrict(bucket); err != nil {
		return Address{}, fmt.Errorf("%q cannot be the name of a bucket: %w", bucket, err)
	}
	a := Address{Bucket: bucket, Prefix: strings.TrimSuffix(prefix, "/"), Endpoint: "s3.amazonaws.com", Secure: true}
	if a.Prefix != "" {
		if err := store.CheckName(a.Prefix); err != nil {
			return Address{}, fmt.Errorf("what follows the bucket in its address: %w", err)
		}
	}
	if len(a.Prefix) > maxPrefix {
		return Address{}, fmt.Errorf("what follows the bucket in its address has %d bytes; at most %d are possible", len(a.Prefix), maxPrefix)
	}
	if err := a.options(query); err != nil {
		return Address{}, err
	}
	return a, nil
}

// options reads what follows the question mark.
func (a *Address) options(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("what follows the question mark in the address of the bucket cannot be read: write ?endpoint=https://host:port&region=name")
	}
	for key, given := range values {
		if !slices.Contains([]string{"endpoint", "region", "insecure"}, key) {
			return fmt.Errorf("the address of a bucket takes endpoint, region and insecure, not %q; credentials come from %s", key, sources)
		}
		if len(given) > 1 {
			return fmt.Errorf("the address of the bucket gives %s %d times", key, len(given))
		}
	}
	a.Region = values.Get("region")
	if strings.Trim(a.Region, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return errors.New("the region in the address of the bucket is no name such as eu-central-1")
	}
	if given := values.Get("insecure"); given != "" && given != "true" {
		return errors.New("insecure in the address of the bucket takes true; leave it out otherwise")
	}
	a.Insecure = values.Get("insecure") == "true"
	if values.Has("endpoint") {
		return a.at(values.Get("endpoint"))
	}
	return nil
}

// isHere reports a host that is this machine.
func isHere(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() && ip.Zone() == "" || strings.EqualFold(host, "localhost")
}

// at takes the server from its URL.
func (a *Address) at(endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return errors.New("the endpoint in the address of the bucket is no address of a server: write ?endpoint=https://host:port")
	}
	if u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("the endpoint in the address of the bucket has more than a host and a port: write ?endpoint=https://host:port")
	}
	a.Endpoint, a.Secure = u.Host, u.Scheme == "https"
	if !a.Secure && !a.Insecure && !isHere(u.Hostname()) {
		return errors.New("the endpoint in the address of the bucket is another machine, and by plain http everybody on the way reads the lists: write https, or add &insecure=true if the way there is safe")
	}
	return nil
}

// String gives the address as ParseAddress reads it.
func (a Address) String() string {
	scheme := "http"
	if a.Secure {
		scheme = "https"
	}
	s := Scheme + a.Bucket
	if a.Prefix != "" {
		s += "/" + a.Prefix
	}
	s += "?endpoint=" + url.QueryEscape(scheme+"://"+a.Endpoint)
	if a.Region != "" {
		s += "&region=" + url.QueryEscape(a.Region)
	}
	if a.Insecure {
		s += "&insecure=true"
	}
	return s
}

// key is an object's name in the bucket.
func (a Address) key(name string) string {
	if a.Prefix == "" {
		return name
	}
	return a.Prefix + "/" + name
}
