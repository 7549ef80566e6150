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
	"source": "../source", "cli": "../cmd/internal/cli", "batch": ".", "answers": "answers", "pace": "pace", "session": "session", "sink": "../sink", "known": "known", "state": "state",
}

// declaredIn are the functions, methods, types and fields of a package.
func declaredIn(t *testing.T, folder string) map[string]bool {
	all := map[string]bool{}
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				addTypes(all, d.(*ast.GenDecl))
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

// addTypes adds the types of a declaration, and the fields of those that are structs.
func addTypes(all map[string]bool, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		of, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		all[of.Name.Name] = true
		fields, ok := of.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, field := range fields.Fields.List {
			for _, name := range field.Names {
				all[of.Name.Name+"."+name.Name] = true
			}
		}
	}
}

func TestTheWayOfARowPassesFunctionsThatExist(t *testing.T) {
	steps := regexp.MustCompile(`(?m)^ {1,2}\d+\. `).Split(documentation(t), -1)
	require.Len(t, steps, 15)
	steps[14], _, _ = strings.Cut(steps[14], "\n# ")
	name := regexp.MustCompile(`\b([a-z]+): ([A-Za-z]+(?:\.[A-Za-z]+)?)|\b((?:run|reader|dispatcher|callsLeft|refusals|journaler|writer|limiter)\.[a-z][A-Za-z]*)\b`)
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
				declared[folder] = declaredIn(t, folder)
			}
			assert.True(t, declared[folder][function], "%s has no %s", folder, function)
		}
	}
}

func TestTheWayOfASettingPassesWhatExists(t *testing.T) {
	_, ways, found := strings.Cut(documentation(t), "# The way of a setting")
	require.True(t, found)
	names := regexp.MustCompile(`\b(CallFlags|Config|Controller|run|dispatcher)\.[A-Za-z]+`).FindAllStringSubmatch(ways, -1)
	require.Greater(t, len(names), 5)
	declared := map[string]map[string]bool{ // by type; all others are of this package
		"CallFlags": declaredIn(t, folders["cli"]), "Controller": declaredIn(t, folders["pace"]),
	}
	own := declaredIn(t, ".")
	for _, m := range names {
		of := declared[m[1]]
		if of == nil {
			of = own
		}
		assert.True(t, of[m[0]], "there is no %s", m[0])
	}
}

// documentation is that of the package.
func documentation(t *testing.T) string {
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	require.NoError(t, err)
	return file.Doc.Text()
}
