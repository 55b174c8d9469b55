#!/usr/bin/env bash
# Runs other people's clients, unmodified and at pinned versions, against `memex serve --dev`:
# `run-clients.sh [NAME…]`, by default all of
#
#   e2b-python e2b-js smolagents opensandbox litellm
#
# Each has an environment of its own below the target directory. MEMEX names the command;
# otherwise it is built. PYTHON names the interpreter.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

root=$(cd .. && pwd)
python=${PYTHON:-$(pyenv prefix 3.12.1 2>/dev/null | sed 's,$,/bin/python,' || true)}
[ -x "$python" ] || python=$(command -v python3)
export CARGO_TARGET_DIR=$root/target
export MEMEX_CACHE=${MEMEX_CACHE:-$root/target/memex-cache}
clients=$PWD/clients
environments=$root/target/client-envs
names=("$@")
[ ${#names[@]} -gt 0 ] || names=(e2b-python e2b-js smolagents opensandbox litellm)

if [ -z "${MEMEX:-}" ]; then
    cargo build --release --manifest-path "$root/Cargo.toml"
    MEMEX=$root/target/release/memex
fi
export MEMEX

# Starts a server for a client that cannot start its own, and names it in the environment.
start_server() {
    local folder
    folder=$(mktemp -d)
    mkfifo "$folder/line"
    "$MEMEX" serve --dev --listen 127.0.0.1:0 --data "$folder/data" >"$folder/line" 2>"$folder/log" &
    server=$!
    local line
    read -r line <"$folder/line" || { cat "$folder/log" >&2; return 1; }
    MEMEX_URL=$("$python" -c 'import json, sys; print(json.loads(sys.argv[1])["url"])' "$line")
    MEMEX_KEY=$("$python" -c 'import json, sys; print(json.loads(sys.argv[1])["key"])' "$line")
    export MEMEX_URL MEMEX_KEY
}

run_javascript() {
    mkdir -p "$environments/e2b-js"
    cp "$clients/package.json" "$clients/test_e2b_js.mjs" "$environments/e2b-js/"
    (cd "$environments/e2b-js" && npm install --silent --no-audit --no-fund)
    start_server || return 1
    local outcome=0
    (cd "$environments/e2b-js" && env -u E2B_API_KEY -u E2B_API_URL -u E2B_SANDBOX_URL \
        node --test --test-reporter=spec test_e2b_js.mjs) || outcome=1
    kill "$server" && wait "$server" || true
    unset MEMEX_URL MEMEX_KEY
    return $outcome
}

run_python() {
    local environment=$environments/$1
    [ -x "$environment/bin/python" ] || "$python" -m venv "$environment"
    "$environment/bin/pip" install --quiet --requirement "$clients/requirements/$1.txt"
    # Away from the sources, so that nothing of them is imported.
    (cd "$environment" && bin/python -m pytest -p no:cacheprovider -q -W ignore::DeprecationWarning \
        --rootdir "$clients" "$clients/test_${1//-/_}.py")
}

failed=()
for name in "${names[@]}"; do
    printf '== %s\n' "$name"
    case $name in
    e2b-js) run_javascript || failed+=("$name") ;;
    *)
        if [ ! -f "$clients/requirements/$name.txt" ]; then
            echo "there is no client $name" >&2
            exit 2
        fi
        run_python "$name" || failed+=("$name")
        ;;
    esac
done
if [ ${#failed[@]} -gt 0 ]; then
    printf 'failed: %s\n' "${failed[*]}"
    exit 1
fi
