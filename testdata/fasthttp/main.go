// fasthttp is the least that a client on fasthttp can do, for `make bench-e2e` to
// compare the program with: every worker posts one and the same body and decodes
// the answer.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/valyala/fasthttp"
)

const body = `{"appId":"app","appSecret":"secret","tenantId":"tenant","formId":"form","customerType":"Individual","customerEmail":"customer.123456@example.com","customerMobileNumber":"+971501234567","individual":{"firstName":"Olivia","lastName":"Smith-123456"}}`

func main() {
	rows, _ := strconv.Atoi(os.Getenv("BENCH_ROWS"))
	workers, _ := strconv.Atoi(os.Getenv("BENCH_INFLIGHT"))
	if err := loop(os.Getenv("BENCH_URL"), os.Getenv("BENCH_AUTHORITY"), rows, workers); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func loop(url, authority string, rows, workers int) error {
	text, err := os.ReadFile(authority)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	client := &fasthttp.Client{MaxConnsPerHost: workers, TLSConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	var left atomic.Int64
	left.Store(int64(rows))
	failed := make(chan error, workers)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := post(client, url+"/api/AppSessionManager/GetSessionId"); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(failed)
	return <-failed
}

func post(client *fasthttp.Client, url string) error {
	request, answer := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(request)
	defer fasthttp.ReleaseResponse(answer)
	request.SetRequestURI(url)
	request.Header.SetMethod(fasthttp.MethodPost)
	request.Header.SetContentType("application/json")
	request.SetBodyString(body)
	if err := client.Do(request, answer); err != nil {
		return err
	}
	var envelope struct {
		StatusCode int
		Messages   []string
		Result     struct{ SessionID string }
	}
	if err := json.Unmarshal(answer.Body(), &envelope); err != nil {
		return err
	}
	if envelope.Result.SessionID == "" {
		return errors.New("no session in the answer")
	}
	return nil
}
