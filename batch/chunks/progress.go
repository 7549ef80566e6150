package chunks

import (
	"context"
	"fmt"
	"strings"

	"bulkonboard/batch/store"
)

// Progress is how far a round of a job is.
type Progress struct {
	Round int
	Rows  int64 // of the chunks that are done

	// The parts by name, in the order of the list. What is begun may be under
	// way, or wait for somebody to resume it.
	Done, Begun, ToDo []string
}

// Progress looks how far the last round of a job is, without disturbing it.
func (m *Manifest) Progress(ctx context.Context, s store.Store) (*Progress, error) {
	rounds, err := Rounds(ctx, s)
	if err != nil {
		return nil, err
	}
	p := &Progress{Round: len(rounds)}
	done, begun, err := standings(ctx, s, p.Round)
	if err != nil {
		return nil, err
	}
	for i, name := range m.parts() {
		switch {
		case done[name]:
			p.Done = append(p.Done, name)
			if i < len(m.Chunks) {
				p.Rows += m.Chunks[i].Rows
			}
		case begun[name]:
			p.Begun = append(p.Begun, name)
		default:
			p.ToDo = append(p.ToDo, name)
		}
	}
	return p, nil
}

// standings are the parts of a round that are done, and those that are begun at
// least.
func standings(ctx context.Context, s store.Store, round int) (done, begun map[string]bool, err error) {
	done, begun = map[string]bool{}, map[string]bool{}
	prefix := fmt.Sprintf("round-%d/", round)
	for o, err := range s.List(ctx, prefix) {
		if err != nil {
			return nil, nil, err
		}
		part, object, _ := strings.Cut(strings.TrimPrefix(o.Name, prefix), "/")
		begun[part] = true
		done[part] = done[part] || object == "done"
	}
	return done, begun, nil
}
