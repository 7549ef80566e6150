package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// sources says to people where credentials come from.
const sources = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the file ~/.aws/credentials (AWS_PROFILE), or the role of the machine or pod"

// roleTimeout bounds the question for the machine's role, which may stay
// without an answer on a machine that has none.
const roleTimeout = 5 * time.Second

// findCredentials looks where every client of S3 looks. What expires is
// fetched again by the client, and what is replaced once it is refused.
func findCredentials(ctx context.Context) (*credentials.Credentials, error) {
	client := &http.Client{Timeout: roleTimeout}
	found := credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{},
		&credentials.EnvMinio{},
		&credentials.FileAWSCredentials{},
		&credentials.IAM{Client: client},
	})
	value, err := found.GetWithContext(&credentials.CredContext{Client: client, Context: ctx})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("find the credentials of the bucket: %w", err)
	}
	if value.AccessKeyID == "" {
		return nil, errors.New("no credentials for the bucket were found in " + sources)
	}
	return found, nil
}

// refusesKeys reports that a server did not take the credentials, or what they
// permit.
func refusesKeys(err error) bool {
	var said minio.ErrorResponse
	expired := []string{"ExpiredToken", "ExpiredTokenException"}
	return errors.As(err, &said) && (said.StatusCode == http.StatusForbidden || said.StatusCode == http.StatusUnauthorized || slices.Contains(expired, said.Code))
}

// keys are the credentials as they are used now; zero when there are none.
func (b *bucket) keys() credentials.Value {
	v, _ := b.found.GetWithContext(b.core.CredContext()) // a request without any is refused, and says so
	return v
}

// renew fetches the credentials again, unless another request has since these
// were used, and reports whether they are others now: somebody has replaced them.
func (b *bucket) renew(used credentials.Value) bool {
	if b.keys() == used {
		b.found.Expire()
	}
	now := b.keys()
	return now != used && now.AccessKeyID != ""
}
