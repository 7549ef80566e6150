package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// What a config file may have, and how it is read.

// maxConfigBytes is far more than all settings need; a list given as --config
// by mistake is not read whole.
const maxConfigBytes = 1 << 20

// configFile is a config file as it was written: keys and values, not yet
// matched with settings.
type configFile struct {
	name    string // as it was given
	folder  string // what its paths are relative to
	init    string // the command that writes one, as it is typed
	entries []configEntry
}

// configEntry is one setting of a config file.
type configEntry struct {
	key   string
	line  int
	value *yaml.Node
}

// at is where the entry stands.
func (f *configFile) at(line int) string { return fmt.Sprintf("%s:%d", f.name, line) }

// readConfig reads a config file. What is wrong with it goes to p; what could
// be read is returned all the same, so that everything is said at once.
func readConfig(name, init string, p *Problems) *configFile {
	folder, err := filepath.Abs(filepath.Dir(name))
	if err != nil {
		p.Add(fmt.Sprintf("--config %s: %v", name, err))
		return nil
	}
	file, err := os.Open(name)
	if err != nil {
		p.Add(CannotRead("config", name, err))
		return nil
	}
	defer func() { _ = file.Close() }() // it was only read
	if err := closedToOthers(file); err != nil {
		p.Add("--config: " + err.Error())
	}
	text, err := io.ReadAll(io.LimitReader(file, maxConfigBytes+1))
	switch {
	case err != nil:
		p.Add(CannotRead("config", name, err))
		return nil
	case len(text) > maxConfigBytes:
		p.Add(fmt.Sprintf("--config %s is above %d bytes; is it a config file?", name, maxConfigBytes))
		return nil
	}
	f := &configFile{name: name, folder: folder, init: init}
	f.parse(text, p)
	return f
}

// closedToOthers refuses a file that any user may write to: it names the address
// that the secret is sent to, and the command that prints it.
func closedToOthers(file *os.File) error {
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Mode()&0o002 == 0 || onReadOnlyMount(file) {
		return err
	}
	return fmt.Errorf("every user of this machine may change %s (mode %04o), and so where the secret is sent; close it with: chmod o-w %s",
		OneLine(file.Name()), info.Mode().Perm(), Quoted(file.Name()))
}

// parse reads the text of a config file: one YAML mapping.
func (f *configFile) parse(text []byte, p *Problems) {
	var doc, more yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(text))
	err := d.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return
	}
	if err == nil {
		if err = d.Decode(&more); err == nil {
			p.Add(f.at(more.Line) + ": a second document begins here; a config file is one document")
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		p.Add(f.syntax(err))
		return
	}
	if len(doc.Content) == 0 || isNull(doc.Content[0]) {
		return // nothing but comments
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		p.Add(f.at(root.Line) + ": a config file is lines of `key: value`; " + f.init + " writes one")
		return
	}
	f.take(root, p)
}

// take lists the entries of the mapping.
func (f *configFile) take(root *yaml.Node, p *Problems) {
	lines := map[string]int{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			p.Add(f.at(key.Line) + ": a key is a single word")
			continue
		}
		if first, twice := lines[key.Value]; twice {
			p.Add(fmt.Sprintf("%s: %s is given twice, first in line %d; leave one out", f.at(key.Line), safeKey(key.Value), first))
			continue
		}
		lines[key.Value] = key.Line
		f.entries = append(f.entries, configEntry{key.Value, key.Line, value})
	}
}

var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntax is an error of the YAML package with the file's name.
func (f *configFile) syntax(err error) string {
	text := err.Error()
	m := yamlError.FindStringSubmatch(text)
	if m == nil {
		return f.name + ": " + text
	}
	at := f.name
	if m[1] != "" {
		at += ":" + m[1]
	}
	text = text[len(m[0]):]
	return at + ": this is not YAML: " + text + yamlHint(text)
}

// yamlHint is what to do about what the YAML package says in its own terms.
func yamlHint(text string) string {
	switch text {
	case "found character that cannot start any token":
		return "; indent with spaces and not with tabs, and put quotation marks around a value that begins with @, % or `"
	case "found unexpected end of stream":
		return "; a quotation mark is not closed"
	default:
		return ""
	}
}

// safeKey is a key as a message shows it: a terminal may read the message, and
// a key that is not a word may be anything.
func safeKey(key string) string {
	if len(key) > 40 || strings.Trim(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") != "" {
		return "this key"
	}
	return key
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// valueError says what a setting takes, when it is given something else.
type valueError struct{ takes string }

func (e *valueError) Error() string { return "it takes " + e.takes }

// values are the texts of an entry: one, or those of a list. A mapping gives
// key=value, when pairs says that the setting takes it.
func (e *configEntry) values(pairs bool) (texts []string, list bool, err error) {
	switch {
	case e.value.Kind == yaml.SequenceNode:
		for _, item := range e.value.Content {
			text, err := scalar(item)
			if err != nil {
				return nil, true, err
			}
			texts = append(texts, text)
		}
		return texts, true, nil
	case e.value.Kind == yaml.MappingNode && pairs:
		texts, err = pairsOf(e.value)
		return texts, true, err
	default:
		text, err := scalar(e.value)
		return []string{text}, false, err
	}
}

func pairsOf(n *yaml.Node) ([]string, error) {
	var texts []string
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, err := scalar(n.Content[i])
		if err != nil || strings.Contains(key, "=") || seen[key] {
			return nil, &valueError{"each key once, and none with an equals sign"}
		}
		seen[key] = true
		value, err := scalar(n.Content[i+1])
		if err != nil {
			return nil, err
		}
		texts = append(texts, key+"="+value)
	}
	return texts, nil
}

// scalar is a single value as it was written: 007 stays 007.
func scalar(n *yaml.Node) (string, error) {
	switch {
	case n.Kind == yaml.AliasNode:
		return "", &valueError{"a value written out, not an alias"}
	case n.Kind != yaml.ScalarNode:
		return "", &valueError{"single values"}
	case n.Style&yaml.TaggedStyle != 0:
		return "", &valueError{"a plain value, without a tag"}
	}
	if isNull(n) {
		return "", nil
	}
	return n.Value, nil
}
