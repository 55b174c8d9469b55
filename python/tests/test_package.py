"""The package itself: what importing it costs, and what it says of its types."""

import inspect
import json
import subprocess
import sys

import pytest

import memex

# What adapters import, each where it is installed.
FRAMEWORKS = ("agents", "deepagents", "dspy", "fastmcp", "google", "inspect_ai", "langchain", "langchain_core", "langgraph", "openenv", "pydantic_ai", "smolagents", "verifiers")
HEAVY = ("asyncio", "pydantic", "pandas", "numpy", "pyarrow", "docstring_parser", "inspect", "IPython")


def test_importing_it_imports_nothing_heavy(program):
    loaded = json.loads(program("import sys, json, memex\nprint(json.dumps(sorted(sys.modules)))"))
    assert not [name for name in HEAVY if name in loaded]


def test_the_first_turn_does_not_either(program):
    loaded = json.loads(program("import sys, json, memex\nmemex.run('1').value\nprint(json.dumps(sorted(sys.modules)))"))
    assert not [name for name in HEAVY if name in loaded]


def test_everything_public_is_documented():
    for name in memex.__all__:
        public = getattr(memex, name)
        if isinstance(public, str):
            continue
        assert (public.__doc__ or "").strip(), name
        if inspect.isclass(public) and public.__module__.startswith("memex"):
            for attribute, value in vars(public).items():
                if not attribute.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
                    assert (value.__doc__ or "").strip(), f"{name}.{attribute}"


@pytest.mark.parametrize("check", [["mypy", "--check-untyped-defs", "-p", "memex"], ["mypy.stubtest", "memex"]], ids=["mypy", "stubtest"])
def test_the_types_are_what_they_say(check, tmp_path):
    pytest.importorskip("mypy")
    settings = tmp_path / "mypy.ini"
    absent = ["IPython", "mcp", *FRAMEWORKS]
    ignored = "".join(f"[mypy-{name}.*]\nignore_missing_imports = True\n" for name in absent)
    settings.write_text("[mypy]\ncache_dir = /dev/null\n" + ignored)
    options = ["--config-file", settings]
    if check[0].endswith("stubtest"):
        # Adapters cannot be imported without their frameworks, which have environments of their own.
        (tmp_path / "allowed.txt").write_text(r"memex\.adapters\..*" + "\n")
        options = ["--mypy-config-file", settings, "--allowlist", tmp_path / "allowed.txt"]
    done = subprocess.run([sys.executable, "-m", *check, *options], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
