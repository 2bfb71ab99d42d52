#!/usr/bin/env bash
# Renders k8s/ and checks it without a cluster; scripts/k8s.py says what.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

kubernetes=1.32
validator="kubernetes-validate==1.37.0"

scripts/packages.sh check
scripts/need.sh kubectl
tools=${SAMPAN_TOOLS_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/sampan/tools}
venv=$tools/k8s
if [[ $(cat "$venv/installed" 2>/dev/null) != "$validator" ]]; then
  rm -rf "$venv"
  mkdir -p "$tools"
  python3 -m venv "$venv"
  # pip has authorities of its own; behind a gateway only the machine's know the gateway.
  bundle=/etc/ssl/certs/ca-certificates.crt
  [[ -n ${PIP_CERT:-} || ! -r $bundle ]] || export PIP_CERT=$bundle
  "$venv/bin/pip" install --quiet --disable-pip-version-check "$validator"
  echo "$validator" >"$venv/installed"
fi

version=$(sed -n '/^version = "/{s/^version = "\(.*\)".*/\1/p;q}' Cargo.toml)
manifests=$(kubectl kustomize k8s/base)
{
  echo "$manifests"
  for file in k8s/*.yaml; do
    echo ---
    cat "$file"
  done
} | "$venv/bin/python" scripts/k8s.py "$kubernetes" "$version" src/web/mod.rs
