package chunks

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"strings"

	"bulkonboard/batch/store"
	"bulkonboard/source"
)

// sealedText is an object of JSON as it is in the store.
type sealedText struct {
	CRC     uint32          `json:"crc32c"` // of the content's bytes
	Content json.RawMessage `json:"content"`
}

// sealText makes the bytes of an object that unsealText reads.
func sealText(v any) ([]byte, error) {
	content, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return json.Marshal(sealedText{CRC: crc32.Checksum(content, castagnoli), Content: content})
}

// unsealText reads an object into v, unless a byte of it has changed.
func unsealText(name string, b []byte, v any) error {
	var s sealedText
	switch err := json.Unmarshal(b, &s); {
	case err != nil:
		return &DamagedError{Name: name, Reason: "it cannot be read: " + err.Error()}
	case crc32.Checksum(s.Content, castagnoli) != s.CRC:
		return &DamagedError{Name: name, Reason: "its checksum is wrong, or another version wrote it"}
	}
	if err := Decode(name, s.Content, v); errors.As(err, new(*NewerError)) {
		return err
	} else if err != nil {
		return &DamagedError{Name: name, Reason: "it cannot be read: " + err.Error()}
	}
	return nil
}

// Decode reads an object of JSON into v. A field that v does not have is a
// *NewerError: what a newer program has asked for cannot be left out.
func Decode(name string, b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		_, err = d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		return fmt.Errorf("%s has more than one object", name)
	}
	if json.Unmarshal(b, v) == nil { // but for fields that are not known
		return &NewerError{Name: name, Reason: strings.TrimPrefix(err.Error(), "json: ")}
	}
	return err
}

const (
	maxText     = 1 << 20 // bytes of an object in a series
	maxNumbered = 10_000  // objects
)

// numbered reads a series: objects of JSON, each of which was put under the number
// after that of the one before it.
func numbered[T any](ctx context.Context, s store.Store, name func(n int) string, first int) (all []T, err error) {
	for n := first; n < first+maxNumbered; n++ {
		b, err := store.ReadAll(ctx, s, name(n), maxText)
		if errors.Is(err, fs.ErrNotExist) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		var v T
		if err := unsealText(name(n), b, &v); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return nil, fmt.Errorf("the job has more objects than it can have: %s", name(first+maxNumbered))
}

// Object is what was put into the store beside the manifest.
type Object struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

func objectOf(b []byte) Object {
	sum := sha256.Sum256(b)
	return Object{Size: int64(len(b)), SHA256: hex.EncodeToString(sum[:])}
}

// object opens one for reading: to its end, and only if it is what was put.
func (m *Manifest) object(ctx context.Context, s store.Store, name string) (*checked, error) {
	put, known := m.Objects[name]
	if !known {
		return nil, &DamagedError{Name: manifestName, Reason: "it says nothing of " + name}
	}
	r, err := s.Get(ctx, name, 0, put.Size+1)
	if err != nil {
		return nil, missing(name, err)
	}
	return &checked{ReadCloser: r, name: name, put: put, sum: sha256.New()}, nil
}

// readObject reads one whole.
func (m *Manifest) readObject(ctx context.Context, s store.Store, name string) ([]byte, error) {
	r, err := m.object(ctx, s, name)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	_, err = b.ReadFrom(r)
	return b.Bytes(), errors.Join(err, r.Close())
}

// because tells of a list that was damaged where that is why it could not be
// read as it was planned.
func (c *checked) because(err error) error {
	if !errors.As(err, new(*source.ListError)) && !errors.As(err, new(*source.ChangedError)) {
		return err
	}
	if _, damaged := io.Copy(io.Discard, c); damaged != nil {
		return damaged
	}
	return err
}

// checked ends with a *DamagedError what is not what was put.
type checked struct {
	io.ReadCloser
	name string
	put  Object
	read int64
	sum  hash.Hash
}

// Read implements io.Reader.
func (c *checked) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b)
	c.read += int64(n)
	_, _ = c.sum.Write(b[:n]) // never fails
	switch {
	case c.read > c.put.Size:
		return 0, &DamagedError{Name: c.name, Reason: fmt.Sprintf("it has more than the %d bytes that were put", c.put.Size)}
	case errors.Is(err, io.EOF) && hex.EncodeToString(c.sum.Sum(nil)) != c.put.SHA256:
		return 0, &DamagedError{Name: c.name, Reason: fmt.Sprintf("its %d bytes are not the %d that were put", c.read, c.put.Size)}
	}
	return n, err
}
