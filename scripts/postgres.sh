#!/usr/bin/env bash
# A PostgreSQL server for the tests: its own directory, its own port, an unprivileged user, no trace afterwards.
#   scripts/postgres.sh up DIR    prints the server's address
#   scripts/postgres.sh down DIR
set -euo pipefail
action=${1:?up or down} dir=${2:?a directory}

bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin -type d 2>/dev/null | sort -V | tail -1)
[ -x "$bin/postgres" ] || { echo "postgres.sh: no PostgreSQL server: scripts/packages.sh test" >&2; exit 1; }

# PostgreSQL refuses to run as root.
as_user() {
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

case $action in
  up)
    mkdir -p "$dir"
    if [ "$(id -u)" = 0 ]; then chown postgres "$dir"; fi
    port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })')
    as_user "$bin/initdb" -D "$dir/data" -U sampan -A trust --no-sync >/dev/null
    # Loopback only; a crash of this server loses nothing that anybody wants.
    as_user "$bin/pg_ctl" -D "$dir/data" -w -l "$dir/log" \
      -o "-p $port -k '' -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=400" start >/dev/null
    echo "postgres://sampan@127.0.0.1:$port"
    ;;
  down) as_user "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null ;;
  *) echo "postgres.sh: up or down" >&2; exit 2 ;;
esac
