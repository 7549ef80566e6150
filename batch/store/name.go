package store

import (
	"fmt"
	"strings"
)

// What every store can keep: a file name has at most 255 bytes on most disks,
// a key at most 1,024 in S3, of which the address may want some.
const (
	maxElement = 255
	maxName    = 700
)

// CheckName returns an error unless a name is one that every store can keep:
// elements of A-Z, a-z, 0-9, dot, hyphen, underscore and equals sign, with
// single slashes between them. No element begins with a dot, so none leads out
// of the store, or to what a file system keeps for itself.
func CheckName(name string) error {
	if len(name) > maxName {
		return fmt.Errorf("the object name %.40q… has %d bytes; at most %d are possible", name, len(name), maxName)
	}
	for element := range strings.SplitSeq(name, "/") {
		if element == "" {
			return fmt.Errorf("the object name %q has an empty part: single slashes, between parts only", name)
		}
		if err := checkElement(name, element); err != nil {
			return err
		}
	}
	return nil
}

// CheckPrefix returns an error unless a name can begin with a prefix.
func CheckPrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	if strings.HasSuffix(prefix, "/") {
		return CheckName(prefix[:len(prefix)-1])
	}
	return CheckName(prefix)
}

func checkElement(name, element string) error {
	if element[0] == '.' {
		return fmt.Errorf("a part of the object name %q begins with a dot", name)
	}
	if len(element) > maxElement {
		return fmt.Errorf("a part of the object name %.40q… has %d bytes; at most %d are possible", name, len(element), maxElement)
	}
	for _, c := range []byte(element) {
		if !allowed(c) {
			return fmt.Errorf("the object name %q has the character %q: letters, digits and . _ - = only", name, c)
		}
	}
	return nil
}

func allowed(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("._-=", c) >= 0
}
