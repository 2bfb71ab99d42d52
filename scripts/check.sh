#!/usr/bin/env bash
# Formatting, lints, docs, licences, unused dependencies, scripts, Kubernetes manifests. The architecture is a test: tests/architecture.rs.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/need.sh cargo node npm
scripts/packages.sh build check
tools=${SAMPAN_TOOLS_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/sampan/tools}

# A tool of a pinned version, built once and kept outside the checkout.
tool() {
  if [ ! -x "$tools/bin/$1" ] || [ "$(cat "$tools/$1.version" 2>/dev/null)" != "$2" ]; then
    CARGO_TARGET_DIR=$tools/target cargo install --quiet --locked --root "$tools" "$1@$2" "${@:3}"
    echo "$2" >"$tools/$1.version"
  fi
}

step() {
  echo "── $*"
  "$@"
}

step cargo fmt --check
step cargo clippy --locked --all-targets --quiet -- -D warnings
RUSTDOCFLAGS="-D warnings" step cargo doc --locked --no-deps --document-private-items --quiet
step cargo test --locked --quiet --test architecture
tool cargo-deny 0.20.2 --no-default-features
# Advisories need a database that may be out of reach here: `cargo deny check advisories` where it is not.
step "$tools/bin/cargo-deny" --log-level warn check licenses bans sources
tool cargo-machete 0.9.2
step "$tools/bin/cargo-machete"
mapfile -t shell < <(git ls-files '*.sh' .ci/run)
step shellcheck "${shell[@]}"
step scripts/k8s.sh
echo "checked"
