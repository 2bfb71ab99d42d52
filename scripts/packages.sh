#!/usr/bin/env bash
# Installs the distribution packages that a purpose needs and the machine lacks (Debian, Ubuntu).
#
#   scripts/packages.sh PURPOSE…      build | demo | test | bench | check | engine | base-images
#
# With everything in place it only asks dpkg, and installs nothing.
set -euo pipefail

say() { printf 'packages: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}
usage() {
  say "usage: scripts/packages.sh build|demo|test|bench|check|engine|base-images …"
  exit 2
}

# One package name a line.
wanted() {
  local purpose
  for purpose in "$@"; do
    case $purpose in
      # A C toolchain, and OpenSSL's headers for openssl-sys; libgit2, SQLite and AWS-LC bring their own sources.
      build) printf '%s\n' build-essential pkg-config libssl-dev git curl ca-certificates ;;
      demo) printf '%s\n' git openssl curl ca-certificates ;;
      check)
        echo shellcheck
        python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
        # Not every distribution has it.
        have kubectl || ! apt-cache show kubernetes-client >/dev/null 2>&1 || echo kubernetes-client
        ;;
      test)
        printf '%s\n' fonts-noto-cjk unzip zbar-tools openssh-server
        # Another release of the server, or another brand of the browser, serves as well.
        compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || echo postgresql
        have chromium chromium-browser google-chrome google-chrome-stable || echo chromium
        have redis-server || echo redis-server
        ;;
      bench)
        printf '%s\n' wrk fonts-noto-cjk
        have chromium chromium-browser google-chrome google-chrome-stable || echo chromium
        ;;
      engine)
        printf '%s\n' iptables curl ca-certificates
        have dockerd || echo docker.io
        # Newer releases ship the client apart from the daemon.
        have docker || ! apt-cache show docker-cli >/dev/null 2>&1 || echo docker-cli
        # Where the kernel enforces AppArmor, no container starts without its parser.
        ! grep -qs Y /sys/module/apparmor/parameters/enabled || echo apparmor
        ;;
      base-images) printf '%s\n' debootstrap debian-archive-keyring ca-certificates ;;
      *) usage ;;
    esac
  done
}

have() {
  local name
  for name in "$@"; do
    command -v "$name" >/dev/null && return 0
  done
  return 1
}

# Fills `missing` from the purposes given.
look() {
  local names installed name
  names=$(wanted "$@" | sort -u)
  # shellcheck disable=SC2086 # one word a package
  installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' $names 2>/dev/null || true)
  missing=()
  for name in $names; do
    grep -qx "$name installed" <<<"$installed" || missing+=("$name")
  done
}

apt() {
  # Another apt may be at work: wait for it. Without recommends: no services, no documentation.
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 \
    -o Dpkg::Use-Pty=0 -qq "$@" >>"$log" 2>&1 9<&-
}

is_missing() { [[ " ${missing[*]} " == *" $1 "* ]]; }

# Nothing we install may start by itself: there is to be exactly one dockerd, no database cluster, no Redis, and no way in by SSH.
hold_services() {
  local held=
  # With systemd the engine is its service, to be started by it.
  if [[ ! -d /run/systemd/system ]]; then
    held='*'
  else
    ! is_missing openssh-server || held='ssh*'
    ! is_missing redis-server || held+="${held:+ | }redis*"
  fi
  if [[ -n $held && ! -e /usr/sbin/policy-rc.d ]]; then
    # First on the list of things to undo: a kill in between must not leave it behind.
    undo+=(/usr/sbin/policy-rc.d)
    # shellcheck disable=SC2016 # $1 is the written script's
    printf '#!/bin/sh\ncase $1 in %s) exit 101 ;; esac\n' "$held" | "${as_root[@]}" tee /usr/sbin/policy-rc.d >/dev/null
    "${as_root[@]}" chmod 755 /usr/sbin/policy-rc.d
  fi
  local drop_in=/etc/postgresql-common/createcluster.d/sampan.conf
  if is_missing postgresql && [[ ! -e $drop_in ]]; then
    undo+=("$drop_in")
    "${as_root[@]}" mkdir -p "${drop_in%/*}"
    echo 'create_main_cluster = false' | "${as_root[@]}" tee "$drop_in" >/dev/null
  fi
}

# Nor at the next boot. Only of servers that nobody had installed before us.
disable_services() {
  local units=()
  ! is_missing openssh-server || units+=(ssh.service ssh.socket)
  ! is_missing redis-server || units+=(redis-server.service)
  ((${#units[@]} == 0)) || ! have systemctl ||
    "${as_root[@]}" systemctl disable --now "${units[@]}" >>"$log" 2>&1 9<&- || true
}

clean_up() {
  rm -f "$log"
  ((${#undo[@]} == 0)) || "${as_root[@]}" rm -f "${undo[@]}"
}

(($# > 0)) || usage
have dpkg-query apt-get ||
  die "no apt here; install the equivalents of: $(wanted "$@" | sort -u | tr '\n' ' ')"

look "$@"
((${#missing[@]} > 0)) || exit 0

as_root=()
if ((EUID != 0)); then
  sudo -n true 2>/dev/null ||
    die "missing packages; install them with: sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}"
  as_root=(sudo -n)
fi

# One at a time; the script itself serves as the lock file.
exec 9<"${BASH_SOURCE[0]}"
flock 9
log=$(mktemp)
undo=()
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null || apt update || true
look "$@"
((${#missing[@]} > 0)) || exit 0
hold_services
say "installing ${missing[*]}"
# Old lists name versions the mirror no longer has: refresh them once.
apt install -y --no-install-recommends "${missing[@]}" ||
  { apt update && apt install -y --no-install-recommends "${missing[@]}"; } || {
  tail -n 25 "$log" >&2
  die "could not install: ${missing[*]}"
}
disable_services
