package s3

import (
	"testing"

	"bulkonboard/batch/store"
	"bulkonboard/batch/store/storetest"
)

func TestABucketIsAStore(t *testing.T) {
	setCredentials(t)
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, newService(t), Options{}) })
}
