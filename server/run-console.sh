#!/usr/bin/env bash
# Opens the console of `memex serve --dev` in headless Chromium and uses it, by mouse and by keys, in
# dark and in light: `run-console.sh [FOLDER]`; FOLDER gets screenshots to look at.
#
# MEMEX names the command; otherwise it is built. CHROMIUM names the browser.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

root=$(cd .. && pwd)
export MEMEX_CACHE=${MEMEX_CACHE:-$root/target/memex-cache}
export CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}
pictures=${1:-$root/target/console}
environment=$root/target/client-envs/console
if [ -z "${MEMEX:-}" ]; then
    cargo build --release --manifest-path "$root/Cargo.toml"
    MEMEX=$root/target/release/memex
fi
export MEMEX
[ -x "$environment/bin/python" ] || python3 -m venv "$environment"
"$environment/bin/pip" install --quiet --requirement clients/requirements/console.txt
mkdir -p "$pictures"
exec "$environment/bin/python" clients/console.py "$pictures"
