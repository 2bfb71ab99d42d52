#!/usr/bin/env bash
# Builds the container images of dockerfiles/ that are missing or out of date.
#
#   scripts/images.sh                  what releases run in: build-node24 and every platform-…
#   scripts/images.sh --all            and the server, with the binary that `make build` left
#   scripts/images.sh --only NAME      one of them: server, build-node24, or platform-… as in dockerfiles/;
#                                      or build-node16 and the like: the build image with another Node.js
#
# Reads: ENGINE_CLI (docker), SAMPAN_NPM_REGISTRY, SAMPAN_EXTRA_CA_FILE, CARGO_TARGET_DIR (target),
# SAMPAN_BIN (the server's binary, release/sampan in there).
# Prints the images' names on standard output, the builds' output on standard error.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'images: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}
usage() {
  say "usage: scripts/images.sh [--all | --only NAME]; NAME: server $(names | tr '\n' ' ')"
  exit 2
}

names() {
  local file
  echo build-node24
  for file in dockerfiles/platform-*.Dockerfile; do
    file=${file##*/}
    echo "${file%.Dockerfile}"
  done
}

# The files that a Dockerfile copies; .dockerignore leaves out the same ones.
copied_files() {
  case $1 in
    server) echo "$binary" ;;
    platform-*)
      find workers/lib "workers/${1#platform-}" -name node_modules -prune -o -type f ! -name '*.test.mjs' ! -name '*.log' -print |
        LC_ALL=C sort
      ;;
  esac
}

# Certificates that this machine trusts beyond the distribution's own: npm needs them while building.
extra_certificates() {
  [[ -z ${SAMPAN_EXTRA_CA_FILE:-} ]] || cat "$SAMPAN_EXTRA_CA_FILE"
  find -L /usr/local/share/ca-certificates -type f -name '*.crt' -exec cat {} + 2>/dev/null || true
}

build() {
  local name=$1 from=node:24-bookworm-slim file=dockerfiles/$1.Dockerfile context=. image base inputs old
  local -a files arguments=(--build-arg "NPM_REGISTRY=$registry" --build-arg "EXTRA_CA=$ca")
  case $name in
    server)
      [[ -x $binary ]] || die "$binary is missing: run make build"
      from=debian:bookworm-slim context=$stage
      arguments=(--build-arg "VERSION=$version")
      ;;
    build-node24) file=dockerfiles/build.Dockerfile context=$stage ;;
    build-node[0-9][0-9])
      build build-node24 >/dev/null
      file=dockerfiles/node.Dockerfile context=$stage from=sampan/build-node24:$version
      arguments+=(--build-arg "FROM=$from" --build-arg "NODE=${name#build-node}")
      ;;
    platform-*) [[ -f $file ]] || usage ;;
    *) usage ;;
  esac
  scripts/base-images.sh

  image=sampan/$name:$version
  base=$("$cli" image inspect -f '{{.Id}}' "$from")
  mapfile -t files < <(copied_files "$name")
  inputs=$({
    printf '%s\n' "$base" "$registry" "$ca"
    sha256sum "$file" .dockerignore "${files[@]}"
  } | sha256sum | cut -d ' ' -f 1)
  if [[ $("$cli" image inspect -f '{{index .Config.Labels "sampan.inputs"}}' "$image" 2>/dev/null) == "$inputs" ]]; then
    say "$image is up to date"
  else
    say "building $image"
    SECONDS=0
    # The rest of the target folder, gigabytes of it, stays out of the engine's sight.
    [[ $name != server ]] || cp "$binary" "$stage/sampan"
    old=$("$cli" image inspect -f '{{.Id}}' "$image" 2>/dev/null || true)
    "$cli" build --force-rm --file "$file" --tag "$image" --label "sampan.inputs=$inputs" "${arguments[@]}" "$context" >&2 ||
      die "$image could not be built"
    say "built $image in ${SECONDS} s"
    # Stays as long as a container uses it.
    [[ -z $old ]] || "$cli" image rm "$old" >/dev/null 2>&1 || true
  fi
  echo "$image"
}

mapfile -t wanted < <(names)
case $#:${1:-} in
  0:) ;;
  1:--all) wanted+=(server) ;;
  2:--only) wanted=("$2") ;;
  *) usage ;;
esac

engine=$(scripts/engine.sh)
eval "$engine"
cli=${ENGINE_CLI:-docker}
command -v "$cli" >/dev/null || cli=podman
command -v "$cli" >/dev/null || die "no docker and no podman command; install docker.io or set ENGINE_CLI"
# A client may ask for BuildKit by default without having it.
if [[ $cli != *podman ]] && ! "$cli" buildx version >/dev/null 2>&1; then
  export DOCKER_BUILDKIT=0
fi

version=$(sed -n '/^version = "/{s/^version = "\(.*\)".*/\1/p;q}' Cargo.toml)
registry=${SAMPAN_NPM_REGISTRY:-}
binary=${SAMPAN_BIN:-${CARGO_TARGET_DIR:-target}/release/sampan}
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
ca=$(extra_certificates)
((${#ca} < 100000)) || die "SAMPAN_EXTRA_CA_FILE is too large: it should hold the extra certificates only"

for name in "${wanted[@]}"; do
  build "$name"
done
