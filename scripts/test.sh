#!/usr/bin/env bash
# Everything a fresh machine needs, then every test: Rust, workers, demo, browser. Ends with one line of counts.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/need.sh cargo node npm
scripts/packages.sh build demo test
eval "$(scripts/engine.sh)"
scripts/images.sh >/dev/null

world=$(mktemp -d)
logs=$world/logs
mkdir -p "$logs"
# PostgreSQL runs as another user, below this directory.
chmod 711 "$world"
trap 'demo/services.sh down "$world/demo" || true; scripts/sshd.sh down "$world/ssh" || true; scripts/postgres.sh down "$world/postgres" || true; rm -rf "$world"' EXIT

SAMPAN_TEST_PG=$(scripts/postgres.sh up "$world/postgres")
export SAMPAN_TEST_PG
demo/services.sh up "$world/demo"
set -a
# shellcheck disable=SC1091
. "$world/demo/env"
scripts/sshd.sh up "$world/ssh" >/dev/null
# shellcheck disable=SC1091
. "$world/ssh/env"
set +a

broken=()
# All of them run, whatever one of them finds; the end tells.
run() {
  echo "── $1"
  "${@:2}" 2>&1 | tee "$logs/$1" || broken+=("$1")
}

(cd tests/oidc && npm ci --no-audit --no-fund >/dev/null)
run rust cargo test --locked --no-fail-fast
export SAMPAN_BIN=${CARGO_TARGET_DIR:-$PWD/target}/debug/sampan
run workers npm --prefix workers test
(cd demo/standin && npm ci --no-audit --no-fund >/dev/null)
run demo node --test demo/git-server.test.mjs scripts/sshd.test.mjs tests/oidc/provider.test.mjs demo/standin/*.test.mjs demo/standin/*/*.test.mjs demo/demo.test.mjs
(cd tests/browser && npm ci --no-audit --no-fund >/dev/null)
run browser node --test tests/browser/run.test.mjs tests/browser/log-parts.test.mjs tests/browser/scripts.test.mjs

# cargo: "test result: ok. 3 passed; 0 failed; …"; node: "ℹ pass 3", "ℹ fail 0", or "# pass 3".
sum() { sed 's/\x1b\[[0-9;]*m//g' "$logs"/* | sed -nE "$1" | awk '{n += $1} END {print n + 0}'; }
passed=$(sum 's/^test result: .* ([0-9]+) passed;.*/\1/p; s/^[#ℹ] pass ([0-9]+)$/\1/p')
failed=$(sum 's/^test result: .* ([0-9]+) failed;.*/\1/p; s/^[#ℹ] fail ([0-9]+)$/\1/p')
echo "$passed passed, $failed failed"
if [ "$failed" != 0 ] || [ ${#broken[@]} != 0 ]; then
  echo "failed: ${broken[*]}" >&2
  exit 1
fi
