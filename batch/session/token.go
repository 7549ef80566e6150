package session

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// appPath is an endpoint beside that of the guide, which the vendor's public
// documentation has and a deployment may lack. It takes the credentials and the
// tenant and names no customer.
const appPath = "/api/AppSessionManager/GetAppToken"

// AskToken asks GetAppToken whether the service takes the credentials and the
// tenant as they are now. It names no customer.
func (c *Client) AskToken(ctx context.Context) Reply {
	reply, _, _ := c.askToken(ctx, strings.TrimSuffix(c.endpoint.template.URL.String(), path), c.access.current.Load())
	return reply
}

// askToken asks for a token below a base URL, which must be of the same host as
// the client's. The error is that of an exchange
// without a reply. The token itself is only looked for in what is to be shown.
func (c *Client) askToken(ctx context.Context, base string, with *credentials) (Reply, http.Header, error) {
	start := time.Now()
	to, err := newEndpoint(base+appPath, c.endpoint.template.Header)
	if err != nil {
		return failure(ctx, err), nil, err
	}
	reply, header, err := c.send(ctx, start.Add(c.timeout), to, append(with.prefix[:len(with.prefix):len(with.prefix)], '}'))
	if err != nil {
		a := failure(ctx, err)
		a.Message = with.clean(a.Message, fold(a.Message), a.Code)
		return a, nil, err
	}
	a := with.judgeToken(&reply, header, start)
	a.Latency = time.Since(start)
	return a, header, nil
}

// judgeToken says what a reply to askToken means: as for a customer, with a
// token in the place of the session id.
func (c *credentials) judgeToken(r *envelope, h http.Header, now time.Time) Reply {
	with := *c
	if r.token != "" {
		with.scrubbers = append([]*scrubber{newScrubber(r.token)}, c.scrubbers...)
	}
	raw := r.words
	r.words, r.sessionID, r.malformed = fold(raw), r.token.Reveal(), ""
	a := judge(r, h, now)
	a.SessionID, a.Expires = "", time.Time{}
	if a.Code == "no_session_id" {
		a.Code = "no_token"
		a.Message = "the answer has no token"
		return a
	}
	a.Message = with.clean(raw, words(&a, r), a.Code)
	return a
}
