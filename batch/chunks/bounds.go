package chunks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bulkonboard/batch/measure"
	"bulkonboard/batch/store"
)

// Bounds are what of a job may change after it was planned: the parts that begin
// from then on keep to the newest.
type Bounds struct {
	Rate  float64      `json:"rate"` // attempts per second, of all parts together; 0 for no ceiling
	Calls CallSettings `json:"calls"`

	// MaxFailures is of each part. When it is set, the first rows may all be
	// refused in the same words.
	MaxFailures measure.Limit `json:"maxFailures,omitzero"`
}

// CallSettings bound the calls of the whole job.
type CallSettings struct {
	Timeout     time.Duration `json:"timeout"`
	MaxInFlight int           `json:"maxInFlight"` // of all parts together
	MaxAttempts int           `json:"maxAttempts"`
	MaxBackoff  time.Duration `json:"maxBackoff"`
	MaxOutage   time.Duration `json:"maxOutage"`
}

func boundsName(n int) string { return fmt.Sprintf("bounds-%06d.json", n) }

// newestBounds reads the bounds that a job was given last, or gives b where they were
// not changed since it was planned, and counts the changes.
func newestBounds(ctx context.Context, s store.Store, b Bounds) (Bounds, int, error) {
	changes, err := numbered[Bounds](ctx, s, boundsName, 0)
	if len(changes) > 0 {
		b = changes[len(changes)-1]
	}
	return b, len(changes), err
}

// put gives a job other bounds.
func (b Bounds) put(ctx context.Context, s store.Store) error {
	text, err := sealText(b)
	if err != nil {
		return fmt.Errorf("encode the bounds: %w", err)
	}
	for {
		_, n, err := newestBounds(ctx, s, Bounds{})
		if err != nil {
			return err
		}
		if err = s.Put(ctx, boundsName(n), text); !errors.Is(err, store.ErrExists) {
			return err
		}
	}
}
