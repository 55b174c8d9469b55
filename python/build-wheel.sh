#!/usr/bin/env bash
# Builds the wheel for others: tagged manylinux2014, so that it runs where glibc is 2.17 or
# later. Zig's linker, from the package `ziglang`, links against that version; the whole
# workspace is compiled for it, in a target directory of its own. Prints the wheel's path.
#
# PYTHON names the interpreter, as in `run-tests.sh`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

root=$(cd .. && pwd)
python=${PYTHON:-$(pyenv prefix 3.12.1 2>/dev/null | sed 's,$,/bin/python,' || true)}
[ -x "$python" ] || python=$(command -v python3)
environment=$root/target/wheel-venv
export CARGO_TARGET_DIR=$root/target/manylinux
# The largest wheel that is accepted.
bytes_max=$((30 << 20))

[ -x "$environment/bin/python" ] || "$python" -m venv "$environment"
"$environment/bin/pip" install --quiet maturin==1.16.0 ziglang==0.17.1
rm -f memex/*.so
PATH=$environment/bin:$PATH "$environment/bin/maturin" build --release --zig \
    --compatibility manylinux2014 --interpreter "$environment/bin/python" --out "$root/target/wheels" >&2
wheel=$(ls -t "$root"/target/wheels/memex_runtime-*-manylinux*.whl | head -n 1)
size=$(stat -c %s "$wheel")
if [ "$size" -gt "$bytes_max" ]; then
    echo "the wheel has $size bytes, more than $bytes_max" >&2
    exit 1
fi
echo "$wheel"
