# bulkonboard: `make` alone prints what it can do.
GOLANGCI ?= v2.12.2
# bulkonboard-temporal is a module of its own, for what it alone needs.
CLUSTER  := cmd/bulkonboard-temporal
# The race detector needs a C compiler; without one the tests run all the same.
RACE     := $(shell command -v $${CC:-gcc} >/dev/null 2>&1 && echo -race)
# Tests that start programs wait for them, so there are more at once than processors.
# make vet and make check vet the code; here it would be read once more for that.
TESTS    := $(RACE) -vet=off -shuffle=on -parallel 4 -timeout 30m
# The race detector would have each program wait a second before it exits.
export GORACE := atexit_sleep_ms=0

.PHONY: help run build build-cluster test fuzz lint fmt vet check bench bench-e2e bench-compare bench-pace torture release release-check test-cluster demo-cluster cluster-tools

help: ## print this help
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

run: build ## take the sample list through the built-in sandbox
	@.ci/demo build/demo

# Static, as releases are: the C library would take 1.3 MiB of memory in every run.
build: ## build build/bulkonboard
	CGO_ENABLED=0 go build -trimpath -o build/bulkonboard ./cmd/bulkonboard
build-cluster: build ## build build/bulkonboard-temporal, too
	CGO_ENABLED=0 go -C $(CLUSTER) build -trimpath -o ../../build/bulkonboard-temporal .

# The program's own tests take longest, and so come first: all others run beside them.
test: ## run all tests
	@test -n "$(RACE)" || echo "no C compiler found: testing without the race detector"
	go test $(TESTS) ./cmd/bulkonboard ./...
	go -C $(CLUSTER) test $(TESTS) ./...

test-cluster: cluster-tools ## run the tests that start real servers on this machine
	go -C $(CLUSTER) test $(TESTS) -tags cluster -count=1 -p 1 ./...
demo-cluster: build-cluster cluster-tools ## take the sample list through three workers on this machine
	@.ci/demo-cluster build/demo-cluster
cluster-tools: ## install these servers, Temporal and one of S3, into build/tools
	@.ci/cluster-tools

fuzz: ## run every fuzz target for FUZZTIME, or 10s
	.ci/fuzz $(FUZZTIME)

lint: ## lint, with a pinned golangci-lint
	go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI) run
	go -C $(CLUSTER) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI) run

fmt: ## format the code
	gofmt -w batch cmd sink source testdata/fasthttp

vet: ## vet the code, and check its format, go.mod and what the program links
	@.ci/vet

bench: ## run the benchmarks of the parts
	go test -run '^$$' -bench . -benchmem ./...

bench-e2e: build ## measure whole runs against bare loops of net/http and fasthttp
	go test -tags bench -count=1 -v -timeout 0 -run '^TestEndToEnd$$' ./cmd/bulkonboard
bench-compare: ## benchmark the parts at REF and here, and show what differs
	.ci/bench-compare $(REF)
bench-pace: ## measure the pace against every kind of service, 100 times each
	GOGC=800 go test ./batch/pace -count=1 -v -timeout 0 -run QuotaAndKeeps -pace.all -pace.seeds 100

torture: ## kill, starve and corrupt a real run for some minutes
	go test -tags torture -count=1 -v -timeout 60m -run '^TestTorture' ./batch/... ./cmd/bulkonboard

release: ## build static programs, SBOMs, man pages and checksums into build/release
	.ci/release build/release
release-check: release ## build that again, from a clone and an empty cache: the same bytes?
	.ci/release-check

check: vet lint test ## everything that must hold before a change lands
