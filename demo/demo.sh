#!/usr/bin/env bash
# Starts the demo's outside world (git server, vendor stand-in), then Sampan with the demo programs, and prints the receipts.
# DEMO_EXIT=1 ends after them; DEMO_SCENARIO=invalid-ip and its like make the stand-in misbehave (demo/README.md).
set -euo pipefail
cd "$(dirname "$0")/.."

sampan=${1:?usage: demo/demo.sh PATH-TO-SAMPAN}
dir=${DEMO_DIR:-$PWD/.demo}
(umask 077 && mkdir -p "$dir")

demo/services.sh up "$dir"
trap 'demo/services.sh down "$dir"' EXIT
set -a
# shellcheck disable=SC1091
. "$dir/env"
set +a

cat > "$dir/seed.toml" <<SEED
group = "演示 Demo"

[[programs]]
actions = ["preview", "upload"]
credential = { private_key = "$DEMO_WECHAT_KEY" }
[programs.form]
name = "港湾潮汐 Harbour"
platform = "wechat"
app_id = "$DEMO_WECHAT_APPID"
repo_url = "$DEMO_GIT_URL/harbour.git"
default_ref = "main"

[[programs]]
actions = ["preview"]
credential = { private_key = "$DEMO_NATIVE_KEY" }
[programs.form]
name = "渡轮时刻 Ferries"
platform = "wechat"
app_id = "$DEMO_NATIVE_APPID"
repo_url = "$DEMO_GIT_URL/ferry.git"
default_ref = "main"
# A native project: nothing to compile, and its folder is the output.
build_command = ""
dev_build_command = ""
output_dir = ""
SEED

# Kept, so that a second demo can still print it.
if [ ! -s "$dir/password" ]; then (umask 077 && openssl rand -hex 8 >"$dir/password"); fi
SAMPAN_ADMIN_PASSWORD=$(cat "$dir/password")
export SAMPAN_ADMIN_PASSWORD SAMPAN_DATA_DIR="$dir/data" SAMPAN_DEMO_BANNER=true
flags=()
if [ "${DEMO_EXIT:-}" = 1 ]; then flags+=(--exit); fi
# Not exec: the outside world goes when Sampan has gone.
"$sampan" demo --seed "$dir/seed.toml" "${flags[@]}"
