#!/usr/bin/env bash
# An OpenSSH server of the tests' own, on loopback, by this user's account: whoever has a key of DIR may fetch from the bare
# repositories below ROOT, and do nothing else.
#
#   scripts/sshd.sh up DIR [ROOT]   ROOT is else DEMO_GIT_ROOT; sets up what is missing, mends what died; prints the address, writes DIR/env
#   scripts/sshd.sh rekey DIR       shows its other host key from now on, DIR/env tells; a test that does this has a DIR of its own
#   scripts/sshd.sh down DIR        keys stay in DIR for the next time
set -euo pipefail

say() { printf 'sshd: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# --- Inside a connection: what every key of ours is made to run

serve() {
  local root=$1 asked=${SSH_ORIGINAL_COMMAND:-} path
  local segment='[[:alnum:]_-][[:alnum:]._-]*'
  local fetch="^git-upload-pack '/?(($segment/)*$segment\.git)'\$"
  if [[ $asked == healthz ]]; then
    echo ok
  elif [[ ! $asked =~ $fetch ]]; then
    die "only fetching from repositories is served here"
  elif ! path=$(realpath -e -- "$root/${BASH_REMATCH[1]}" 2>/dev/null) || [[ $path != "$root"/* ]]; then
    die "no such repository"
  else
    GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null exec git upload-pack --strict "$path"
  fi
}

if [[ ${1:-} == serve ]]; then
  serve "$2"
  exit
fi

# --- Keys

make_key() {
  [[ -s $dir/$1 && -s $dir/$1.pub ]] || {
    rm -f "$dir/$1" "$dir/$1.pub"
    ssh-keygen -q -N '' -C "$1" -f "$dir/$1" "${@:2}" </dev/null
  }
}

make_keys() {
  make_key host_key -t ed25519
  make_key other_host_key -t ed25519
  make_key client_ed25519 -t ed25519
  make_key client_rsa -t rsa -b 3072 -m PEM
  # One that may not come in.
  make_key stranger_ed25519 -t ed25519
}

fingerprint() { ssh-keygen -l -E sha256 -f "$dir/$1.pub" | cut -d' ' -f2; }

# --- The server

alive() {
  local pid
  pid=$(cat "$dir/pid" 2>/dev/null) && [[ -n $pid ]] && [[ $(ps -o args= -p "$pid" 2>/dev/null) == *"sshd "*"$dir/sshd_config"* ]]
}

# With the key it is to show, to a key it is to let in.
answers() {
  alive && [[ $(timeout 10 ssh -F none -p "$(cat "$dir/port")" -i "$dir/client_ed25519" -o BatchMode=yes -o IdentitiesOnly=yes \
    -o IdentityAgent=none -o StrictHostKeyChecking=yes -o UserKnownHostsFile="\"$dir/known_hosts\"" -o GlobalKnownHostsFile=/dev/null \
    "$user@127.0.0.1" healthz 2>>"$dir/log" </dev/null 9>&-) == ok ]]
}

stop() {
  local try
  if alive; then
    kill "$(cat "$dir/pid")" 2>/dev/null || true
    for ((try = 0; try < 50; try++)); do
      alive || break
      sleep 0.1
    done
  fi
  rm -f "$dir/pid"
}

# Of everything that the running server depends on; the settings of a machine's own sshd are not among them.
configure() {
  cat >"$dir/sshd_config" <<CONFIG
ListenAddress 127.0.0.1:$1
HostKey "$dir/host_key"
PidFile none
AuthorizedKeysFile "$dir/authorized_keys"
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin forced-commands-only
UsePAM no
# Above DIR there may be a folder like /tmp, where others may write too.
StrictModes no
PermitUserRC no
DisableForwarding yes
AcceptEnv GIT_PROTOCOL
SetEnv "PATH=$(dirname "$(command -v git)"):/usr/bin:/bin"
# Many tests at once come from one address, and some of them with a wrong key.
MaxStartups 1000
LogLevel VERBOSE
CONFIG
  ! "$sshd" -t -f "$dir/sshd_config" -o PerSourcePenalties=no 2>/dev/null || echo "PerSourcePenalties no" >>"$dir/sshd_config"
  sed "s|^|restrict,command=\"'$self' serve '$root'\" |" "$dir/client_ed25519.pub" "$dir/client_rsa.pub" >"$dir/authorized_keys"
  sed "s|^|[127.0.0.1]:$1 |" "$dir/host_key.pub" >"$dir/known_hosts"
}

free_port() {
  node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })'
}

start() {
  local port try
  stop
  # The old port first: programs were registered with it.
  for port in $(cat "$dir/port" 2>/dev/null) $(free_port); do
    configure "$port"
    echo "$port" >"$dir/port"
    setsid nohup "$sshd" -D -e -f "$dir/sshd_config" >>"$dir/log" 2>&1 </dev/null 9>&- &
    echo $! >"$dir/pid"
    for ((try = 0; try < 50; try++)); do
      if answers; then return 0; fi
      kill -0 "$(cat "$dir/pid")" 2>/dev/null || break
      sleep 0.1
    done
    stop
  done
  tail -n 10 "$dir/log" >&2
  die "does not start, or does not let us in (log: $dir/log)"
}

# --- The verbs

quoted() { printf "%s='%s'\n" "$1" "${2//\'/\'\\\'\'}"; }

write_env() {
  {
    quoted SAMPAN_TEST_SSH "$dir"
    quoted SAMPAN_TEST_SSH_URL "ssh://$user@127.0.0.1:$(cat "$dir/port")"
    quoted SAMPAN_TEST_SSH_KEY "$dir/client_ed25519"
    quoted SAMPAN_TEST_SSH_RSA_KEY "$dir/client_rsa"
    quoted SAMPAN_TEST_SSH_STRANGER_KEY "$dir/stranger_ed25519"
    quoted SAMPAN_TEST_SSH_HOST_KEY "$(fingerprint host_key)"
    quoted SAMPAN_TEST_SSH_OTHER_HOST_KEY "$(fingerprint other_host_key)"
  } >"$dir/env.new"
  mv "$dir/env.new" "$dir/env"
}

up() {
  local before
  make_keys
  # sshd's own folder to lock itself into; only as root does it do so.
  ((EUID != 0)) || [[ -d /run/sshd ]] || mkdir -m 755 /run/sshd
  before=$(cat "$dir/root" 2>/dev/null || true)
  root=$(realpath -e -- "${root:-${DEMO_GIT_ROOT:-$before}}") || die "which folder to serve? Name it, or set DEMO_GIT_ROOT"
  echo "$root" >"$dir/root"
  if [[ $root != "$before" ]] || ! answers; then start; fi
  write_env
  sed -n "s/^SAMPAN_TEST_SSH_URL='\(.*\)'$/\1/p" "$dir/env"
}

rekey() {
  [[ -s $dir/other_host_key && -s $dir/root ]] || die "nothing was set up in $dir"
  local end
  for end in '' .pub; do
    mv "$dir/host_key$end" "$dir/host_key.old$end"
    mv "$dir/other_host_key$end" "$dir/host_key$end"
    mv "$dir/host_key.old$end" "$dir/other_host_key$end"
  done
  root=$(cat "$dir/root")
  start
  write_env
}

down() {
  stop
  rm -f "$dir/env"
}

case $#:${1:-} in
  2:up | 3:up | 2:rekey | 2:down) ;;
  *)
    sed -n '5,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
action=$1 root=${3:-}
sshd=$(command -v sshd || echo /usr/sbin/sshd)
[[ -x $sshd ]] || die "no OpenSSH server: scripts/packages.sh test"
self=$(realpath "${BASH_SOURCE[0]}")
user=$(id -un)
[[ -d $2 ]] || (umask 077 && mkdir -p "$2")
dir=$(cd "$2" && pwd)
exec 9>"$dir/.lock"
flock 9
"$action"
