package main

import (
	"context"

	"bulkonboard/batch/chunks"
	"bulkonboard/batch/session"
)

// probe asks the service for a token, as it would be called for a job. A secret
// that it refuses is read again.
func (s *workerSettings) probe(ctx context.Context, j *chunks.Job) probed {
	c := s.access.AccessFor(j)
	c.BaseURL = s.baseURL
	result, refused := probeWith(ctx, &c)
	if !refused || c.Renew == nil {
		return result
	}
	secret, err := c.Renew(ctx)
	if err != nil || secret == c.AppSecret {
		return result
	}
	c.AppSecret = secret
	result, _ = probeWith(ctx, &c)
	return result
}

// probeWith probes once, and reports whether it is the credentials that are
// refused.
func probeWith(ctx context.Context, c *session.Config) (result probed, refused bool) {
	client, err := session.New(*c)
	if err != nil {
		return probedIll, false
	}
	defer client.CloseIdle()
	for _, f := range client.Probe(ctx) {
		switch {
		case f.Fault == session.FaultRefused:
			return probedIll, true
		case f.Result == session.StepFailed && f.Step != "clock":
			return probedIll, false
		case f.Step == "token" && f.Result == session.StepOK:
			return probedWell, false
		}
	}
	return probedUnsure, false
}
