"""Commands that list, make, copy, move and remove files."""

from __future__ import annotations

import os
import shutil
import stat
import time

from ..bounds import DEPTH_MAX
from ..invocation import Command, UsageFault
from ..options import parsed


def ls(run: Command) -> int:
    options, rest = parsed(run.arguments, "aAl1dRrtShFpGi", "", {"all": "a", "almost-all": "A", "recursive": "R", "human-readable": "h", "directory": "d", "color": "1"})
    status = 0
    folders: list[str] = []
    plain: list[str] = []
    for path in sorted(rest) or ["."]:
        try:
            found = os.stat(run.state.path(path))
        except OSError:
            try:
                found = os.lstat(run.state.path(path))
            except OSError as error:
                run.complain(f"cannot access '{path}': {error.strerror}")
                status = 2
                continue
        (folders if stat.S_ISDIR(found.st_mode) and "d" not in options else plain).append(path)
    if plain:
        _listed(run, options, [(path, run.state.path(path)) for path in plain])
    many = len(rest) > 1 or "R" in options
    for number, path in enumerate(folders):
        if many:
            run.out(("\n" if number or plain else "") + f"{path}:\n")
        _folder(run, options, path, 0)
    return status


def _folder(run: Command, options: dict, path: str, depth: int) -> None:
    folder = run.state.path(path)
    names = sorted(os.listdir(folder))
    if "a" not in options and "A" not in options:
        names = [name for name in names if not name.startswith(".")]
    entries = [(name, os.path.join(folder, name)) for name in names]
    if "a" in options:
        entries = [(".", folder), ("..", os.path.dirname(folder)), *entries]
    if "l" in options:
        run.out(f"total {len(entries)}\n")
    _listed(run, options, entries)
    if "R" in options and depth < DEPTH_MAX:
        for name, inner in entries:
            if name not in (".", "..") and os.path.isdir(inner) and not os.path.islink(inner):
                run.out(f"\n{path}/{name}:\n")
                _folder(run, options, f"{path}/{name}", depth + 1)


def _listed(run: Command, options: dict, entries: list[tuple[str, str]]) -> None:
    found = []
    for name, path in entries:
        try:
            found.append((name, path, os.lstat(path)))
        except OSError:
            continue
    if "t" in options:
        found.sort(key=lambda one: -one[2].st_mtime)
    elif "S" in options:
        found.sort(key=lambda one: -one[2].st_size)
    if "r" in options:
        found.reverse()
    for name, path, status in found:
        shown = name
        folder = stat.S_ISDIR(status.st_mode)
        if folder and ("F" in options or "p" in options):
            shown += "/"
        if "l" in options:
            size = _human(status.st_size) if "h" in options else str(status.st_size)
            when = time.strftime("%b %e %H:%M", time.gmtime(status.st_mtime))
            kind = "d" if folder else "l" if stat.S_ISLNK(status.st_mode) else "-"
            target = f" -> {os.readlink(path)}" if kind == "l" else ""
            shown = f"{kind}{'rwxr-xr-x' if folder else 'rw-r--r--'} 1 user user {size:>8} {when} {shown}{target}"
        run.out(shown + "\n")


def _human(size: float) -> str:
    for unit in ("", "K", "M", "G"):
        if size < 1024 or unit == "G":
            return f"{size:.1f}{unit}" if unit and size < 10 else f"{size:.0f}{unit}"
        size /= 1024
    return ""


def mkdir(run: Command) -> int:
    options, rest = parsed(run.arguments, "pv", "m", {"parents": "p"})
    if not rest:
        raise UsageFault("needs a path")
    status = 0
    for path in rest:
        try:
            if "p" in options:
                os.makedirs(run.state.path(path), exist_ok=True)
            else:
                os.mkdir(run.state.path(path))
        except OSError as error:
            status = run.complain(f"cannot create directory '{path}': {error.strerror}")
    return status


def rmdir(run: Command) -> int:
    _options, rest = parsed(run.arguments, "p")
    status = 0
    for path in rest:
        try:
            os.rmdir(run.state.path(path))
        except OSError as error:
            status = run.complain(f"failed to remove '{path}': {error.strerror}")
    return status


def rm(run: Command) -> int:
    options, rest = parsed(run.arguments, "rRfvdi", "", {"recursive": "r", "force": "f"})
    deep, force = "r" in options or "R" in options, "f" in options
    if not rest and not force:
        raise UsageFault("needs a path")
    status = 0
    for path in rest:
        where = run.state.path(path)
        if os.path.basename(path.rstrip("/")) in (".", "..") or where == "/":
            status = run.complain(f"refusing to remove '{path}'")
            continue
        try:
            if os.path.isdir(where) and not os.path.islink(where):
                if deep:
                    shutil.rmtree(where)
                elif "d" in options:
                    os.rmdir(where)
                else:
                    status = run.complain(f"cannot remove '{path}': Is a directory")
            else:
                os.remove(where)
        except FileNotFoundError as error:
            if not force:
                status = run.complain(f"cannot remove '{path}': {error.strerror}")
        except OSError as error:
            status = run.complain(f"cannot remove '{path}': {error.strerror}")
    return status


def _targets(run: Command, rest: list[str], options: dict) -> list[tuple[str, str]]:
    """Each source with where it goes."""
    if "t" in options:
        target, sources = options["t"][-1], rest
    elif len(rest) < 2:
        raise UsageFault("needs a source and a target")
    else:
        *sources, target = rest
    into = os.path.isdir(run.state.path(target)) and "T" not in options
    if not into and (len(sources) > 1 or "t" in options):
        raise UsageFault(f"{target}: Not a directory")
    if not into and target.endswith("/") and not os.path.isdir(run.state.path(sources[0])):
        raise UsageFault(f"{target}: Not a directory")
    made = []
    for source in sources:
        name = os.path.basename(run.state.path(source))
        made.append((source, os.path.join(target, name) if into else target))
    return made


def cp(run: Command) -> int:
    options, rest = parsed(run.arguments, "rRafpvTnLP", "t", {"recursive": "r", "archive": "a"})
    deep = any(letter in options for letter in "rRa")
    status = 0
    for source, target in _targets(run, rest, options):
        where, to = run.state.path(source), run.state.path(target)
        try:
            if "n" in options and os.path.lexists(to):
                continue
            if os.path.isdir(where):
                if not deep:
                    status = run.complain(f"-r not specified; omitting directory '{source}'")
                elif (to + "/").startswith(where + "/"):
                    status = run.complain(f"cannot copy '{source}' into itself, '{target}'")
                else:
                    shutil.copytree(where, to, symlinks=True, dirs_exist_ok=True, copy_function=shutil.copyfile)
            elif where == to:
                status = run.complain(f"'{source}' and '{target}' are the same file")
            else:
                shutil.copyfile(where, to)
        except shutil.Error as error:
            first = error.args[0][0] if error.args and error.args[0] else ("", "", "it cannot be copied")
            status = run.complain(f"cannot copy '{source}': {first[2]}")
        except OSError as error:
            status = run.complain(f"cannot copy '{source}' to '{target}': {error.strerror}")
    return status


def mv(run: Command) -> int:
    options, rest = parsed(run.arguments, "fvTn", "t", {"force": "f"})
    status = 0
    for source, target in _targets(run, rest, options):
        where, to = run.state.path(source), run.state.path(target)
        if "n" in options and os.path.lexists(to):
            continue
        try:
            # From one grant to another, a rename is a copy.
            shutil.move(where, to, copy_function=shutil.copyfile) if os.path.lexists(where) else os.stat(where)
        except shutil.Error as error:
            status = run.complain(f"cannot move '{source}': {error}")
        except OSError as error:
            status = run.complain(f"cannot move '{source}' to '{target}': {error.strerror}")
    return status


def touch(run: Command) -> int:
    options, rest = parsed(run.arguments, "acm", "dtr")
    for path in rest:
        where = run.state.path(path)
        if os.path.lexists(where):
            os.utime(where)
        elif "c" not in options:
            with open(where, "ab"):
                pass
    return 0


def ln(run: Command) -> int:
    options, rest = parsed(run.arguments, "sfnv", "", {"symbolic": "s", "force": "f"})
    if len(rest) != 2:
        raise UsageFault("needs a target and a name")
    target, name = rest
    where = run.state.path(name)
    if os.path.isdir(where) and not os.path.islink(where):
        where = os.path.join(where, os.path.basename(target))
    if "f" in options and os.path.lexists(where):
        os.remove(where)
    if "s" in options:
        os.symlink(target, where)
    else:
        os.link(run.state.path(target), where)
    return 0


def chmod(run: Command) -> int:
    """Modes mean nothing here: every file can be read and run."""
    paths = [one for one in run.arguments if not one.startswith("-")][1:]
    status = 0
    for path in paths:
        if not os.path.lexists(run.state.path(path)):
            status = run.complain(f"cannot access '{path}': No such file or directory")
    return status


def stat_(run: Command) -> int:
    options, rest = parsed(run.arguments, "L", "c", {"format": "c"})
    status = 0
    for path in rest:
        try:
            found = os.stat(run.state.path(path)) if "L" in options else os.lstat(run.state.path(path))
        except OSError as error:
            status = run.complain(f"cannot stat '{path}': {error.strerror}")
            continue
        kind = "directory" if stat.S_ISDIR(found.st_mode) else "symbolic link" if stat.S_ISLNK(found.st_mode) else "regular file"
        form = options.get("c", ["  File: %n\n  Size: %s\n  Type: %F\nModify: %Y"])[-1]
        values = {"%n": path, "%s": found.st_size, "%F": kind, "%Y": int(found.st_mtime), "%a": "755" if kind == "directory" else "644", "%U": "user", "%G": "user"}
        for letter, value in values.items():
            form = form.replace(letter, str(value))
        run.out(form + "\n")
    return status


def du(run: Command) -> int:
    options, rest = parsed(run.arguments, "shkbac", "d", {"max-depth": "d"})
    for path in rest or ["."]:
        total = 0
        where = run.state.path(path)
        os.lstat(where)
        if os.path.isdir(where):
            for folder, _folders, names in os.walk(where):
                total += sum(os.lstat(os.path.join(folder, name)).st_size for name in names)
        else:
            total = os.lstat(where).st_size
        size = _human(total) if "h" in options else str(total if "b" in options else -(-total // 1024))
        run.out(f"{size}\t{path}\n")
    return 0


COMMANDS = {
    "ls": ls, "mkdir": mkdir, "rmdir": rmdir, "rm": rm, "cp": cp, "mv": mv, "touch": touch, "ln": ln, "chmod": chmod,
    "stat": stat_, "du": du,
}  # fmt: skip
