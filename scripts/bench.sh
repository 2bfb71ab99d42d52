#!/usr/bin/env bash
# Everything a fresh machine needs, then the benchmarks: one JSON line per figure, and a table. Ratios compare with a
# yardstick of the same run; nothing else should be busy on the machine meanwhile.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/need.sh cargo node npm
scripts/packages.sh build demo bench
eval "$(scripts/engine.sh)"
scripts/images.sh >/dev/null

world=$(mktemp -d)
trap 'demo/services.sh down "$world" || true; rm -rf "$world"' EXIT
demo/services.sh up "$world"
set -a
# shellcheck disable=SC1091
. "$world/env"
set +a
cargo bench --locked --bench pipeline
cargo bench --locked --bench logs
cargo build --release --locked
(cd tests/browser && npm ci --no-audit --no-fund >/dev/null)
SAMPAN_BIN=${CARGO_TARGET_DIR:-$PWD/target}/release/sampan node bench/browser.mjs
