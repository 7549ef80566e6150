package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"
)

// sources says to people where credentials come from.
const sources = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the file ~/.aws/credentials (AWS_PROFILE), or the role of the machine or pod"

// roleTimeout bounds the question for the machine's role, which on a machine
// that has none nobody may answer.
const roleTimeout = 5 * time.Second

// findCredentials looks where every client of S3 looks. What expires is
// fetched again by the client.
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
