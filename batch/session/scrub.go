package session

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// maxMessage bounds, in characters, what is kept of a server's words.
const maxMessage = 200

// scrubber removes from texts what must not be shown: the app secret, however
// an echo of the request may have written it.
type scrubber struct{ forms []string }

func newScrubber(secret Secret) scrubber {
	s := secret.Reveal()
	if s == "" {
		return scrubber{}
	}
	quoted, _ := json.Marshal(s) // a string always encodes
	plain := string(quoted[1 : len(quoted)-1])
	body := string(quote(nil, s))
	var forms []string
	for _, form := range []string{
		s, plain, body[1 : len(body)-1],
		url.QueryEscape(s), url.PathEscape(s),
		base64.StdEncoding.EncodeToString([]byte(s)), base64.RawStdEncoding.EncodeToString([]byte(s)),
		base64.URLEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s)),
	} {
		if !slices.Contains(forms, form) { // every session id is searched for each
			forms = append(forms, form)
		}
	}
	return scrubber{forms: forms}
}

// clean makes text of a server safe to show: one line, no control characters,
// at most maxMessage characters, without the secret and without the customer.
// The secret is looked for before anything is cut or folded, and again after,
// so that neither can hide or bring forth a piece of it.
func (s scrubber) clean(text string, r *Request) string {
	if text == "" {
		return ""
	}
	text = s.remove(strings.ToValidUTF8(text, "\ufffd"))
	text = s.remove(fold(text))
	for _, personal := range []string{r.Email, r.MobileNumber, r.FullName, r.TradingName, r.RegistrationNumber, r.FirstName, r.LastName} {
		// A name of one or two letters would match inside ordinary words.
		if len(personal) > 2 {
			text = replaceFold(text, personal, "[customer]")
		}
	}
	return shorten(text)
}

func (s scrubber) remove(text string) string {
	for _, form := range s.forms {
		text = strings.ReplaceAll(text, form, redacted)
	}
	return text
}

// shortSecret is the length in bytes below which a form of the secret may be
// part of a session id by chance.
const shortSecret = 8

// holdsSecret reports a session id that must not be written. None is ever
// changed: it would be a wrong one.
func (s scrubber) holdsSecret(sessionID string) bool {
	return slices.ContainsFunc(s.forms, func(form string) bool {
		return len(form) >= shortSecret && strings.Contains(sessionID, form)
	})
}

// replaceFold replaces old without regard to ASCII case, since services
// lower-case the addresses that they repeat.
func replaceFold(text, old, replacement string) string {
	lower, oldLower := asciiLower(text), asciiLower(old)
	var b strings.Builder
	for {
		i := strings.Index(lower, oldLower)
		if i < 0 {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:i])
		b.WriteString(replacement)
		text, lower = text[i+len(old):], lower[i+len(old):]
	}
}

// asciiLower keeps the length in bytes, as strings.ToLower does not.
func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// fold drops what a terminal or a log could act upon, and makes all white
// space single spaces.
func fold(text string) string {
	var b strings.Builder
	space := false
	for _, r := range text {
		switch {
		case unicode.IsSpace(r):
			space = true
			continue
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == '\u2028', r == '\u2029':
			continue // Cf holds the bidirectional controls and the BOM
		}
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(r)
	}
	return b.String()
}

func shorten(text string) string {
	n := 0
	for i := range text {
		if n == maxMessage-1 && len(text[i:]) > len("…") {
			return text[:i] + "…"
		}
		n++
	}
	return text
}
