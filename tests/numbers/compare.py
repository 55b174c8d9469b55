"""Compares everyday scripts with data in the guest and in this machine's own Python.

Run by hand, with a Python that has numpy, pandas, scipy, scikit-learn, statsmodels,
networkx and matplotlib of about the guest's versions:

    python3 tests/numbers/compare.py [--memex target/release/memex] [--save FILE] [--before FILE]

It prints each script of `everyday.toml` whose output differs, with both outputs, and
ends with 1 if there is one. `--save` keeps the guest's outputs; `--before` takes those
of another build and says which scripts are worse than they were. Scripts that differ
for reasons of their own (a last digit, a newer version) differ in both.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import tomllib

HERE = pathlib.Path(__file__).parent
# A session turn each: the limits of a turn are those of the default policy.
TURN = """
def _everyday(name, code):
    import contextlib, io, json, warnings
    import numpy as np, pandas as pd
    warnings.simplefilter("ignore")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            exec(code, {"np": np, "pd": pd})
        except Exception as error:
            print("raised", type(error).__name__, error)
    print(json.dumps([name, printed.getvalue()]))
"""


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--memex", default="memex")
    options.add_argument("--python", default=sys.executable)
    options.add_argument("--save")
    options.add_argument("--before")
    options = options.parse_args()
    scripts = [(script["name"], script["code"]) for script in tomllib.loads((HERE / "everyday.toml").read_text())["script"]]
    native = outputs([options.python, "-c", "\n".join([TURN, *map(call, scripts)])])
    guest = {}
    # Few at a time, so that one that ends its session takes few others along.
    for start in range(0, len(scripts), 5):
        guest |= in_guest(options.memex, scripts[start : start + 5])
    if options.save:
        pathlib.Path(options.save).write_text(json.dumps(guest))
    before = json.loads(pathlib.Path(options.before).read_text()) if options.before else {}
    worse = differ = 0
    for name, _code in scripts:
        expected, found = native.get(name), guest.get(name)
        if found == expected:
            continue
        differ += 1
        was_right = name in before and before[name] == expected
        worse += was_right
        print(f"--- {name}{' (right before)' if was_right else ''}\nnative: {expected}\nguest:  {found}")
    print(f"{len(scripts)} scripts, {differ} differ" + (f", {worse} worse than before" if before else ""))
    return 1 if differ else 0


def call(script):
    name, code = script
    return f"_everyday({name!r}, {code!r})"


def in_guest(memex, scripts):
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, text in enumerate([TURN, *map(call, scripts)]):
            files.append(pathlib.Path(folder) / f"{number}.py")
            files[-1].write_text(text)
        return outputs([memex, "run", "--limit", "guest_time_ms=60s", *map(str, files)])


def outputs(command):
    done = subprocess.run(command, capture_output=True, text=True)
    found = dict(json.loads(line) for line in done.stdout.splitlines() if line.startswith('["'))
    if not found:
        sys.exit(f"{command[0]} printed nothing: {done.stderr[-2000:]}")
    return found


if __name__ == "__main__":
    sys.exit(main())
