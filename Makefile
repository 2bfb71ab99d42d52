# The outside contract's targets. Each sets up what it needs; a second run takes seconds.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:

CARGO_TARGET_DIR ?= $(CURDIR)/target
export CARGO_TARGET_DIR
SAMPAN := $(CARGO_TARGET_DIR)/release/sampan

.PHONY: all images build demo test check bench clean

# The container images of dockerfiles/; the server's holds the binary.
all images: build
	scripts/images.sh --all

build:
	scripts/need.sh cargo
	scripts/packages.sh build
	cargo build --release --locked

demo:
	scripts/need.sh cargo node npm
	scripts/packages.sh build demo
	scripts/images.sh >/dev/null
	cargo build --release --locked
	eval "$$(scripts/engine.sh)"; exec demo/demo.sh "$(SAMPAN)"

test:
	scripts/test.sh

bench:
	scripts/bench.sh

check:
	scripts/check.sh

clean:
	rm -rf .demo
	cargo clean
