"""Notebook lines that are not Python: `!pip install x`, `%matplotlib inline`, `%%time`.

They are only looked at when a block does not compile, and only on the line that
the compiler refused, so text inside string literals is never touched.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import re
from importlib import metadata as _metadata
from importlib.util import find_spec as _find_spec

from memex_guest import streams

# The name under which rewritten lines reach `shell` (a builtin, so that it is out of the scope).
HOOK = "__memex_shell__"

_PREFIX = re.compile(r"(\s*)(!|%%?)\s*(.*)", re.S).fullmatch
_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*(?:==\s*([^\s;,]+))?").match
_EXPRESSIONS = ("time", "timeit", "prun")
_QUIET = ("matplotlib", "config", "load_ext", "autoreload", "reload_ext", "precision", "pylab", "capture", "time", "timeit")
_MODULES = {
    "attrs": "attr",
    "beautifulsoup4": "bs4",
    "opencv-python": "cv2",
    "pillow": "PIL",
    "python-dateutil": "dateutil",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
    "scikit-image": "skimage",
    "typing-extensions": "typing_extensions",
    "xlsxwriter": "xlsxwriter",
}


def rewritten(line):
    """The Python line that stands for a notebook line, or None when it is not one."""
    found = _PREFIX(line)
    if found is None:
        return None
    indent, mark, rest = found.groups()
    word, _, argument = rest.strip().partition(" ")
    if mark == "!" or word in ("pip", "conda", "mamba"):
        return indent + HOOK + "(" + repr(rest.strip()) + ")"
    if mark == "%%":
        if word in _QUIET:
            return indent + "pass"
        return indent + HOOK + "(" + repr("%%" + word) + ")"
    if word in _EXPRESSIONS and argument.strip():
        return indent + argument.strip()
    if word not in _QUIET:
        streams.note("the line %" + word + " is not supported and was skipped")
    return indent + "pass"


def refused_cell(source):
    """The Python that stands for a cell of another language, which says so; else None."""
    lines = source.split("\n")
    for number, line in enumerate(lines):
        found = _PREFIX(line) if line.strip() else None
        if found is not None and found[2] == "%%":
            word = found[3].strip().partition(" ")[0]
            return None if word in _QUIET else "\n" * number + HOOK + "(" + repr("%%" + word) + ")"
        if line.strip():
            return None
    return None


def shell(command):
    """What a rewritten line runs: installing what is there is fine, anything else raises."""
    words = command.split()
    if words and words[0] in ("python", "python3") and words[1:2] == ["-m"]:
        words = words[2:]
    if len(words) > 1 and words[0] in ("pip", "pip3", "uv", "conda", "mamba") and "install" in words:
        return _install(words[words.index("install") + 1 :])
    if command.startswith("%%"):
        raise RuntimeError(command + " cells cannot run here: only Python code can; write the cell in Python")
    raise RuntimeError(
        "'!" + command + "' cannot run: the sandbox has no shell; use Python instead "
        "(pathlib and shutil for files, open() to read them, sys and platform for facts)"
    )


def _install(arguments):
    present = []
    missing = []
    skip = False
    for argument in arguments:
        if skip:
            skip = False
            continue
        if argument.startswith("-"):
            skip = argument in ("-r", "-c", "-i", "--requirement", "--index-url", "--extra-index-url")
            continue
        found = _REQUIREMENT(argument.strip("'\""))
        if found is None:
            missing.append(argument)
            continue
        name, version = found.groups()
        there = _version(name)
        if there is None:
            missing.append(name)
        elif version and there and version != there:
            present.append(name + " (" + there + ", not " + version + ")")
        else:
            present.append(name)
    if missing:
        raise ModuleNotFoundError(
            "cannot install " + ", ".join(missing) + ": the sandbox has no package installer; "
            "use the standard library or a package that is already there "
            "(whoever starts the session can add pure-Python ones to its image: --package NAME==VERSION)"
        )
    print("already available: " + ", ".join(present) if present else "nothing to install")


def _version(name):
    """The version of an installed package, an empty text for one without, or None."""
    try:
        return _metadata.version(name)
    except (_metadata.PackageNotFoundError, ValueError, KeyError):
        pass
    name = name.lower().replace("_", "-")
    module = _MODULES.get(name, name.replace("-", "_"))
    try:
        return None if _find_spec(module) is None else ""
    except (ImportError, ValueError):
        return None
