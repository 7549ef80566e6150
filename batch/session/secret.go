package session

import "log/slog"

// redacted stands wherever a secret would have been printed.
const redacted = "[REDACTED]"

// Secret is text that must appear nowhere but in a request body. Every way in
// which Go prints a value prints a placeholder instead.
type Secret string

// Reveal returns the secret itself. Only the code that builds a request body,
// and the code that looks for the secret in order to remove it, may call it.
func (s Secret) Reveal() string { return string(s) }

// String implements fmt.Stringer.
func (s Secret) String() string { return redacted }

// GoString implements fmt.GoStringer, for %#v.
func (s Secret) GoString() string { return redacted }

// MarshalText implements encoding.TextMarshaler, and so covers JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
