package customers

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"bulkonboard/source"
)

func TestReadingWhatIsKeptEndsWithItsContext(t *testing.T) {
	text := "customerType,customerEmail,firstName,lastName\n" + strings.Repeat("Individual,a@example.com,First,Last\n", 2*looksEvery)
	list, err := source.Open(strings.NewReader(text), source.Options{Name: "list"})
	require.NoError(t, err)
	interrupted := errors.New("interrupted")
	ctx, stop := context.WithCancelCause(t.Context())
	stop(interrupted)
	_, err = ReadKept(ctx, list, nil, nil, "form")
	require.ErrorIs(t, err, interrupted)
}
