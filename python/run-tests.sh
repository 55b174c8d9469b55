#!/usr/bin/env bash
# Builds the wheel as `pip install ./python` does, installs it into an environment of its
# own, and runs the package's tests with it. Arguments go to pytest.
#
# PYTHON names the interpreter: by default the pinned one of pyenv, else `python3`.
# The build shares the workspace's target directory, and with it the compiled engine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

root=$(cd .. && pwd)
python=${PYTHON:-$(pyenv prefix 3.12.1 2>/dev/null | sed 's,$,/bin/python,' || true)}
[ -x "$python" ] || python=$(command -v python3)
environment=$root/target/python-venv
export CARGO_TARGET_DIR=$root/target
export MEMEX_CACHE=${MEMEX_CACHE:-$root/target/memex-cache}
# The build finds its backend there.
export PATH=$environment/bin:$PATH

[ -x "$environment/bin/python" ] || "$python" -m venv "$environment"
"$environment/bin/pip" install --quiet --requirement tests/requirements.txt
# An extension that was copied beside the sources would be found before the wheel's.
rm -f memex/*.so
"$environment/bin/pip" install --quiet --no-deps --no-build-isolation --force-reinstall .
# The server that the clients of models are tested against. The whole workspace is selected, so
# that the same features are, too.
(cd "$root" && cargo build --quiet --release --workspace --example mock_model)
export MEMEX_MOCK_MODEL=$root/target/release/examples/mock_model
# Away from the sources, so that what is imported is the wheel.
tests=$PWD/tests
cd "$environment"
exec bin/python -m pytest -p no:cacheprovider "$tests" "$@"
