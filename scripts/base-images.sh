#!/usr/bin/env bash
# Makes sure that the public base images debian:bookworm-slim and node:24-bookworm-slim are on this machine.
#
# They are pulled. Where no image registry can be reached, look-alikes are made from the distribution's and npm's
# packages and tagged with the same names, so that the Dockerfiles stay ordinary. Those trust this machine's extra
# certificates and carry the label sampan.local-base=1: they are for local use, never to be published.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
suite=bookworm
major=24
debian=debian:$suite-slim
node=node:$major-$suite-slim

say() { printf 'base-images: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

label() { "$cli" image inspect -f "{{index .Config.Labels \"$2\"}}" "$1" 2>/dev/null | sed 's/<no value>//'; }

exists() { "$cli" image inspect "$1" >/dev/null 2>&1; }

# There and, if made here, with the certificates of today: gateways change theirs.
ready() {
  local made_with
  exists "$1" || return 1
  made_with=$(label "$1" sampan.local-ca)
  [[ -z $made_with || $made_with == "$ca_hash" ]]
}

# Certificates that this machine trusts beyond the distribution's own.
extra_certificates() {
  local file
  find -L /usr/local/share/ca-certificates -type f -name '*.crt' 2>/dev/null | LC_ALL=C sort
  for file in "${SAMPAN_EXTRA_CA_FILE:-}" "${NODE_EXTRA_CA_CERTS:-}"; do
    [[ ! -f $file || $(readlink -f "$file") == /etc/ssl/certs/ca-certificates.crt ]] || printf '%s\n' "$file"
  done
}

# A registry that is there names the image within seconds; the download may then take its time.
pull() {
  local out=$work/pull pid tries
  timeout 900 "$cli" pull "$1" >"$out" 2>&1 &
  pid=$!
  for ((tries = 0; tries < 60; tries++)); do
    kill -0 "$pid" 2>/dev/null || break
    ! grep -qE 'Pulling (from|fs layer)|Getting image|Copying' "$out" || break
    sleep 0.2
  done
  if ((tries == 60)); then
    registry=silent
    echo "no registry answers" >>"$out"
    kill "$pid" 2>/dev/null || true
  fi
  if wait "$pid"; then
    say "pulled $1"
  else
    say "cannot pull $1: $(tail -n 1 "$out")"
    return 1
  fi
}

# derive FROM TO SCRIPT CHANGE…: runs SCRIPT in FROM, with a tar archive on its input, and keeps the outcome as TO.
derive() {
  local from=$1 to=$2 script=$3 change
  local -a changes=()
  shift 3
  for change in "$@" 'LABEL sampan.local-base=1'; do
    changes+=(--change "$change")
  done
  "$cli" run -i --name "$container" "$from" sh -ec "$script" >&2
  "$cli" commit "${changes[@]}" "$container" "$to" >/dev/null
  "$cli" rm -f "$container" >/dev/null
}

make_debian() {
  local root=$work/root mirror
  ((EUID == 0)) || die "making $debian without a registry needs root (it unpacks a Debian): sudo $0"
  "$here/packages.sh" base-images
  say "making $debian from the distribution's packages (a minute or two)"
  debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" >"$work/debootstrap" 2>&1 || {
    tail -n 15 "$work/debootstrap" >&2
    die "debootstrap failed"
  }
  # Bug fixes come from two more suites beside the one debootstrap wrote down.
  mirror=$(awk '$1 == "deb" { print $2; exit }' "$root/etc/apt/sources.list")
  printf 'deb %s main\n' "$mirror $suite-updates" "${mirror%/}-security $suite-security" >>"$root/etc/apt/sources.list"
  # What makes a Debian slim, now and after later installs: no manuals, no translations, no archives left behind.
  cat >"$root/etc/dpkg/dpkg.cfg.d/slim" <<'END'
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
END
  cat >"$root/etc/apt/apt.conf.d/slim" <<'END'
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
END
  find "$root/usr/share/doc" -type f ! -name copyright -delete
  rm -rf "$root"/usr/share/{info,locale,man}/* "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin \
    "$root"/var/cache/apt/archives/*.deb "$root"/var/log/*.log "$root"/var/log/apt/* "$root/etc/hostname"
  : >"$root/etc/resolv.conf"
  # No service starts while a package is installed into an image.
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  tar -C "$root" --numeric-owner --exclude './dev/*' --exclude './proc/*' --exclude './sys/*' -c . |
    "$cli" import --change 'CMD ["bash"]' \
      --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' --change 'LABEL sampan.local-base=1' --change 'LABEL sampan.local-ca=none' \
      - "$debian" >/dev/null
  rm -rf --one-file-system "$root"
}

# Trust in $1 exactly what this machine trusts besides the usual.
renew_certificates() {
  local image=$1 stage=$work/certificates file count=0
  local -a changes=("CMD [\"$2\"]" "LABEL sampan.local-ca=$ca_hash")
  rm -rf "$stage"
  mkdir -p "$stage"
  while read -r file; do
    cp -L "$file" "$stage/extra-$((++count)).crt"
  done < <(extra_certificates)
  # Node has a list of its own, and takes additions from one file.
  ((count == 0)) || changes+=('ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt')
  say "$image: $count extra certificates of this machine"
  # shellcheck disable=SC2016 # for the shell inside
  tar -C "$stage" -c . | derive "$image" "$image" '
    dir=/usr/local/share/ca-certificates
    rm -rf "$dir" && mkdir -p "$dir" && tar -x --no-same-owner -C "$dir"
    update-ca-certificates --fresh >/dev/null 2>&1' "${changes[@]}"
}

make_node() {
  local stage=$work/node arch ca
  local -a packed
  command -v npm >/dev/null || die "making $node without a registry needs npm (Node.js): install it first"
  case $("$cli" image inspect -f '{{.Architecture}}' "$debian") in
    arm64) arch=arm64 ;;
    *) arch=x64 ;;
  esac
  say "making $node from npm's packages"
  mapfile -t packed < <(npm pack --silent --pack-destination "$work" "node-linux-$arch@$major" npm@11)
  ((${#packed[@]} == 2)) || die "npm has no node-linux-$arch@$major or no npm@11 here"
  mkdir -p "$stage/bin" "$stage/lib/node_modules/npm"
  tar -C "$stage" --strip-components=1 -xzf "$work/${packed[0]}" package/bin/node package/LICENSE
  tar -C "$stage/lib/node_modules/npm" --strip-components=1 -xzf "$work/${packed[1]}"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$stage/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$stage/bin/npx"
  chmod 755 "$stage/bin/node" "$stage"/lib/node_modules/npm/bin/*.js
  ca=$(label "$debian" sampan.local-ca)
  # shellcheck disable=SC2016 # for the shell inside
  tar -C "$stage" -c . | derive "$debian" "$node" '
    tar -x --no-same-owner -C /usr/local
    groupadd --gid 1000 node
    useradd --uid 1000 --gid node --shell /bin/bash --create-home node
    command -v update-ca-certificates >/dev/null ||
      { apt-get update -qq && apt-get install -qq -y --no-install-recommends ca-certificates; }
    echo "node $(node --version), npm $(npm --version)"' 'CMD ["node"]' "LABEL sampan.local-ca=${ca:-none}"
}

clean_up() {
  [[ ! -e $work/root/proc/self ]] || umount "$work/root/proc" || true
  "$cli" rm -f "$container" >/dev/null 2>&1 || true
  rm -rf --one-file-system "$work"
}

(($# == 0)) || {
  say "usage: scripts/base-images.sh"
  exit 2
}
engine=$("$here/engine.sh")
eval "$engine"
cli=${ENGINE_CLI:-docker}
command -v "$cli" >/dev/null || cli=podman
command -v "$cli" >/dev/null || die "no docker and no podman command; install docker.io or set ENGINE_CLI"

mapfile -t certificates < <(extra_certificates)
ca_hash=none
((${#certificates[@]} == 0)) || ca_hash=$(cat "${certificates[@]}" | sha256sum | cut -c 1-16)

! { ready "$debian" && ready "$node"; } || exit 0

work=$(mktemp -d "${TMPDIR:-/var/tmp}/sampan-base.XXXXXX")
container=sampan-base-$$
registry=unknown
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

for image in "$node" "$debian"; do
  exists "$image" || [[ $registry == silent ]] || pull "$image" || true
done
exists "$debian" || make_debian
ready "$debian" || renew_certificates "$debian" bash
exists "$node" || make_node
ready "$node" || renew_certificates "$node" node
for image in "$debian" "$node"; do
  [[ $(label "$image" sampan.local-base) != 1 ]] ||
    say "$image was made on this machine: for local use only; publish neither it nor what is built on it"
done
