package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"bulkonboard/batch/session"
	"bulkonboard/cmd/internal/cli"
)

// askWithin is the time for the answer of a service that is asked for a token.
const askWithin = 30 * time.Second

// askService looks at the way to the service, and asks whether the credentials
// are right.
func (i *inspection) askService(ctx context.Context, stdout, stderr io.Writer) error {
	c := i.service.ClientConfig(&cli.CallFlags{Timeout: askWithin}, false)
	client, err := i.service.Access.Client(ctx, c, cli.ToPeople(stderr))
	if err != nil {
		return err
	}
	defer client.CloseIdle()
	fmt.Fprintf(stdout, "service:    %s\n", i.service.Target.BaseURL)
	var wrong findings
	for _, f := range client.Probe(ctx) {
		s := step{Step: f.Step, Result: string(f.Result), Text: f.Text, Next: f.Next}
		s.print(stdout)
		i.found.Service = append(i.found.Service, s)
		if f.Result == session.StepFailed {
			wrong.add(&serviceError{f})
		}
	}
	return wrong.err()
}

// serviceError is a step of the way to the service that failed.
type serviceError struct{ session.Finding }

// Error names the step and what to do.
func (e *serviceError) Error() string {
	return fmt.Sprintf("the service is not ready (%s): %s; %s", e.Step, e.Text, e.Next)
}

// Kind is that of the error with which a run would end.
func (e *serviceError) Kind() cli.Kind {
	switch e.Fault {
	case session.FaultRefused:
		return cli.Refused
	case session.FaultUnreachable:
		return cli.Unfinished
	default:
		return cli.Address
	}
}
