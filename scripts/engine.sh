#!/usr/bin/env bash
# Finds a container engine, or installs and starts one. The engine is named on standard output, everything else is
# said on standard error:
#
#   eval "$(scripts/engine.sh)"       sets DOCKER_HOST
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
socket=/var/run/docker.sock
pidfile=/var/run/docker.pid
log=/var/log/sampan-dockerd.log

say() { printf 'engine: %s\n' "$*" >&2; }

answers() {
  local path=${1#unix://}
  if [[ $1 != unix://* ]]; then
    command -v docker >/dev/null && timeout 10 docker --host "$1" version >/dev/null 2>&1
  elif [[ ! -S $path ]]; then
    return 1
  elif command -v curl >/dev/null; then
    curl -fs --noproxy '*' --max-time 5 --unix-socket "$path" http://engine/_ping >/dev/null
  elif command -v docker >/dev/null; then
    timeout 10 docker --host "$1" version >/dev/null 2>&1
  else
    CONTAINER_HOST=$1 timeout 10 podman --remote version >/dev/null 2>&1
  fi
}

# Ends the script when an engine answers.
use_running() {
  local host
  local -a hosts=("unix://$socket")
  [[ -z ${XDG_RUNTIME_DIR:-} ]] ||
    hosts+=("unix://$XDG_RUNTIME_DIR/docker.sock" "unix://$XDG_RUNTIME_DIR/podman/podman.sock")
  hosts+=(unix:///run/podman/podman.sock)
  [[ -z ${DOCKER_HOST:-} ]] || hosts=("$DOCKER_HOST" "${hosts[@]}")
  for host in "${hosts[@]}"; do
    if answers "$host"; then
      [[ $host == "${DOCKER_HOST:-$host}" ]] || say "DOCKER_HOST=$DOCKER_HOST does not answer; using $host"
      printf 'export DOCKER_HOST=%q\n' "$host"
      exit 0
    fi
  done
}

# Desktop products keep their socket elsewhere; the client's context knows where.
use_context() {
  local host
  command -v docker >/dev/null || return 0
  host=$(env -u DOCKER_HOST docker context inspect -f '{{.Endpoints.docker.Host}}' 2>/dev/null) || return 0
  if [[ -n $host ]] && answers "$host"; then
    printf 'export DOCKER_HOST=%q\n' "$host"
    exit 0
  fi
}

give_up() {
  say "$1"
  cat >&2 <<'HELP'
Sampan runs builds in containers and needs Docker 20.10 or later, or Podman 4.3 or later. Install one of:
  sudo apt-get install docker.io && sudo usermod -aG docker "$USER"           then sign in again
  sudo apt-get install podman && systemctl --user enable --now podman.socket
or set DOCKER_HOST to an engine that is already running.
HELP
  exit 1
}

# A pid file may outlive its daemon, and its number may belong to somebody else by then.
daemon_alive() {
  local pid
  pid=$(cat "$pidfile" 2>/dev/null) && [[ -n $pid && $(cat "/proc/$pid/comm" 2>/dev/null) == dockerd ]]
}

start_by_hand() {
  local -a options=(-H "unix://$socket" --pidfile "$pidfile")
  # Whoever may use sudo may use the engine, without signing in again for a new group.
  ((EUID == 0)) || options+=(--group "$(id -gn)")
  "${as_root[@]}" rm -f "$pidfile"
  # In a session of its own, so that it outlives this terminal; holding neither our lock nor our output, so that
  # nobody waits for its end.
  # shellcheck disable=SC2016 # for the inner shell
  "${as_root[@]}" sh -c 'log=$1; shift; setsid nohup dockerd "$@" >>"$log" 2>&1 </dev/null &' \
    sh "$log" "${options[@]}" >/dev/null 2>&1 </dev/null 9<&-
  say "starting dockerd (log: $log)"
}

wait_until_ready() {
  local try
  for ((try = 0; try < 300; try++)); do
    use_running
    # It writes its pid within moments; later a missing process means that it gave up.
    ((try < 25)) || [[ -d /run/systemd/system ]] || daemon_alive || break
    sleep 0.2
  done
}

use_running
use_context

as_root=()
if ((EUID != 0)); then
  [[ ! -S $socket || -w $socket ]] ||
    give_up "an engine listens on $socket, but you may not use it: sudo usermod -aG docker \"\$USER\", then sign in again"
  sudo -n true 2>/dev/null || give_up "no container engine answers, and there is no way to install one without a password"
  as_root=(sudo -n)
fi

# Two at once must not start two daemons; the script itself serves as the lock file.
exec 9<"${BASH_SOURCE[0]}"
flock 9
use_running

if ! command -v dockerd >/dev/null || ! command -v docker >/dev/null || ! command -v curl >/dev/null; then
  command -v apt-get >/dev/null || give_up "no container engine answers"
  "$here/packages.sh" engine >&2 9<&- || give_up "the distribution's engine could not be installed"
fi
if [[ -d /run/systemd/system ]]; then
  "${as_root[@]}" systemctl start docker >&2 || give_up "systemd could not start docker: see journalctl -u docker"
elif ! daemon_alive; then
  start_by_hand
fi
wait_until_ready

[[ ! -S $socket || -w $socket ]] ||
  give_up "the engine runs, but you may not use it yet: sudo usermod -aG docker \"\$USER\", then sign in again"
[[ ! -r $log ]] || tail -n 8 "$log" >&2
give_up "dockerd does not answer"
