#!/usr/bin/env bash
# Asks a running server everything that its OpenAPI document promises to answer, and much that it does not, and holds it to the document.
#
#   scripts/schemathesis.sh BASE_URL TOKEN     fails if an answer breaks the promise
#
# It writes: give it a server that nobody minds, and a token that may do everything.
# From the environment: EXCLUDE (a regular expression of paths not to ask; the default is below), SAMPAN_TOOLS_DIR.
set -euo pipefail

die() {
  printf 'schemathesis: %s\n' "$*" >&2
  exit 1
}

[[ $# == 2 ]] || {
  sed -n '4s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
}
base=${1%/} token=$2
# What would end its own token, and what no plain request can speak to.
exclude=${EXCLUDE:-'/(tokens|sessions)/\{[^/]*\}$|/live$'}
checks=not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,ignored_auth
seconds=120

# All of them: what is asked depends on the generators too, and nothing else may change it.
packages=(
  schemathesis==4.32.5 anyio==4.16.0 certifi==2026.10.19.post1 charset-normalizer==3.5.3 click==8.5.1 graphql-core==3.3.2
  harfile==0.6.0 hypothesis==6.170.17 hypothesis-graphql==0.13.5 idna==3.20 iniconfig==2.3.1 jsonschema_rs==0.60.3
  markdown-it-py==4.3.0 MarkupSafe==3.0.4 mdurl==0.1.2 packaging==26.4 pluggy==1.7.0 Pygments==2.21.0 pyrate-limiter==4.5.1
  pytest==9.2.0 PyYAML==6.0.4 requests==2.34.2 rich==15.0.0 sortedcontainers==2.4.0 typing_extensions==4.16.0 urllib3==2.8.0
  Werkzeug==3.1.9
)

install() {
  local wanted
  python3 -c 'import ensurepip, venv' 2>/dev/null || die "no Python with virtual environments: scripts/packages.sh check"
  wanted="$(python3 --version) ${packages[*]}"
  [[ $(cat "$venv/installed" 2>/dev/null) != "$wanted" ]] || return 0
  rm -rf "$venv"
  python3 -m venv "$venv"
  # pip has authorities of its own; behind a gateway only the machine's know the gateway.
  local bundle=/etc/ssl/certs/ca-certificates.crt
  [[ -n ${PIP_CERT:-} || ! -r $bundle ]] || export PIP_CERT=$bundle
  "$venv/bin/pip" install --quiet --disable-pip-version-check "${packages[@]}"
  echo "$wanted" >"$venv/installed"
}

# With a token that is not good, every answer would be a promised 401.
token_works() {
  curl -fsS --noproxy '*' --max-time 10 -o /dev/null -H "Authorization: Bearer $token" "$base/api/v1/me"
}

tools=${SAMPAN_TOOLS_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/sampan/tools}
venv=$tools/schemathesis-venv
mkdir -p "$tools"
exec 9>"$venv.lock"
flock 9
install
exec 9>&-

token_works || die "the token does not work at $base"
# A folder of its own, without anybody's settings or remembered examples.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
status=0
# Interrupted, it still tells what it found.
NO_PROXY='*' timeout --signal=INT --kill-after=10 "$seconds" "$venv/bin/schemathesis" run "$base/api/openapi.json" \
  --header "Authorization: Bearer $token" --checks "$checks" --exclude-path-regex "$exclude" \
  --max-examples 20 --generation-deterministic --workers 1 \
  --request-timeout 10 --no-color || status=$?
((status != 124 && status != 137)) || die "not done after $seconds s"
((status == 0)) || exit "$status"
token_works || die "the token does not work any more: what was asked after it ended proves nothing"
