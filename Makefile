# Lambent is two commands away on a fresh Debian machine with Go, git, make and gcc, as root:
#   make demo    starts Lambent, deploys four examples, invokes them, shows the receipts
#   make test    everything that must hold, in 15 minutes at most
export CGO_ENABLED ?= 0
SHELL := /bin/bash
GO ?= go

.PHONY: build runsc microvm vhost needs testneeds benchneeds demo test bench flames package soak lint fmt clean help

help: ## Say what there is to make
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

build: ## Put lambent and its helpers into bin/
	@$(GO) build -trimpath -o bin/ ./cmd/...

runsc: build ## Build gVisor's runsc into bin/, some minutes the first time
	@bin/lambent setup gvisor --dir bin

microvm: build ## Install QEMU and make what microVMs boot from in bin/microvm, as root on Debian
	@bin/lambent setup microvm --dir bin --firecracker-from none
	@bin/lambent setup microvm --dir bin >/dev/null || echo 'without Firecracker, then'

vhost: ## Build vhost-device-vsock into bin/vhost, with cargo: a test reaches guests over vsock by it
	@cargo install --quiet --locked --root bin/vhost vhost-device-vsock@0.3.0

needs: ## Install what is absent: Python, mkfs.ext4
	@./test/install

testneeds:
	@./test/install tests

demo: build needs ## Show it: four examples, cold and warm, with receipts
	@cd examples/demo && $(GO) run . -lambent ../../bin/lambent -examples ..

test: testneeds ## Everything that must hold
	@./test/run

benchneeds:
	@./test/install bench

bench: build benchneeds ## Measure it beside floors and competitors, in thirteen minutes: bin/bench.html
	@bin/lambent bench --html bin/bench.html

flames: build ## Draw flame graphs of boxes and cold starts, as root, with perf: docs/flames/
	@bench/flames

package: ## Static programs and Debian packages into dist/
	@./packaging/build

soak: build testneeds ## Long rounds: fuzzing, load, many starts
	@./test/soak

lint: ## gofumpt, go vet, staticcheck, the rules in internal/lint
	@./test/lint

fmt: ## Format every file
	@$(GO) tool gofumpt -w bench cmd internal test

clean: ## Remove what was built
	@rm -rf bin dist
