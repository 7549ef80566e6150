package s3

import (
	"context"
	"io"
	"math"
	"net/http"

	"github.com/minio/minio-go/v7"
)

// reader reads a part of an object, over as many connections as it takes. It
// is used by one goroutine.
type reader struct {
	ctx    context.Context
	bucket *bucket
	name   string
	next   int64  // the next byte
	end    int64  // the one after the last, or more than there are
	etag   string // of what was read: another object of that name is not read on

	body io.ReadCloser // nil while there is no connection
	stop context.CancelFunc
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	done := false
	err = r.bucket.try(r.ctx, "read", r.name, func(ctx context.Context) error {
		n, done, err = r.once(ctx, p)
		return err
	})
	if err == nil && done {
		err = io.EOF
	}
	return n, err
}

// once reads what comes, and gives up the connection when nothing does before
// ctx ends.
func (r *reader) once(ctx context.Context, p []byte) (n int, done bool, err error) {
	if r.body == nil {
		if err := r.open(ctx); err != nil {
			return 0, false, err
		}
	}
	defer context.AfterFunc(ctx, r.stop)()
	n, err = r.body.Read(p)
	r.next += int64(n)
	switch {
	case err == io.EOF:
		return n, n == 0, nil
	case err != nil:
		_ = r.Close()
	}
	if n > 0 {
		return n, false, nil
	}
	return 0, false, err
}

// open opens a connection for what is left. ctx bounds that, not the reading.
func (r *reader) open(ctx context.Context) error {
	if r.next >= r.end {
		return r.empty(ctx)
	}
	o := minio.GetObjectOptions{}
	if err := r.ask(&o); err != nil {
		return err
	}
	reading, stop := context.WithCancel(r.ctx)
	inTime := context.AfterFunc(ctx, stop)
	body, info, _, err := r.bucket.core.GetObject(reading, r.bucket.address.bucket, r.bucket.address.key(r.name), o)
	if !inTime() && err == nil {
		_ = body.Close()
		err = ctx.Err()
	}
	if err == nil && r.etag != "" && r.etag != info.ETag {
		_ = body.Close()
		err = &misuse{"another object has the name since reading began: start over"}
	}
	if err == nil {
		r.body, r.stop, r.etag = body, stop, info.ETag
		return nil
	}
	stop()
	if minio.ToErrorResponse(err).StatusCode == http.StatusRequestedRangeNotSatisfiable {
		r.end = r.next
		return r.empty(ctx)
	}
	return err
}

// ask asks for what is left.
func (r *reader) ask(o *minio.GetObjectOptions) error {
	switch {
	case r.end < math.MaxInt64:
		return o.SetRange(r.next, r.end-1)
	case r.next > 0:
		return o.SetRange(r.next, 0) // to the end
	}
	return nil
}

// empty makes sure that an object of which nothing is left to read is there.
func (r *reader) empty(ctx context.Context) error {
	if _, err := r.bucket.core.StatObject(ctx, r.bucket.address.bucket, r.bucket.address.key(r.name), minio.StatObjectOptions{}); err != nil {
		return err
	}
	r.body, r.stop = io.NopCloser(http.NoBody), func() {}
	return nil
}

// Close implements io.Closer.
func (r *reader) Close() error {
	if r.body == nil {
		return nil
	}
	r.stop()
	err := r.body.Close()
	r.body = nil
	return err
}
