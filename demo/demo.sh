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

# The same repository for the other platforms. A preview for Alipay needs the vendor's own builder in the image.
[[programs]]
actions = ["upload"]
credential = { private_key = "$DEMO_ALIPAY_KEY", tool_id = "$DEMO_ALIPAY_TOOL_ID" }
[programs.form]
name = "港湾潮汐 Harbour (Alipay)"
platform = "alipay"
app_id = "$DEMO_ALIPAY_APPID"
repo_url = "$DEMO_GIT_URL/harbour.git"
default_ref = "main"

[[programs]]
actions = ["preview", "upload"]
credential = { token = "$DEMO_BYTEDANCE_TOKEN" }
[programs.form]
name = "港湾潮汐 Harbour (ByteDance)"
platform = "bytedance"
app_id = "$DEMO_BYTEDANCE_APPID"
repo_url = "$DEMO_GIT_URL/harbour.git"
default_ref = "main"

[[programs]]
actions = ["publish"]
# What phones are said to run; nobody built it.
natives = [
  { kind = "android", version = "1.0.0", version_code = "100", remark = "演示用 demo" },
  { kind = "ios", version = "1.0.0", version_code = "100", remark = "演示用 demo" },
]
[programs.form]
name = "港湾潮汐 Harbour (App)"
platform = "uniapp"
app_id = "$DEMO_UNIAPP_APPID"
repo_url = "$DEMO_GIT_URL/harbour.git"
default_ref = "main"

# Ready to be published from its page.
[[programs]]
actions = []
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
