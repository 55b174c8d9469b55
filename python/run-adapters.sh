#!/usr/bin/env bash
# Tests the adapters, each with the pinned package of its framework in an environment of
# its own: `run-adapters.sh [NAME…]`, by default all. Frameworks cannot share one.
#
# MEMEX_WHEEL names a wheel that is there; otherwise it is built, as by `run-tests.sh`.
# PYTHON names the interpreter, as there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

root=$(cd .. && pwd)
python=${PYTHON:-$(pyenv prefix 3.12.1 2>/dev/null | sed 's,$,/bin/python,' || true)}
[ -x "$python" ] || python=$(command -v python3)
export CARGO_TARGET_DIR=$root/target
export MEMEX_CACHE=${MEMEX_CACHE:-$root/target/memex-cache}
requirements=$PWD/adapter-tests/requirements
tests=$PWD/adapter-tests
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    for file in "$requirements"/*.txt; do
        names+=("$(basename "$file" .txt)")
    done
fi

wheel=${MEMEX_WHEEL:-}
if [ -z "$wheel" ]; then
    builder=$root/target/python-venv
    [ -x "$builder/bin/python" ] || "$python" -m venv "$builder"
    "$builder/bin/pip" install --quiet --requirement tests/requirements.txt
    rm -f memex/*.so
    rm -rf "$root/target/adapter-wheel"
    PATH=$builder/bin:$PATH "$builder/bin/pip" wheel --quiet --no-deps --no-build-isolation \
        --wheel-dir "$root/target/adapter-wheel" .
    wheel=$(echo "$root"/target/adapter-wheel/*.whl)
fi

failed=()
for name in "${names[@]}"; do
    if [ ! -f "$requirements/$name.txt" ]; then
        echo "there is no adapter $name" >&2
        exit 2
    fi
    environment=$root/target/adapter-venvs/$name
    [ -x "$environment/bin/python" ] || "$python" -m venv "$environment"
    "$environment/bin/pip" install --quiet --requirement "$requirements/$name.txt"
    "$environment/bin/pip" install --quiet --no-deps --force-reinstall "$wheel"

    printf '== %s (%s)\n' "$name" "$(sed -n 2p "$requirements/$name.txt")"
    # Away from the sources, so that what is imported is the wheel.
    (cd "$environment" && bin/python -m pytest -p no:cacheprovider -W ignore::DeprecationWarning \
        --rootdir "$tests" "$tests"/test_"$name"*.py) || failed+=("$name")
done
if [ ${#failed[@]} -gt 0 ]; then
    printf 'failed: %s\n' "${failed[*]}"
    exit 1
fi
