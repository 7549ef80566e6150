package s3

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"

	"bulkonboard/batch/store"
)

// ownerKey is the part of an object's metadata that says which put made it. A
// put whose first try arrived, though its answer was lost, is refused when it
// is tried again: by this it knows its own object from another writer's, even
// one with the same content.
const ownerKey = "Put-Id"

// maxParts is how many parts an upload has at most.
const maxParts = 10_000

// onlyOnce asks the server to refuse a name that is taken.
func onlyOnce(owner string) minio.PutObjectOptions {
	o := minio.PutObjectOptions{UserMetadata: map[string]string{ownerKey: owner}, DisableContentSha256: true}
	o.SetMatchETagExcept("*")
	return o
}

// Put implements store.Store.
func (b *bucket) Put(ctx context.Context, name string, content []byte) error {
	if err := store.CheckName(name); err != nil {
		return err
	}
	owner, sum := rand.Text(), digest(content)
	options := onlyOnce(owner)
	options.ServerSideEncryption = b.sealing
	return b.try(ctx, "write", name, func(ctx context.Context) error {
		_, err := b.core.PutObject(ctx, b.address.bucket, b.address.key(name), bytes.NewReader(content), int64(len(content)), "", sum, options)
		if refused(err) {
			return b.settle(ctx, name, owner)
		}
		return err
	})
}

// digest is what the server checks by that nothing was changed on the way. It
// is signed with the request.
func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// refused reports whether an error says that a name is taken.
func refused(err error) bool {
	return minio.ToErrorResponse(err).StatusCode == http.StatusPreconditionFailed
}

// settle finds out whose the object is that has a name.
func (b *bucket) settle(ctx context.Context, name, owner string) error {
	info, err := b.core.StatObject(ctx, b.address.bucket, b.address.key(name), minio.StatObjectOptions{})
	switch {
	case minio.ToErrorResponse(err).Code == minio.NoSuchKey:
		return errUnsettled
	case err != nil:
		return err
	case info.UserMetadata[ownerKey] == owner:
		return nil
	}
	return store.ErrExists
}

// PutFrom implements store.Store. It uploads in parts, of which the server
// makes the object when all are there. What a process that died leaves of an
// upload goes by a lifecycle rule of the bucket (AbortIncompleteMultipartUpload).
func (b *bucket) PutFrom(ctx context.Context, name string, r io.Reader, size int64) error {
	if size == 0 {
		return b.Put(ctx, name, nil)
	}
	if err := store.CheckName(name); err != nil {
		return err
	}
	u := &upload{bucket: b, name: name, owner: rand.Text()}
	if err := b.try(ctx, "write", name, u.begin); err != nil {
		return err
	}
	err := u.send(ctx, r, size)
	if err == nil {
		err = b.try(ctx, "write", name, u.complete)
	}
	if err != nil {
		u.abort(ctx)
	}
	return err
}

// upload is an object that is sent in parts.
type upload struct {
	bucket *bucket
	name   string
	owner  string
	id     string
	parts  []minio.CompletePart
}

func (u *upload) key() string { return u.bucket.address.key(u.name) }

// begin begins the upload. One that began, but whose answer was lost, is left.
func (u *upload) begin(ctx context.Context) (err error) {
	u.id, err = u.bucket.core.NewMultipartUpload(ctx, u.bucket.address.bucket, u.key(),
		minio.PutObjectOptions{UserMetadata: map[string]string{ownerKey: u.owner}, ServerSideEncryption: u.bucket.sealing})
	return err
}

// send sends size bytes in parts.
func (u *upload) send(ctx context.Context, r io.Reader, size int64) error {
	buffer := make([]byte, min(size, max(u.bucket.partSize, (size+maxParts-1)/maxParts)))
	for size > 0 {
		part := buffer[:min(size, int64(len(buffer)))]
		if _, err := io.ReadFull(r, part); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return u.bucket.failed("write", u.name, fmt.Errorf("read its content: %w", err))
		}
		if err := u.sendPart(ctx, part); err != nil {
			return err
		}
		size -= int64(len(part))
	}
	return nil
}

func (u *upload) sendPart(ctx context.Context, part []byte) error {
	options := minio.PutObjectPartOptions{Sha256Hex: digest(part), DisableContentSha256: true}
	number := len(u.parts) + 1
	return u.bucket.try(ctx, "write", u.name, func(ctx context.Context) error {
		sent, err := u.bucket.core.PutObjectPart(ctx, u.bucket.address.bucket, u.key(), u.id, number, bytes.NewReader(part), int64(len(part)), options)
		if err == nil {
			u.parts = append(u.parts, minio.CompletePart{PartNumber: number, ETag: sent.ETag})
		}
		return err
	})
}

// complete makes the object of the parts. An upload that is no longer known
// was completed by a try whose answer was lost, or is lost.
func (u *upload) complete(ctx context.Context) error {
	_, err := u.bucket.core.CompleteMultipartUpload(ctx, u.bucket.address.bucket, u.key(), u.id, u.parts, onlyOnce(u.owner))
	gone := minio.ToErrorResponse(err).Code == minio.NoSuchUpload
	if !gone && !refused(err) {
		return err
	}
	err = u.bucket.settle(ctx, u.name, u.owner)
	if gone && errors.Is(err, errUnsettled) {
		return &misuse{"the server lost the parts that were sent: start over"}
	}
	return err
}

// abort drops the parts, even when ctx has ended. It is tried once: a lifecycle
// rule does the same later.
func (u *upload) abort(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = u.bucket.core.AbortMultipartUpload(ctx, u.bucket.address.bucket, u.key(), u.id)
}
