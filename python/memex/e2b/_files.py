"""`sandbox.files`."""

from __future__ import annotations

import contextlib
import datetime
import enum
from dataclasses import dataclass, field
from typing import IO, Any, Callable, Iterable, Iterator, Mapping, Sequence

from memex.e2b._exceptions import FileNotFoundException, InvalidArgumentException, SandboxException
from memex.shell import Entry, Shell


class FileType(enum.Enum):
    """What a name stands for."""

    FILE = "file"
    DIR = "dir"
    SYMLINK = "symlink"


_TYPES = {"file": FileType.FILE, "folder": FileType.DIR, "link": FileType.SYMLINK}


@dataclass
class WriteInfo:
    """A file that was written."""

    name: str
    type: FileType | None
    path: str
    metadata: dict[str, str] | None = field(default=None, kw_only=True)


@dataclass
class EntryInfo(WriteInfo):
    """A file or folder."""

    size: int
    mode: int
    permissions: str
    owner: str
    group: str
    modified_time: datetime.datetime
    symlink_target: str | None = None

    @classmethod
    def of(cls, entry: Entry) -> EntryInfo:
        """The same of memex's."""
        folder = entry.kind == "folder"
        return cls(
            name=entry.name,
            type=_TYPES.get(entry.kind),
            path=entry.path,
            size=entry.size,
            mode=0o755 if folder else 0o644,
            permissions="drwxr-xr-x" if folder else "-rw-r--r--",
            owner="user",
            group="user",
            modified_time=datetime.datetime.fromtimestamp(entry.modified, datetime.timezone.utc),
            symlink_target=entry.target,
        )


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Exceptions of files with E2B's names."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundException(str(error)) from None
    except IsADirectoryError as error:
        raise InvalidArgumentException(str(error)) from None
    except OSError as error:
        raise SandboxException(str(error)) from None


class Filesystem:
    """Files of a sandbox. Relative paths begin at `/home/user`; `user` and `request_timeout` mean nothing here."""

    def __init__(self, shell: Callable[[], Shell]) -> None:
        self._shell = shell

    def read(self, path: str, format: str = "text", user: str | None = None, request_timeout: float | None = None, **_options: Any) -> Any:
        """The content: a text, a `bytearray` (`format="bytes"`), or pieces (`format="stream"`)."""
        with translated():
            data = self._shell().read(path)
        if format == "text":
            return data.decode("utf-8", "replace")
        if format == "bytes":
            return bytearray(data)
        if format == "stream":
            return iter([data])
        raise InvalidArgumentException(f"a format is text, bytes or stream, not {format!r}")

    def write(
        self, path: str, data: str | bytes | IO | Iterable[bytes], user: str | None = None, request_timeout: float | None = None, **_options: Any
    ) -> WriteInfo:
        """Writes a file; folders on the way are made."""
        if isinstance(path, (list, tuple)):
            raise InvalidArgumentException("write takes one path; write_files takes several")
        with translated():
            shell = self._shell()
            shell.write(path, _bytes_of(data))
            entry = shell.stat(path)
        return WriteInfo(name=entry.name, type=FileType.FILE, path=entry.path)

    def write_files(self, files: Sequence[Mapping[str, Any]], user: str | None = None, request_timeout: float | None = None, **_options: Any) -> list[WriteInfo]:
        """Writes several: dictionaries with `path` and `data`."""
        return [self.write(one["path"], one["data"]) for one in files]

    def list(self, path: str, depth: int | None = 1, user: str | None = None, request_timeout: float | None = None) -> list[EntryInfo]:
        """What lies in a folder."""
        if depth is not None and depth < 1:
            raise InvalidArgumentException("depth is at least 1")
        with translated():
            return [EntryInfo.of(entry) for entry in self._shell().list(path, depth or 1)]

    def exists(self, path: str, user: str | None = None, request_timeout: float | None = None) -> bool:
        """Whether there is a file or folder of this name."""
        with translated():
            return self._shell().exists(path)

    def get_info(self, path: str, user: str | None = None, request_timeout: float | None = None) -> EntryInfo:
        """What is known of a file."""
        with translated():
            return EntryInfo.of(self._shell().stat(path))

    def remove(self, path: str, user: str | None = None, request_timeout: float | None = None) -> None:
        """Removes a file, or a folder with what is in it."""
        with translated():
            self._shell().remove(path)

    def rename(self, old_path: str, new_path: str, user: str | None = None, request_timeout: float | None = None) -> EntryInfo:
        """Gives a file another name."""
        with translated():
            return EntryInfo.of(self._shell().move(old_path, new_path))

    def make_dir(self, path: str, user: str | None = None, request_timeout: float | None = None) -> bool:
        """Makes a folder; says whether it is new."""
        with translated():
            return self._shell().make_folder(path)

    def watch_dir(self, path: str, **_options: Any) -> Any:
        """Not there: nothing writes files between calls."""
        raise InvalidArgumentException("folders cannot be watched: files change only while code or a command runs; compare list() before and after")


def _bytes_of(data: Any) -> bytes:
    if isinstance(data, str):
        return data.encode()
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    if hasattr(data, "read"):
        return _bytes_of(data.read())
    try:
        return b"".join(bytes(one) for one in data)
    except TypeError:
        raise InvalidArgumentException(f"a file's content is text or bytes, not {type(data).__name__}") from None
