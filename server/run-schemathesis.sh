#!/usr/bin/env bash
# Holds `memex serve --dev` against its own description, /openapi.json, by schemathesis:
# `run-schemathesis.sh [OPTION…]`; options go to `schemathesis run`.
#
# MEMEX names the command; otherwise it is built. SEED and EXAMPLES choose what is sent.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

root=$(cd .. && pwd)
export MEMEX_CACHE=${MEMEX_CACHE:-$root/target/memex-cache}
environment=$root/target/client-envs/schemathesis
if [ -z "${MEMEX:-}" ]; then
    cargo build --release --manifest-path "$root/Cargo.toml"
    MEMEX=$root/target/release/memex
fi
[ -x "$environment/bin/python" ] || python3 -m venv "$environment"
"$environment/bin/pip" install --quiet --requirement clients/requirements/schemathesis.txt

folder=$(mktemp -d)
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; rm -rf "$folder"' EXIT
# One agent whose model says a word, so that tasks run without a network.
echo '{"text": "Done."}' >"$folder/script.jsonl"
cat >"$folder/serve.toml" <<TOML
[serve.agents.speaker]
description = "Says a word."
model = "script:script.jsonl"
[serve.tenants.default.quota]
creates_per_s = 1000.0
agents = 64
TOML
mkfifo "$folder/line"
"$MEMEX" --config "$folder/serve.toml" serve --dev --data "$folder/data" >"$folder/line" 2>"$folder/log" &
server=$!
read -r line <"$folder/line" || { cat "$folder/log" >&2; exit 1; }
url=$(python3 -c 'import json, sys; print(json.loads(sys.argv[1])["url"])' "$line")
key=$(python3 -c 'import json, sys; print(json.loads(sys.argv[1])["key"])' "$line")

outcome=0
"$environment/bin/schemathesis" --config-file clients/schemathesis.toml run "$url/openapi.json" \
    --header "Authorization: Bearer $key" \
    --seed "${SEED:-1}" --max-examples "${EXAMPLES:-100}" "$@" || outcome=$?
faults=$(grep -c '"status":500' "$folder/log" || true)
echo "answers of 500 in the log: $faults"
[ "$faults" -eq 0 ] || outcome=1
exit "$outcome"
