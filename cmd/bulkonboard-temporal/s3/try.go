package s3

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/minio/minio-go/v7"

	"bulkonboard/batch/store"
)

// attemptTimeout bounds one try: a part of an upload takes a second on a good
// line.
const attemptTimeout = time.Minute

// errUnsettled is a refusal whose reason has gone, so that it is tried again.
var errUnsettled = errors.New("the server refused a name that does not exist")

// misuse is what trying again does not help.
type misuse struct{ says string }

// Error implements error.
func (m *misuse) Error() string { return m.says }

// try does something with the server until it succeeds, fails for good, ctx
// ends, or patience does. What it does must bear being done twice.
func (b *bucket) try(ctx context.Context, op, name string, do func(context.Context) error) error {
	policy := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(200*time.Millisecond), backoff.WithMaxInterval(5*time.Second), backoff.WithMaxElapsedTime(b.options.patience))
	var last error
	err := backoff.RetryNotify(func() error {
		attempt, cancel := context.WithTimeout(ctx, attemptTimeout)
		defer cancel()
		used := b.keys()
		last = do(attempt)
		if refusesKeys(last) && b.renew(used) {
			return last
		}
		if last != nil && (ctx.Err() != nil || !passing(last)) {
			return backoff.Permanent(last)
		}
		return last
	}, backoff.WithContext(policy, ctx), b.options.Waiting)
	if err == nil {
		return nil
	}
	if ended := ctx.Err(); ended != nil {
		return fmt.Errorf("%s %s in the bucket %s: %w", op, name, b.address.bucket, ended)
	}
	return b.explain(op, name, last)
}

// passing reports whether a failure may be over at the next try. What the
// server did not say is a broken connection, or none: it may come back.
func passing(err error) bool {
	var said minio.ErrorResponse
	if errors.As(err, &said) {
		return passingCode(said)
	}
	var wrong *misuse
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	return !errors.Is(err, store.ErrExists) && !errors.Is(err, http.ErrSchemeMismatch) &&
		!errors.As(err, &wrong) && !errors.As(err, &certificate) && !errors.As(err, &record)
}

func passingCode(said minio.ErrorResponse) bool {
	passing := []string{
		"RequestTimeout", "InternalError", "SlowDown", "SlowDownRead", "SlowDownWrite", "ServiceUnavailable",
		"Throttling", "ThrottlingException", "RequestLimitExceeded", "RequestThrottled", // too many
		"ConditionalRequestConflict", "OperationAborted", // another writer is active
		"ExpiredToken", "ExpiredTokenException", // credentials are fetched again
	}
	statuses := []int{http.StatusRequestTimeout, http.StatusTooManyRequests, 499, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	return slices.Contains(passing, said.Code) || slices.Contains(statuses, said.StatusCode)
}

// explain says what failed, and the next step.
func (b *bucket) explain(op, name string, err error) error {
	said := minio.ToErrorResponse(err)
	switch {
	case said.Code == minio.NoSuchBucket:
		err = errors.New("there is no such bucket; make it, or fix the address")
	case said.Code == minio.NoSuchKey:
		err = fs.ErrNotExist
	case said.StatusCode == http.StatusForbidden:
		err = fmt.Errorf("%w; the credentials want s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload and s3:ListBucket", err)
	case passing(err):
		err = fmt.Errorf("tried for %s: %w; see that the server is up and can be reached", b.options.patience, err)
	}
	return b.failed(op, name, err)
}

// failed says what could not be done with which object, and where.
func (b *bucket) failed(op, name string, err error) error {
	return &store.Error{Op: op, Name: name, Store: "the bucket " + b.address.bucket + " at " + b.address.endpoint, Err: err}
}
