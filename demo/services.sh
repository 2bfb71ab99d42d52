#!/usr/bin/env bash
# A demo's outside world: a git server with the demo programs, and a stand-in for the vendors' upload services.
#
#   demo/services.sh up DIR      sets up what is missing, mends what is broken, writes DIR/env
#   demo/services.sh down DIR    stops both; keys, repositories and packages stay in DIR for the next time
#
# Read DIR/env with: set -a; . DIR/env; set +a
# From the environment: ENGINE_CLI (docker), DOCKER_HOST, DEMO_SCENARIO (ok), SAMPAN_NPM_REGISTRY.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cli=${ENGINE_CLI:-docker}
image=node:24-bookworm-slim
git_names=DNS:localhost,IP:127.0.0.1

say() { printf 'demo: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

[[ $# == 2 && ($1 == up || $1 == down) ]] || {
  sed -n '4,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
}
action=$1
[[ -d $2 ]] || (umask 077 && mkdir -p "$2")
dir=$(cd "$2" && pwd)
# One world per directory; the engine knows it by this name.
name=sampan-demo-$(printf %s "$dir" | sha256sum | cut -c1-10)

exec 9>"$dir/.lock"
flock 9

# The host names of the vendors, one a line.
vendor_hosts() { (cd "$here/standin" && node -e 'import("./hosts.mjs").then(({ allHosts }) => console.log(allHosts.join("\n")))'); }

hash_of() { (cd "$1" && find . \( -name node_modules -o -name dist -o -name unpackage -o -name '*.test.mjs' \) -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) | sha256sum | cut -c1-16; }

# --- Keys and certificates

valid() { openssl x509 -checkend 172800 -noout -in "$1" >/dev/null 2>&1; }

trusted() { valid "$1" && openssl verify -CAfile "$dir/ca.pem" "$1" >/dev/null 2>&1; }

# A key and a certificate from the demo's authority: its common name, its other names, the two files (or one for both).
issue() {
  openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$dir/new.key" -out "$dir/new.csr" 2>/dev/null
  openssl x509 -req -sha256 -days 365 -in "$dir/new.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -set_serial "0x$(openssl rand -hex 8)" \
    -extfile <(printf '%s\n' basicConstraints=CA:FALSE extendedKeyUsage=serverAuth "subjectAltName=$2") -out "$dir/new.pem" 2>/dev/null
  cat "$dir/new.key" >"$3"
  cat "$dir/new.pem" >>"$4"
  rm "$dir"/new.{key,csr,pem}
}

make_certificates() {
  local tls=$dir/tls vendor_names
  vendor_names=$(vendor_hosts | sed 's/^/DNS:/' | paste -sd,)
  [[ $(cat "$tls/names" 2>/dev/null) == "$vendor_names" ]] || rm -rf "$tls"
  if [[ -f $tls/server.key ]] && valid "$dir/ca.pem" && trusted "$tls/server.pem" && trusted "$dir/git.pem" && valid "$dir/git-untrusted.pem"; then
    return
  fi
  say "making a certificate authority of the demo's own"
  mkdir -p "$tls"
  rm -f "$tls"/* "$dir/git.pem" "$dir/git-untrusted.pem"
  (
    umask 077
    openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 730 -subj "/CN=Sampan demo CA (local only)" \
      -addext keyUsage=critical,keyCertSign,cRLSign -keyout "$dir/ca.key" -out "$dir/ca.pem" 2>/dev/null
    issue "Sampan demo stand-in" "$vendor_names" "$tls/server.key" "$tls/server.pem"
    issue "Sampan demo git" "$git_names" "$dir/git.pem" "$dir/git.pem"
    # Its own authority, which nobody trusts.
    openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 365 -subj "/CN=Sampan demo git, not trusted" \
      -addext "subjectAltName=$git_names" -keyout "$dir/new.key" -out "$dir/new.pem" 2>/dev/null
    cat "$dir/new.key" "$dir/new.pem" >"$dir/git-untrusted.pem"
    rm "$dir"/new.{key,pem}
  )
  printf '%s\n' "$vendor_names" >"$tls/names"
  # The container's user is another one; DIR itself keeps strangers out.
  chmod 755 "$tls"
  chmod 644 "$tls"/* "$dir/ca.pem"
}

# A token of one line, as a vendor's console would give it.
make_token() { [[ -s $dir/$1 ]] || (umask 077 && openssl rand -hex 20 | tr -d '\n' >"$dir/$1"); }

make_app_key() {
  [[ -s $dir/$1.key ]] ||
    (umask 077 && openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$dir/$1.key" 2>/dev/null)
}

# --- The programs' repositories

# The caller's git settings, and a hook's variables, must not leak into it.
git_plain() { env -u GIT_DIR -u GIT_WORK_TREE -u GIT_INDEX_FILE GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 git "$@"; }

commit() {
  GIT_AUTHOR_NAME="Sampan demo" GIT_AUTHOR_EMAIL=demo@example.invalid GIT_AUTHOR_DATE=$1 \
    GIT_COMMITTER_NAME="Sampan demo" GIT_COMMITTER_EMAIL=demo@example.invalid GIT_COMMITTER_DATE=$1 \
    git_plain -C "$work" commit -q -m "$2"
}

# A bare repository $1.git with folder $2 as the one commit ($3) on main, and what branches_of_$1 adds.
make_repository() {
  local program=$1 repository=$dir/repos/$1.git source work
  source=$(hash_of "$here/$2")
  mkdir -p "$dir/repos"
  [[ $(cat "$repository/sampan-source" 2>/dev/null) != "$source" ]] || return 0
  say "making the repository of the demo program $program"
  work=$dir/repos.new
  rm -rf "$work"
  mkdir -p "$work"
  tar -C "$here/$2" --exclude=./node_modules --exclude=./dist --exclude=./unpackage -cf - . | tar -C "$work" -xf -
  git_plain init -q "$work"
  git_plain -C "$work" symbolic-ref HEAD refs/heads/main
  git_plain -C "$work" add -A
  commit 2026-01-05T08:00:00+08:00 "$3"
  if declare -F "branches_of_$program" >/dev/null; then "branches_of_$program"; fi
  git_plain clone -q --bare "$work" "$work/$program.git"
  printf '%s\n' "$source" >"$work/$program.git/sampan-source"
  rm -rf "$repository"
  mv "$work/$program.git" "$repository"
  rm -rf "$work"
}

branches_of_harbour() {
  git_plain -C "$work" checkout -q -b feature/tides
  sed -i.old 's/tideCurve = false/tideCurve = true/' "$work/src/features.js"
  rm "$work/src/features.js.old"
  git_plain -C "$work" add -A
  commit 2026-01-06T08:00:00+08:00 "Draw the day's tide as a curve" || die "the branch feature/tides would equal main"
  git_plain -C "$work" checkout -q main
}

# --- The git server, a process of this machine

git_server_alive() {
  local pid
  pid=$(cat "$dir/git.pid" 2>/dev/null) && [[ -n $pid ]] &&
    [[ $(ps -o args= -p "$pid" 2>/dev/null) == *"git-server.mjs --root $dir/repos "* ]]
}

# The second is trusted with the authority of now, the third not at all.
git_server_answers() {
  local ports
  IFS=, read -r -a ports < <(cat "$dir/git.port" 2>/dev/null) && [[ ${#ports[@]} == 3 ]] &&
    git_server_alive && reachable "http://127.0.0.1:${ports[0]}/healthz" &&
    reachable "https://localhost:${ports[1]}/healthz" 2 --cacert "$dir/ca.pem" &&
    reachable "https://localhost:${ports[2]}/healthz" 2 --insecure
}

git_url() { printf '%s:%s' "$1" "$(cut -d, -f"$2" "$dir/git.port")"; }

stop_git_server() {
  local try
  if git_server_alive; then
    kill "$(cat "$dir/git.pid")" 2>/dev/null || true
    for ((try = 0; try < 50; try++)); do
      git_server_alive || break
      sleep 0.1
    done
  fi
  rm -f "$dir/git.pid"
}

start_git_server() {
  local old port try
  ! git_server_answers || return 0
  stop_git_server
  # The old ports first: programs were registered with their addresses.
  old=$(cat "$dir/git.port" 2>/dev/null || true)
  for port in ${old:+"$old" "${old%%,*}"} 0; do
    rm -f "$dir/git.port"
    setsid nohup node "$here/git-server.mjs" --root "$dir/repos" --tls "$dir/git.pem" --tls "$dir/git-untrusted.pem" \
      --port "$port" --port-file "$dir/git.port" \
      >>"$dir/git.log" 2>&1 </dev/null 9>&- &
    echo $! >"$dir/git.pid"
    for ((try = 0; try < 100; try++)); do
      if [[ -s $dir/git.port ]] && git_server_answers; then return 0; fi
      kill -0 "$(cat "$dir/git.pid")" 2>/dev/null || break
      sleep 0.1
    done
  done
  tail -n 5 "$dir/git.log" >&2
  die "the git server does not start (log: $dir/git.log)"
}

# --- The stand-in, a container

reachable() { curl -fs --noproxy '*' --max-time "${2:-2}" -o /dev/null "${@:3}" "$1"; }

install_standin() {
  local lock
  lock=$(sha256sum <"$here/standin/package-lock.json")
  [[ $(cat "$dir/standin/installed" 2>/dev/null) != "$lock" ]] || return 0
  say "installing the stand-in's packages"
  rm -rf "$dir/standin"
  mkdir -p "$dir/standin"
  cp "$here/standin/package.json" "$here/standin/package-lock.json" "$dir/standin/"
  (cd "$dir/standin" && npm ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error \
    ${SAMPAN_NPM_REGISTRY:+--registry "$SAMPAN_NPM_REGISTRY"} >&2)
  chmod -R a+rX "$dir/standin"
  printf '%s\n' "$lock" >"$dir/standin/installed"
}

inspect() { "$cli" inspect --type container -f "$1" "$name" 2>/dev/null; }

standin_address() { inspect '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' | awk '{print $1}'; }

# The bridge is reachable from this machine unless the engine is rootless or in a virtual machine; then the published port is.
standin_control() {
  local bridge published
  bridge=$(standin_address):9000
  published=$("$cli" port "$name" 9000/tcp 2>/dev/null | grep -m1 '^127\.0\.0\.1:') || published=
  # Asked last, the bridge cannot lose to the other merely because the stand-in was still starting.
  [[ -z $published ]] || reachable "http://$published/healthz" 1 || published=
  if [[ $bridge != :* ]] && reachable "http://$bridge/healthz" 1; then
    echo "http://$bridge"
  elif [[ -n $published ]]; then
    echo "http://$published"
  else
    return 1
  fi
}

# Waits for so many seconds, as long as the container runs at all.
wait_for_standin() {
  local until=$((SECONDS + $1))
  while ((SECONDS < until)) && [[ $(inspect '{{.State.Status}}') == running ]]; do
    if control=$(standin_control); then return 0; fi
    sleep 0.25
  done
  return 1
}

start_standin() {
  local config
  config=$(printf '%s ' "$image" "$(hash_of "$here/standin")" "$(sha256sum <"$dir/tls/server.pem")" "$(sha256sum <"${BASH_SOURCE[0]}")" | sha256sum | cut -c1-16)
  if [[ $(inspect '{{index .Config.Labels "sampan.demo.config"}}') == "$config" ]]; then
    "$cli" start "$name" >/dev/null 2>&1 || true
    if wait_for_standin 6; then return 0; fi
  fi
  "$cli" rm -f "$name" >/dev/null 2>&1 || true
  say "starting the stand-in ($name)"
  # Its packages sit beside its sources, so that the sources can be mounted as they are.
  # The port is below 1024, its user is not root: the sysctl bridges that on every engine.
  "$cli" run -d --name "$name" --label sampan.demo=1 --label "sampan.demo.config=$config" --label "sampan.demo.dir=$dir" \
    --user 1000:1000 --cap-drop ALL --security-opt no-new-privileges --security-opt label=disable --memory 512m --pids-limit 100 \
    --sysctl net.ipv4.ip_unprivileged_port_start=0 --publish 127.0.0.1::9000 \
    --volume "$here/standin:/srv/standin:ro" --volume "$dir/standin/node_modules:/srv/node_modules:ro" --volume "$dir/tls:/srv/tls:ro" \
    "$image" node /srv/standin/server.mjs --state /tmp/standin --host 0.0.0.0 --tls-port 443 --control-port 9000 \
    --cert /srv/tls/server.pem --key /srv/tls/server.key >/dev/null 9>&-
  if ! wait_for_standin 30; then
    "$cli" logs --tail 20 "$name" >&2 || true
    die "the stand-in does not answer"
  fi
}

put() { curl -fsS --noproxy '*' --max-time 10 -o /dev/null -X PUT --data-binary "$2" "$control/apps/$1"; }

# An app id $1 at vendor $2 with what it registers, $3.
register() {
  put "$1?vendor=$2" "$3"
  # Each vendor has scenarios of its own; what it does not know, it plays as usual.
  if put "$1/scenario" "${DEMO_SCENARIO:-ok}" 2>/dev/null; then played=1; else put "$1/scenario" ok; fi
}

public_part() { openssl pkey -in "$1" -pubout; }

# --- The two verbs

quoted() { printf "%s='%s'\n" "$1" "${2//\'/\'\\\'\'}"; }

up() {
  local tool address appid played=0 native alipay_id bytedance_id uniapp_id
  for tool in node npm git openssl curl "$cli"; do
    command -v "$tool" >/dev/null || die "$tool is needed and was not found"
  done
  "$cli" version >/dev/null 2>&1 || die "no container engine answers $cli; DOCKER_HOST is ${DOCKER_HOST:-not set}"
  appid=$(node -p 'JSON.parse(fs.readFileSync(process.argv[1], "utf8"))["mp-weixin"].appid' "$here/program/src/manifest.json")
  bytedance_id=$(node -p 'JSON.parse(fs.readFileSync(process.argv[1], "utf8"))["mp-toutiao"].appid' "$here/program/src/manifest.json")
  uniapp_id=$(node -p 'JSON.parse(fs.readFileSync(process.argv[1], "utf8")).appid' "$here/program/src/manifest.json")
  # A project's files do not name it.
  alipay_id=2021000000000001
  native=$(node -p 'JSON.parse(fs.readFileSync(process.argv[1], "utf8")).appid' "$here/native/project.config.json")
  make_certificates
  make_app_key wechat
  make_app_key native
  make_app_key alipay
  make_token alipay.tool
  make_token bytedance.token
  make_repository harbour program "Put up the harbour's notice board"
  make_repository ferry native "Print the ferries' timetable"
  start_git_server
  install_standin
  "$cli" image inspect "$image" >/dev/null 2>&1 || "$here/../scripts/base-images.sh" >&2 9>&- || die "the image $image is missing"
  start_standin
  register "$appid" wechat "$(public_part "$dir/wechat.key")"
  register "$native" wechat "$(public_part "$dir/native.key")"
  register "$alipay_id" alipay "$(node -p 'JSON.stringify({ tool_id: process.argv[1], key: process.argv[2] })' "$(cat "$dir/alipay.tool")" "$(public_part "$dir/alipay.key")")"
  register "$bytedance_id" bytedance "$(node -p 'JSON.stringify({ token: process.argv[1] })' "$(cat "$dir/bytedance.token")")"
  [[ $played == 1 ]] || die "no such scenario: ${DEMO_SCENARIO:-ok}"
  address=$(standin_address)
  [[ -n $address ]] || die "the engine gave the stand-in no address on its bridge: other containers cannot reach it"
  {
    quoted SAMPAN_EXTRA_HOSTS "$(vendor_hosts | sed "s/\$/=$address/" | paste -sd,)"
    quoted SAMPAN_EXTRA_CA_FILE "$dir/ca.pem"
    quoted DEMO_GIT_URL "$(git_url http://127.0.0.1 1)"
    quoted DEMO_GIT_HTTPS_URL "$(git_url https://localhost 2)"
    quoted DEMO_GIT_UNTRUSTED_URL "$(git_url https://localhost 3)"
    quoted DEMO_GIT_ROOT "$dir/repos"
    quoted DEMO_STANDIN "$control"
    quoted DEMO_WECHAT_APPID "$appid"
    quoted DEMO_WECHAT_KEY "$dir/wechat.key"
    quoted DEMO_NATIVE_APPID "$native"
    quoted DEMO_NATIVE_KEY "$dir/native.key"
    quoted DEMO_ALIPAY_APPID "$alipay_id"
    quoted DEMO_ALIPAY_KEY "$dir/alipay.key"
    quoted DEMO_ALIPAY_TOOL_ID "$dir/alipay.tool"
    quoted DEMO_BYTEDANCE_APPID "$bytedance_id"
    quoted DEMO_BYTEDANCE_TOKEN "$dir/bytedance.token"
    quoted DEMO_UNIAPP_APPID "$uniapp_id"
  } >"$dir/env.new"
  mv "$dir/env.new" "$dir/env"
  say "ready: programs at $(git_url http://127.0.0.1 1)/harbour.git and /ferry.git, stand-in (no vendor's own) at $control, settings in $dir/env"
}

down() {
  rm -f "$dir/env"
  "$cli" rm -f "$name" >/dev/null 2>&1 || true
  stop_git_server
  say "stopped"
}

"$action"
