package session

import (
	"context"
	"slices"
	"sync/atomic"
	"time"
)

// renewEvery is how often credentials are renewed, at most. What refuses one row
// alone, such as a firewall, must not have a password store asked for each.
const renewEvery = 30 * time.Second

// credentials are what calls are made with, and what no reply may be shown with.
type credentials struct {
	secret    Secret
	prefix    []byte      // of every body; holds the secret
	scrubbers []*scrubber // of this secret and of those before it
}

// access is the credentials that hold now, and where others are to be had once
// the service no longer takes them. One call renews them for all; those that
// begin meanwhile wait for it.
type access struct {
	appID, tenantID string
	current         atomic.Pointer[credentials]

	fetch   func(context.Context) (Secret, error) // nil: there is no other secret to be had
	turn    chan struct{}                         // has room for the goroutine that renews
	running atomic.Bool
	last    time.Time // of a renewal; covered by turn
}

func newAccess(c *Config) *access {
	a := &access{appID: c.AppID, tenantID: c.TenantID, fetch: c.Renew, turn: make(chan struct{}, 1)}
	a.current.Store(a.with(c.AppSecret, nil))
	return a
}

// with gives the credentials with a secret, in place of others or of none.
func (a *access) with(secret Secret, before *credentials) *credentials {
	made := &credentials{secret: secret, prefix: prefixOf(a.appID, secret, a.tenantID), scrubbers: []*scrubber{newScrubber(secret)}}
	if before != nil {
		made.scrubbers = append(made.scrubbers, before.scrubbers...)
	}
	return made
}

// clean is what is shown of a text: its safe form, or its code in place of it.
func (c *credentials) clean(raw, shown, code string) string {
	if slices.ContainsFunc(c.scrubbers, func(s *scrubber) bool { return s.inText(raw) }) {
		return code
	}
	return shorten(shown)
}

func (c *credentials) inSessionID(id string) bool {
	return slices.ContainsFunc(c.scrubbers, func(s *scrubber) bool { return s.inSessionID(id) })
}

// wait lets a renewal under way end. It reports whether there was one.
func (a *access) wait(ctx context.Context) bool {
	if !a.running.Load() {
		return false
	}
	select {
	case a.turn <- struct{}{}:
		<-a.turn
	case <-ctx.Done():
	}
	return true
}

// renewed gives other credentials in place of those that were refused, or the
// same ones when there are none.
func (a *access) renewed(ctx context.Context, refused *credentials) *credentials {
	if a.fetch == nil {
		return refused
	}
	select {
	case a.turn <- struct{}{}:
	case <-ctx.Done():
		return refused
	}
	a.running.Store(true)
	defer func() {
		a.running.Store(false)
		<-a.turn
	}()
	if now := a.current.Load(); now != refused {
		return now
	}
	if !a.last.IsZero() && time.Since(a.last) < renewEvery {
		return refused
	}
	a.last = time.Now()
	secret, err := a.fetch(ctx)
	if err != nil || secret == refused.secret {
		return refused // the refusal says what is wrong
	}
	fresh := a.with(secret, refused)
	a.current.Store(fresh)
	return fresh
}

// pacedKey marks a context with Paced's wait.
type pacedKey struct{}

// Paced gives calls a wait that comes before every attempt that they make beyond
// the attempt that they were made for, so that these, too, keep to a rate. It
// reports false when ctx is done first.
func Paced(ctx context.Context, wait func(context.Context) bool) context.Context {
	return context.WithValue(ctx, pacedKey{}, wait)
}

// paced waits for the next attempt's turn.
func paced(ctx context.Context) bool {
	if wait, ok := ctx.Value(pacedKey{}).(func(context.Context) bool); ok {
		return wait(ctx)
	}
	return ctx.Err() == nil
}
