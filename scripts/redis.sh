#!/usr/bin/env bash
# A Redis server of the tests' own, on loopback, with a password; it keeps nothing.
#
#   scripts/redis.sh up DIR        starts it unless it runs; prints its URL, writes DIR/env
#   scripts/redis.sh restart DIR   the same again, empty
#   scripts/redis.sh down DIR      port and password stay in DIR for the next time
#
# In a test of a Redis that goes away: down, then up again, is the same URL. One that hangs: kill -STOP and -CONT $(cat DIR/pid).
set -euo pipefail

say() { printf 'redis: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# Redis names itself by its address in the list of processes.
alive() {
  local pid
  pid=$(cat "$dir/pid" 2>/dev/null) && [[ -n $pid ]] &&
    [[ $(ps -o args= -p "$pid" 2>/dev/null) == *"redis-server 127.0.0.1:$(cat "$dir/port")"* ]]
}

# To the password: a stranger on our port does not.
answers() {
  alive && [[ $(REDISCLI_AUTH=$(cat "$dir/password") timeout 5 redis-cli -h 127.0.0.1 -p "$(cat "$dir/port")" ping 2>&1 </dev/null) == PONG ]]
}

# There is nothing to save, and one that hangs hears nothing softer.
stop() {
  local try
  if alive; then
    kill -KILL "$(cat "$dir/pid")" 2>/dev/null || true
    for ((try = 0; try < 50; try++)); do
      alive || break
      sleep 0.1
    done
  fi
  rm -f "$dir/pid"
}

configure() {
  cat >"$dir/redis.conf" <<CONFIG
bind 127.0.0.1
port $1
requirepass $(cat "$dir/password")
dir "$dir"
save ""
appendonly no
CONFIG
}

start() {
  local port try
  stop
  # The old port first: somebody may wait for it. All of them below those that outgoing connections use, of which one could
  # else sit on the port while the server is down.
  for port in $(cat "$dir/port" 2>/dev/null) $(shuf -i 15000-29999 -n 10); do
    configure "$port"
    echo "$port" >"$dir/port"
    setsid nohup redis-server "$dir/redis.conf" >>"$dir/log" 2>&1 </dev/null 9>&- &
    echo $! >"$dir/pid"
    for ((try = 0; try < 50; try++)); do
      if answers; then return 0; fi
      kill -0 $! 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL $! 2>/dev/null || true
    rm -f "$dir/pid"
  done
  tail -n 10 "$dir/log" >&2
  die "does not start (log: $dir/log)"
}

make_password() { [[ -s $dir/password ]] || od -An -v -t x1 -N 20 /dev/urandom | tr -d ' \n' >"$dir/password"; }

# --- The verbs

up() {
  local url
  make_password
  answers || start
  url=redis://:$(cat "$dir/password")@127.0.0.1:$(cat "$dir/port")
  printf "SAMPAN_TEST_REDIS='%s'\n" "$url" >"$dir/env.new"
  mv "$dir/env.new" "$dir/env"
  echo "$url"
}

restart() {
  stop
  up
}

down() {
  stop
  rm -f "$dir/env"
}

case $#:${1:-} in
  2:up | 2:restart | 2:down) ;;
  *)
    sed -n '4,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
action=$1
[[ -n $(command -v redis-server) && -n $(command -v redis-cli) ]] || die "no Redis server: scripts/packages.sh test"
umask 077
mkdir -p "$2"
dir=$(cd "$2" && pwd)
exec 9>"$dir/.lock"
flock 9
"$action"
