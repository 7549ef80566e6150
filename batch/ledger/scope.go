package ledger

import (
	"crypto/aes"
	"strings"
)

// Owner is the application of a service whose customers somebody is one of: the
// same address may be another customer at another service.
type Owner struct{ Service, Application string }

// Scope stands for an owner, and does not tell who that is. The zero value
// is that of customers who were taken over and have none yet.
type Scope [16]byte

// of is the hasher for the customers of an owner; without a service it is for
// those who have none yet.
func (h *Hasher) of(o Owner) *Hasher {
	if o.Service == "" {
		return h.within(Scope{})
	}
	h.begin(ofScope)
	h.part(strings.TrimRight(strings.ToLower(o.Service), "/"))
	h.part(o.Application)
	return h.within(Scope(h.sum()[:len(Scope{})]))
}

// within is the hasher for the customers of a scope.
func (h *Hasher) within(s Scope) *Hasher {
	if h.scope = s; s != (Scope{}) {
		h.block, _ = aes.NewCipher(s[:]) // fails for other lengths of key only
	}
	return h
}

// Scope is that of the customers whose keys the hasher makes.
func (h *Hasher) Scope() Scope { return h.scope }

// scoped makes the key of a customer in a scope. It is one to one, so that
// customers from before there were scopes can be given one.
func (h *Hasher) scoped(key Key) Key {
	if h.block != nil {
		h.block.Encrypt(key[:], key[:])
	}
	return key
}
