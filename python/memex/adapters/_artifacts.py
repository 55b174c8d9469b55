"""Files that a block of code is given, and those that it leaves, for a framework that keeps them.

The session says what files there are. So the number of what it is asked, the time that it
takes to answer, the bytes and the names are bounded here.
"""

from __future__ import annotations

import mimetypes
from typing import Iterable, Iterator

import memex
from memex.shell import Shell

#: Files that a block leaves, at most.
FILES_MAX = 64
# All of them together.
_BYTES_MAX = 32 << 20
# What the session may take to give and take files, before a block and after it.
_SECONDS = 30.0
_UNKNOWN = "application/octet-stream"


class Folder:
    """The folder that a block works in."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._before: dict[str, tuple[int, float]] = {}
        #: Why there may be files that were not given or taken.
        self.problem = ""

    def give(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Writes files that are not there yet, and looks at what there is."""
        try:
            with self._shell._within(_SECONDS):
                for name, content in files:
                    # One that is there was given with an earlier block, and may have been changed since.
                    if not self._shell.exists(name):
                        self._shell.write(name, content)
                self._before = self._listed()
        except (OSError, memex.MemexError) as error:
            self.problem = str(error)

    def taken(self, count: int) -> Iterator[tuple[str, bytes, str]]:
        """Name, content and type of so many files that were made or changed since."""
        left = _BYTES_MAX
        try:
            with self._shell._within(_SECONDS):
                for path, mark in self._listed().items():
                    name = path.rpartition("/")[2]
                    if count <= 0 or self._before.get(path) == mark or not is_plain(name):
                        continue
                    # A session may tell of files that it does not give: what is asked for counts.
                    count -= 1
                    content = self._read(path, left)
                    if content is not None:
                        left -= len(content)
                        yield name, content, kind_of(name)
        except (OSError, memex.MemexError) as error:
            self.problem = str(error)

    def _listed(self) -> dict[str, tuple[int, float]]:
        return {entry.path: (entry.size, entry.modified) for entry in self._shell.list(".") if entry.kind == "file"}

    def _read(self, path: str, bytes_max: int) -> bytes | None:
        try:
            return self._shell.read(path, bytes_max)
        except TimeoutError:
            raise
        except OSError:
            # Gone since, or too large.
            return None


def is_plain(name: str) -> bool:
    """Whether a file can be kept under a name of the session's: in ADK, those that begin with `user:` are of all sessions."""
    return 0 < len(name) <= 255 and name not in (".", "..") and name.isprintable() and not any(one in name for one in "/\\:")


def kind_of(name: str) -> str:
    """The MIME type that a name says."""
    try:
        return mimetypes.guess_type(name)[0] or _UNKNOWN
    except ValueError:
        return _UNKNOWN
