#!/usr/bin/env bash
# Says how to get a tool that only a person can choose how to install.
set -euo pipefail
missing=0
for tool in "$@"; do
  if command -v "$tool" >/dev/null; then continue; fi
  missing=1
  case $tool in
    cargo) echo "Rust is missing: see rustup.rs (1.90 or newer)" >&2 ;;
    node | npm) echo "Node.js is missing: version 20 or newer, with npm, from nodejs.org or your distribution" >&2 ;;
    kubectl) echo "kubectl is missing: any version since 1.20, from kubernetes.io or your distribution" >&2 ;;
    *) echo "$tool is missing" >&2 ;;
  esac
done
exit "$missing"
