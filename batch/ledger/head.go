package ledger

import (
	"bytes"
	"encoding/binary"
	"time"
)

// What a ledger says of itself, before its customers.

// head reads everything but the customers.
func (l *Ledger) head(p *pages, buckets map[string]bucket) error {
	h := newHasher(l.secret)
	rest := sum{}
	l.runs, l.forms, l.nights, l.problems = map[uint64]Run{}, nil, map[Form]Night{}, map[formKey][]Problem{}
	if _, there := buckets[string(customerBucket)]; !there {
		return damaged("it does not have the parts of a ledger")
	}
	found := 1
	for _, part := range []struct {
		name []byte
		take func(key, value []byte) error
		may  bool // be missing
	}{{metaBucket, l.takeMeta, false}, {runsBucket, l.takeRun, false}, {formsBucket, l.takeForm, false}, {problemsBucket, l.takeProblem, true}} {
		b, there := buckets[string(part.name)]
		switch {
		case there:
			found++
		case part.may && !l.hasProblems:
			continue
		default:
			return damaged("it does not have the parts of a ledger")
		}
		if err := p.walk(b, func(key, value []byte) error {
			if !bytes.Equal(key, sealKey) {
				_, adds := h.entry(part.name, key, value)
				rest.add(adds)
			}
			return part.take(key, value)
		}); err != nil {
			return err
		}
	}
	if found != len(buckets) {
		return damaged("it does not have the parts of a ledger")
	}
	if !l.old && rest != l.seal.rest {
		return damaged("its runs, forms or settings are not as they were written")
	}
	return nil
}

func (l *Ledger) takeMeta(key, value []byte) error {
	var ok bool
	switch h := newHasher(l.secret); {
	case bytes.Equal(key, checkKey):
		if !bytes.Equal(value, h.check()) {
			return errOtherSecret
		}
	case bytes.Equal(key, idKey):
		l.id = bytes.Clone(value)
	case bytes.Equal(key, paceKey):
		l.pace = bytes.Clone(value)
	case bytes.Equal(key, sealKey): // id comes before it
		if l.seal, ok = parseSeal(value, h, l.id); !ok {
			return damaged("its seal is not as it was written")
		}
	case bytes.Equal(key, versionKey):
		l.hasProblems = bytes.Equal(value, []byte{version})
	default:
		return damaged("it does not have the parts of a ledger")
	}
	return nil
}

func (l *Ledger) takeRun(key, value []byte) error {
	at, n := binary.Varint(value)
	if len(key) != 8 || n <= 0 {
		return damaged("a run in it is damaged")
	}
	l.runs[binary.BigEndian.Uint64(key)] = Run{ID: string(value[n:]), Began: time.UnixMilli(at).UTC()}
	return nil
}

func (l *Ledger) takeForm(key, value []byte) error {
	p := parser{rest: key}
	var f Form
	if !l.old {
		copy(f.Scope[:], p.bytes(uint64(len(f.Scope))))
	}
	f.Tenant, f.ID = p.text(), p.text()
	l.forms = append(l.forms, f)
	night, known := parseNight(value)
	if p.failed || len(value) > 0 && !known {
		return damaged("a form in it is damaged")
	}
	if known {
		l.nights[f] = night
	}
	return nil
}
