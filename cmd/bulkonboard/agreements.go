package main

import (
	"bulkonboard/batch"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// What makes two runs the same.

// agreement is a setting in which a run must agree with an earlier one. All that have
// none say only how fast, how long, or by which way.
type agreement struct {
	flag string

	resumes batch.Bond                           // with the interrupted run that it resumes; without a name: it need not
	value   func(*settings, *source.List) string // which the state of the run has
	retries bool                                 // with the run whose results it retries
	repeats comparison                           // with a complete run, so that nothing is left to do
}

// comparison is how the values of two runs are compared.
type comparison int

const (
	never  comparison = iota
	asText            // as they are typed
	asFile            // which each run may name from a folder of its own
)

// agreements are those of all settings. What is typed of a list is, for a run that
// resumes, what came of it: its format and its mapping.
var agreements = []agreement{
	{flag: "base-url", resumes: batch.Bond{Name: "endpoint", Of: batch.ToCustomers}, value: endpoint, retries: true, repeats: asText},
	{flag: "sandbox", retries: true, repeats: asText}, // an endpoint, too
	{flag: "app-id", resumes: batch.Bond{Name: "app id", Of: batch.ToCustomers, Newer: true}, value: appID, retries: true, repeats: asText},
	{flag: "tenant-id", resumes: batch.Bond{Name: "tenant id", Of: batch.ToCustomers}, value: tenantID, retries: true, repeats: asText},
	{flag: "form-id", resumes: batch.Bond{Name: "form id", Of: batch.ToCustomers}, value: formID, retries: true, repeats: asText},
	{flag: "ledger", resumes: batch.Bond{Name: "ledger", Of: batch.ToCustomers}, value: ledgerID, repeats: asFile},
	{flag: "ledger-key-file", repeats: asFile},
	{flag: "session-ttl", repeats: asText},

	{flag: "format", resumes: batch.Bond{Name: "format"}, value: format, retries: true, repeats: asText},
	{flag: "map", resumes: batch.Bond{Name: "mapping"}, value: mapping, retries: true, repeats: asText},
	{flag: "encoding", retries: true, repeats: asText},
	{flag: "delimiter", retries: true, repeats: asText},
	{flag: "sheet", retries: true, repeats: asText},
	{flag: "set", retries: true}, // and by the digests of its values where it resumes or repeats
	{flag: "duplicates", resumes: batch.Bond{Name: "duplicates"}, value: duplicates, retries: true, repeats: asText},
	{flag: "formula-safe", resumes: batch.Bond{Name: "formula safe"}, value: formulaSafe, retries: true, repeats: asText},
	{flag: "rejects", resumes: batch.Bond{Name: "rejects"}, value: rejects, repeats: asFile},
}

func appID(s *settings, _ *source.List) string    { return s.service.Target.AppID }
func tenantID(s *settings, _ *source.List) string { return s.service.Target.TenantID }
func formID(s *settings, _ *source.List) string   { return s.service.Target.FormID }
func ledgerID(s *settings, _ *source.List) string { return s.ledger.id }
func format(_ *settings, l *source.List) string   { return l.Format().String() }
func mapping(_ *settings, l *source.List) string  { return l.Mapping() }
func rejects(s *settings, _ *source.List) string  { return s.outputs.rejects }

func endpoint(s *settings, _ *source.List) string {
	if s.sandbox {
		return "sandbox"
	}
	return s.service.Target.BaseURL
}

func duplicates(s *settings, _ *source.List) string {
	if s.duplicates == "once" {
		return ""
	}
	return s.duplicates
}

func formulaSafe(s *settings, _ *source.List) string {
	if s.formulaSafe {
		return "yes"
	}
	return ""
}

// binding is what a resumed run must agree on with the interrupted one. It goes into
// the checkpoint, so no secret may ever be in it.
func (s *settings) binding(list *source.List) batch.Binding {
	var b batch.Binding
	for _, a := range agreements {
		if a.resumes.Name != "" {
			bond := a.resumes
			bond.Value = a.value(s, list)
			b = append(b, bond)
		}
	}
	for _, k := range s.set {
		if k.Digest != "" {
			b = append(b, batch.Bond{Name: "--set " + k.Field, Value: source.Hidden + " (" + k.Digest + ")"})
		}
	}
	if s.retry == nil {
		return append(b, batch.Bond{Name: batch.CommandBond, Value: "run"})
	}
	return append(b, batch.Bond{Name: batch.CommandBond, Value: "retry " + s.retry.String()}, batch.Bond{Name: "fixes", Value: s.retry.fixesSum})
}

// boundInRetry are the flags that a retry has as the run had them.
func boundInRetry() (flags []string) {
	for _, a := range agreements {
		if a.retries {
			flags = append(flags, a.flag)
		}
	}
	return flags
}

// repeats compares settings with those of a complete run, as far as the command has
// them.
func repeats(sum *sink.Summary, now map[string]string) bool {
	for _, a := range agreements {
		key := cli.KeyOf(a.flag)
		value, has := now[key]
		was := sum.Settings[key]
		if a.repeats == never || !has || value == was {
			continue
		}
		if a.repeats != asFile || value == "" || !isFile(sum, was, value) {
			return false
		}
	}
	return true
}
