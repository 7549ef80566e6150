package batch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// folders has the package of each name that the walks use.
var folders = map[string]string{
	"source": "../source", "batch": ".", "answers": "answers", "pace": "pace", "session": "session", "sink": "../sink", "known": "known", "state": "state",
}

// functionsOf are the functions and methods that a package declares.
func functionsOf(t *testing.T, folder string) map[string]bool {
	all := map[string]bool{}
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			receiver := ""
			if f.Recv != nil {
				of := f.Recv.List[0].Type
				if pointer, ok := of.(*ast.StarExpr); ok {
					of = pointer.X
				}
				if name, ok := of.(*ast.Ident); ok { // and not a generic one, which no row passes
					receiver = name.Name + "."
				}
			}
			all[receiver+f.Name.Name] = true
		}
	}
	return all
}

func TestTheWayOfARowPassesFunctionsThatExist(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	require.NoError(t, err)
	steps := regexp.MustCompile(`(?m)^ {1,2}\d+\. `).Split(file.Doc.Text(), -1)
	require.Len(t, steps, 15)
	steps[14], _, _ = strings.Cut(steps[14], "\n# ")
	name := regexp.MustCompile(`\b([a-z]+): ([A-Za-z]+(?:\.[A-Za-z]+)?)|\b((?:run|reader|dispatcher|journaler|writer|limiter)\.[a-z][A-Za-z]*)\b`)
	declared := map[string]map[string]bool{} // by folder
	for _, step := range steps[1:] {
		found := name.FindAllStringSubmatch(step, -1)
		require.NotEmpty(t, found, step)
		for _, m := range found {
			folder, function := folders[m[1]], m[2]
			if m[3] != "" {
				folder, function = ".", m[3]
			}
			if folder == "" || strings.HasSuffix(function, ".go") {
				continue
			}
			if declared[folder] == nil {
				declared[folder] = functionsOf(t, folder)
			}
			assert.True(t, declared[folder][function], "%s has no %s", folder, function)
		}
	}
}
