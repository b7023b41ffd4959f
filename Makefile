# Everything a contributor runs. `make` alone lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# Built tools, Kubernetes and node images live outside the checkout, so that only the first run compiles them.
export QIANTANG_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/qiantang
TOOLS := $(QIANTANG_CACHE)/tools
# One setting for building and testing, so that nothing is compiled twice; static binaries besides.
export CGO_ENABLED = 0
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# Generous, because a loaded machine is no fault; nothing asserts times.
TESTFLAGS ?= -timeout 40m
LDFLAGS := -s -w -X main.version=$(VERSION)

CONTROLLER_GEN := $(TOOLS)/controller-gen@v0.23.0
GOLANGCI       := $(TOOLS)/golangci-lint@v2.15.0
KAL            := $(TOOLS)/golangci-lint-kube-api-linter@v0.0.0-20260716143926-092fe0c72997
HELM           := $(TOOLS)/helm@v3.22.0
KUBECONFORM    := $(TOOLS)/kubeconform@v0.8.0
VEGETA         := $(TOOLS)/vegeta@v12.13.0

# $(call install,MODULE/PATH): go install the version in the target's own name, under that name.
define install
	@mkdir -p $(TOOLS)/tmp.$$$$ && echo "building $(@F) (first run only)" >&2 && \
	GOBIN=$(TOOLS)/tmp.$$$$ GOFLAGS=-buildvcs=false go install -ldflags '-s -w' $(1)@$(lastword $(subst @, ,$(@F))) && \
	mv $(TOOLS)/tmp.$$$$/* $@ && rmdir $(TOOLS)/tmp.$$$$
endef

##@ Use
.PHONY: help
help: ## this list
	@awk 'BEGIN{FS=":.*## "} /^##@/{printf "\n%s\n",substr($$0,5)} /^[a-z0-9-]+:.*## /{printf "  %-12s %s\n",$$1,$$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: build ## two real clusters, the operator, a thousand payments, settled (CLUSTER=existing takes the current kube context)
	@go -C hack run ./demo up

.PHONY: demo-down
demo-down: ## remove what the demo started, and nothing else
	@go -C hack run ./demo down

.PHONY: up
up: build ## the samples in one process, no cluster
	@bin/qiantang up -f config/samples

##@ Build and test
.PHONY: build
build: ## bin/qiantang, one static binary
	@go build -buildvcs=false -ldflags '$(LDFLAGS)' -o bin/qiantang ./cmd/qiantang

.PHONY: test
test: ## unit tests, and the controllers against a real kube-apiserver and etcd
	@assets=$$(go -C hack run ./cluster assets) && KUBEBUILDER_ASSETS=$$assets go test -buildvcs=false $(TESTFLAGS) ./...
	@go -C hack test -buildvcs=false $(TESTFLAGS) ./...

.PHONY: e2e
e2e: build ## the demo's whole path, on two real clusters
	@go test -buildvcs=false -tags e2e -count=1 -timeout 60m -v ./test/e2e/...

.PHONY: bench
bench: build $(VEGETA) ## measure beside the named references; docs/benchmarks.md keeps the results (QIANTANG_BENCH="router route iso ledger" selects)
	@VEGETA=$(VEGETA) test/bench/run

.PHONY: soak
soak: build ## 100,000 payments while everything misbehaves and the router is killed all the time
	@go run -buildvcs=false ./test/soak -qiantang bin/qiantang $(SOAKFLAGS)

##@ Keep in order
.PHONY: generate
generate: $(CONTROLLER_GEN) ## deepcopy, CRDs and RBAC from their sources
	@mkdir -p $(TOOLS)/path && ln -sf $(CONTROLLER_GEN) $(TOOLS)/path/controller-gen
	@PATH=$(TOOLS)/path:$$PATH go generate ./...

.PHONY: fmt
fmt: ## gofmt
	@gofmt -w $$(git ls-files '*.go')

.PHONY: lint
lint: $(GOLANGCI) $(KAL) $(HELM) ## linters, API conventions, charts, generated files up to date
	@$(GOLANGCI) run --allow-parallel-runners ./...
	@cd hack && $(GOLANGCI) run --allow-parallel-runners --config ../.golangci.yml ./...
	@$(KAL) run --config .golangci-kal.yml ./api/...
	@$(HELM) lint --quiet --strict charts/qiantang charts/qiantang-crds
	@hack/verify-generated

$(CONTROLLER_GEN): ; $(call install,sigs.k8s.io/controller-tools/cmd/controller-gen)
$(GOLANGCI): ; $(call install,github.com/golangci/golangci-lint/v2/cmd/golangci-lint)
$(KAL): ; $(call install,sigs.k8s.io/kube-api-linter/cmd/golangci-lint-kube-api-linter)
$(HELM): ; $(call install,helm.sh/helm/v3/cmd/helm)
$(KUBECONFORM): ; $(call install,github.com/yannh/kubeconform/cmd/kubeconform)
$(VEGETA): ; $(call install,github.com/tsenart/vegeta/v12)
.PHONY: tools-helm
tools-helm: $(HELM) # the demo asks for it
	@echo $(HELM)

.PHONY: tools
tools: $(CONTROLLER_GEN) $(GOLANGCI) $(KAL) $(HELM) ## build the pinned tools
