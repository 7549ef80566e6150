// Package s3 is a store.Store in a bucket of S3, or of a server that speaks
// its protocol. It needs conditional writes (If-None-Match) for whole objects
// and for the completion of uploads in parts; store.Check finds out.
package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/encrypt"

	"bulkonboard/batch/store"
)

// Options adjust a store. The zero value is right.
type Options struct {
	// patience is how long a request is tried again while the server is away,
	// fails, or asks for fewer; 2 minutes unless set. An operation that takes
	// several requests has it for each.
	patience time.Duration
	// Waiting, if set, is given each failure that will be tried again. It is
	// called by the users of the store, from many goroutines.
	Waiting func(err error, next time.Duration)
	// transport carries the requests; one for many parallel ones unless set.
	transport http.RoundTripper
}

const defaultPatience = 2 * time.Minute

// bucket implements store.Store.
type bucket struct {
	address address
	options Options
	core    *minio.Core
	found   *credentials.Credentials
	sealing encrypt.ServerSide // how the server encrypts what is put; nil for the bucket's default
	// partSize is the size of the parts of an upload, one of which is in
	// memory, unless the object would have too many of them.
	partSize int64
}

const defaultPartSize = 16 << 20

// Open opens the store at an address: s3://bucket/prefix?endpoint=https://host:port&region=name, or the path
// of a shared folder, as store.Open does. It asks nothing of the server yet.
func Open(ctx context.Context, address string, o Options) (store.Store, error) {
	if !strings.HasPrefix(address, bucketScheme) {
		return store.Open(address)
	}
	a, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	found, err := findCredentials(ctx)
	if err != nil {
		return nil, err
	}
	if o.patience == 0 {
		o.patience = defaultPatience
	}
	if o.transport == nil {
		if o.transport, err = transport(a.secure); err != nil {
			return nil, err
		}
	}
	// Tries are made here, where it is known which may be made again.
	core, err := minio.NewCore(a.endpoint, &minio.Options{
		Creds: found, Secure: a.secure, Region: a.region, BucketLookup: a.lookup(), Transport: o.transport, MaxRetries: 1,
	})
	if err != nil {
		return nil, fmt.Errorf("use the server %s: %w", a.endpoint, err)
	}
	b := &bucket{address: a, options: o, core: core, found: found, partSize: defaultPartSize}
	if a.kmsKey != "" {
		b.sealing, err = encrypt.NewSSEKMS(a.kmsKey, nil)
	}
	return b, err
}

// lookup is where a request names the bucket. Unless it was said, Amazon has it
// in the host's name, and every other server in the path.
func (a address) lookup() minio.BucketLookupType {
	if a.byPath {
		return minio.BucketLookupPath
	}
	return minio.BucketLookupAuto
}

// transport notices within seconds that a server is frozen or cut off.
func transport(secure bool) (http.RoundTripper, error) {
	t, err := minio.DefaultTransport(secure)
	if err != nil {
		return nil, fmt.Errorf("prepare the connection to the bucket: %w", err)
	}
	t.DialContext = (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext
	t.ResponseHeaderTimeout = 20 * time.Second
	return t, nil
}

// Get implements store.Store. A connection that breaks while it is read is
// opened again where it broke.
func (b *bucket) Get(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	if err := store.CheckName(name); err != nil {
		return nil, err
	}
	if offset < 0 {
		return nil, fmt.Errorf("read %s from %d: an offset cannot be negative", name, offset)
	}
	end := int64(math.MaxInt64)
	if length >= 0 && length < end-offset {
		end = offset + length
	}
	r := &reader{ctx: ctx, bucket: b, name: name, next: offset, end: end}
	if err := b.try(ctx, "read", name, r.open); err != nil {
		return nil, err
	}
	return r, nil
}

// pageSize is how many names a request for them asks for, the most of S3.
const pageSize = 1000

// List implements store.Store.
func (b *bucket) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		if err := store.CheckPrefix(prefix); err != nil {
			yield(store.Object{}, err)
			return
		}
		for after, more := "", true; more; {
			var page []store.Object
			err := b.try(ctx, "list", prefix, func(ctx context.Context) (err error) {
				page, after, more, err = b.page(ctx, prefix, after)
				return err
			})
			if err != nil {
				yield(store.Object{}, err)
				return
			}
			for _, o := range page {
				if !yield(o, nil) {
					return
				}
			}
		}
	}
}

// page lists the objects that come after a key. It returns the key to continue
// from, if there are more.
func (b *bucket) page(ctx context.Context, prefix, after string) (page []store.Object, last string, more bool, err error) {
	last = after
	seen := 0
	for o := range b.core.ListObjectsIter(ctx, b.address.bucket, minio.ListObjectsOptions{
		Prefix: b.address.key(prefix), Recursive: true, StartAfter: after, MaxKeys: pageSize,
	}) {
		if o.Err != nil {
			return nil, after, true, o.Err
		}
		if o.Key <= last {
			return nil, after, true, &misuse{"the server does not list names in the order of their bytes, as S3 does: use another"}
		}
		last = o.Key
		if name, ok := b.name(o.Key); ok {
			page = append(page, store.Object{Name: name, Size: o.Size})
		}
		if seen++; seen == pageSize {
			return page, last, true, nil
		}
	}
	// A listing whose context has ended ends without an error.
	return page, last, false, ctx.Err()
}

// name is the object that a key stands for. A key that no object can have is
// not of the store, as the folders that a console makes.
func (b *bucket) name(key string) (string, bool) {
	name := strings.TrimPrefix(key, b.address.key(""))
	return name, store.CheckName(name) == nil
}

// Delete implements store.Store.
func (b *bucket) Delete(ctx context.Context, name string) error {
	if err := store.CheckName(name); err != nil {
		return err
	}
	err := b.try(ctx, "delete", name, func(ctx context.Context) error {
		return b.core.RemoveObject(ctx, b.address.bucket, b.address.key(name), minio.RemoveObjectOptions{})
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
