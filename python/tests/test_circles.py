"""Files of the package that use each other in a circle can be read and changed only together. There is none."""

import ast
import pathlib

import memex

PACKAGE = pathlib.Path(memex.__file__).parent


def files_of(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """The modules of a package by their names."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = [folder.name, *path.relative_to(folder).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def used_by(name: str, path: pathlib.Path, modules: dict[str, pathlib.Path]) -> set[str]:
    """The modules that a file imports from: at its beginning, in functions, and for types alone."""
    used = set()
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            named = [f"{source}.{alias.name}" for alias in node.names]
        else:
            continue
        for one in named:
            # A name of a module, or the module itself.
            found = one if one in modules else one.rpartition(".")[0]
            if found in modules and found != name:
                used.add(found)
    return used


def circles(modules: dict[str, pathlib.Path]) -> list[list[str]]:
    """Each set of modules that reach each other. What only hands out names, as a package does, is passed over."""
    uses = {name: used_by(name, path, modules) for name, path in modules.items()}
    reached = {name: _reached(name, uses) for name in uses}
    found = {tuple(sorted(other for other in reached[name] if name in reached[other])) for name in uses if name in reached[name]}
    return [list(one) for one in sorted(found)]


def _reached(name: str, uses: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    left = list(uses[name])
    while left:
        one = left.pop()
        if one not in reached:
            reached.add(one)
            left += uses[one]
    return reached


def without_front(modules: dict[str, pathlib.Path]) -> dict[str, pathlib.Path]:
    """The modules but the package itself, which hands out the names of all of them."""
    return {name: path for name, path in modules.items() if "." in name}


def test_files_form_no_circle():
    modules = without_front(files_of(PACKAGE))
    assert len(modules) > 80, "the search finds what is there"
    assert circles(modules) == []


def test_every_way_to_import_is_found(tmp_path):
    package = tmp_path / "sample"
    (package / "inner").mkdir(parents=True)
    texts = {
        "__init__.py": "from sample.a import A\n",
        "a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from sample.b import B\nA = 1\n",
        "b.py": "def f():\n    from sample import c\nB = 1\n",
        "c.py": "import sample.inner.d\n",
        "inner/__init__.py": "",
        "inner/d.py": "from . import e\nfrom ..a import A\n",
        "inner/e.py": "from json import loads\n",
    }
    for name, text in texts.items():
        (package / name).write_text(text)
    modules = files_of(package)
    assert used_by("sample.inner.d", modules["sample.inner.d"], modules) == {"sample.inner.e", "sample.a"}
    assert circles(without_front(modules)) == [["sample.a", "sample.b", "sample.c", "sample.inner.d"]]
    (package / "a.py").write_text("A = 1\n")
    assert circles(without_front(modules)) == []
