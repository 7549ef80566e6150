package cli

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch"
	"bulkonboard/batch/chunks"
	"bulkonboard/batch/session"
	"bulkonboard/batch/state"
	"bulkonboard/source"
)

func TestAnErrorHasTheExitCodeOfItsRowInTheTable(t *testing.T) {
	for _, test := range []struct {
		err   error
		exit  int
		final bool
	}{
		{&BadRowsError{Rows: 1}, ExitBadRows, true},
		{Problems{"--input is missing"}, ExitUsage, true},
		{fmt.Errorf("wrapped: %w", &state.HeldError{}), ExitHeld, false},
		{&state.CorruptError{}, ExitState, true},
		{&chunks.OtherJobError{}, ExitState, true},
		{&chunks.NewerError{}, ExitUsage, false},
		{errors.Join(&state.CorruptError{}, &state.IOError{Err: fs.ErrInvalid}), ExitState, true},
		{&state.IOError{Err: fs.ErrInvalid}, ExitIO, false},
		{errors.Join(&state.IOError{Err: fs.ErrInvalid}, &source.ListError{}), ExitIO, false},
		{&source.ListError{}, ExitBadList, true},
		{&batch.RefusedError{Outcome: session.TenantRefused}, ExitRefused, true},
		{&batch.RefusedError{Outcome: session.NotTheAPI}, ExitUsage, true},
		{&batch.OutageError{}, ExitStopped, true},
		{&chunks.LostError{}, ExitStopped, false},
		{batch.ErrInterrupted, ExitInterrupted, false},
	} {
		assert.Equal(t, test.exit, ExitCode(test.err), "%T", test.err)
		assert.Equal(t, test.final, KindOf(test.err).Final, "%T", test.err)
	}
	assert.Equal(t, ExitOK, ExitCode(nil))
}

func TestAnErrorThatWasNotForeseenCanBeResumed(t *testing.T) {
	assert.Equal(t, ExitIO, ExitCode(errors.New("boom")))
	assert.False(t, KindOf(errors.New("boom")).Final)
}

type ownKind struct{ error }

func (ownKind) Kind() Kind { return Held }

func TestAnErrorThatCarriesItsKindNeedsNoRow(t *testing.T) {
	assert.Equal(t, ExitHeld, ExitCode(fmt.Errorf("wrapped: %w", ownKind{})))
}

func TestEveryKindHasItsOwnNameAndIsFoundByIt(t *testing.T) {
	for _, row := range kinds {
		assert.Equal(t, row.of, KindNamed(row.of.Name))
	}
	assert.Equal(t, Passing, KindNamed("of a later version"))
}

// TestEveryErrorOfTheEngineHasARow finds the types of errors that the packages
// below define. One without a row would be taken for a fault that passes.
func TestEveryErrorOfTheEngineHasARow(t *testing.T) {
	table, err := os.ReadFile("errors.go")
	require.NoError(t, err)
	found := 0
	for _, top := range []string{"batch", "source", "sink"} {
		require.NoError(t, filepath.WalkDir("../../../"+top, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if typ, ok := n.(*ast.TypeSpec); ok && typ.Name.IsExported() && strings.HasSuffix(typ.Name.Name, "Error") {
					found++
					name := file.Name.Name + "." + typ.Name.Name
					assert.True(t, strings.Contains(string(table), "is[*"+name+"]"), "%s has no row in errors.go", name) //nolint:testifylint // the file is too long for a message
				}
				return true
			})
			return nil
		}))
	}
	assert.Greater(t, found, 20)
}
