"""`mmap.mmap` by copy: the bytes of a file in memory, written back by `flush` and `close`.

    m = mmap.mmap(f.fileno(), 0)      reads the file
    m[:4] = b"new!"                   changes the copy
    m.flush()                         writes the copy to the file

Two maps of one file do not see each other's changes, and a map takes as much memory
as it has bytes. `numpy.memmap` and `numpy.load(mmap_mode=…)` stand on it.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import io as _io
import mmap as _module
import os
import sys

_ACCESS_DEFAULT = 0
_ACCESS_READ = 1
_ACCESS_WRITE = 2
_ACCESS_COPY = 3
_CONSTANTS = {
    "ACCESS_DEFAULT": _ACCESS_DEFAULT,
    "ACCESS_READ": _ACCESS_READ,
    "ACCESS_WRITE": _ACCESS_WRITE,
    "ACCESS_COPY": _ACCESS_COPY,
    "MAP_SHARED": 1,
    "MAP_PRIVATE": 2,
    "MAP_ANON": 0x20,
    "MAP_ANONYMOUS": 0x20,
    "PROT_READ": 1,
    "PROT_WRITE": 2,
    "PROT_EXEC": 4,
    "MADV_NORMAL": 0,
    "MADV_RANDOM": 1,
    "MADV_SEQUENTIAL": 2,
    "MADV_WILLNEED": 3,
    "MADV_DONTNEED": 4,
}
_MAP_PRIVATE = 2
_PROT_WRITE = 2
# Bytes of one call.
_CHUNK = 1 << 24


def install():
    """Takes the place of a module that cannot map anything."""
    if sys.platform != "wasi":
        return
    for name, value in _CONSTANTS.items():
        if not hasattr(_module, name):
            setattr(_module, name, value)
    Map.__name__ = Map.__qualname__ = "mmap"
    Map.__module__ = "mmap"
    _module.mmap = Map
    _module.error = OSError


class Map:
    """The bytes of a file, as a copy in memory that flush() and close() write back."""

    def __init__(self, fileno, length, flags=1, prot=3, access=_ACCESS_DEFAULT, offset=0, *, trackfd=True):
        if length < 0:
            raise OverflowError("memory mapped length must be positive")
        if offset < 0:
            raise OverflowError("memory mapped offset must be positive")
        if access not in (_ACCESS_DEFAULT, _ACCESS_READ, _ACCESS_WRITE, _ACCESS_COPY):
            raise ValueError("mmap invalid access parameter.")
        self._is_read_only = access == _ACCESS_READ or (access == _ACCESS_DEFAULT and not prot & _PROT_WRITE)
        self._is_private = access == _ACCESS_COPY or (access == _ACCESS_DEFAULT and bool(flags & _MAP_PRIVATE))
        self._offset = offset
        self._at = 0
        self._fd = -1
        if fileno == -1:
            self._data = bytearray(length)
            return
        size = os.fstat(fileno).st_size
        if length == 0:
            if size == 0:
                raise ValueError("cannot mmap an empty file")
            if offset >= size:
                raise ValueError("mmap offset is greater than file size")
            length = size - offset
        elif offset + length > size:
            raise ValueError("mmap length is greater than file size")
        # The file can be closed: the map has a descriptor of its own.
        self._fd = os.dup(fileno)
        data = bytearray()
        while len(data) < length:
            piece = os.pread(self._fd, min(length - len(data), _CHUNK), offset + len(data))
            if not piece:
                raise ValueError("the file became shorter than its map")
            data += piece
        self._data = data

    def __buffer__(self, flags):
        view = memoryview(self._open())
        return view.toreadonly() if self._is_read_only else view

    def __len__(self):
        return len(self._open())

    def __getitem__(self, key):
        found = self._open()[key]
        return bytes(found) if type(found) is bytearray else found

    def __setitem__(self, key, value):
        data = self._writable()
        if type(key) is slice:
            value = bytes(value)
            if len(value) != len(range(*key.indices(len(data)))):
                raise IndexError("mmap slice assignment is wrong size")
        data[key] = value

    def __iter__(self):
        return iter(bytes(self._open()))

    def __contains__(self, value):
        return value in self._open()

    def __enter__(self):
        self._open()
        return self

    def __exit__(self, *_error):
        self.close()

    def __del__(self):
        try:
            self.close()
        except Exception:
            # Nobody is there to be told.
            pass

    def __repr__(self):
        if self._data is None:
            return "<mmap.mmap closed=True>"
        return "<mmap.mmap closed=False, length=" + str(len(self._data)) + ", pos=" + str(self._at) + ">"

    @property
    def closed(self):
        """Whether the map is closed."""
        return getattr(self, "_data", None) is None

    def close(self):
        """Writes back what was changed, and gives the map up."""
        if getattr(self, "_data", None) is None:
            return
        try:
            self.flush()
        finally:
            self._data = None
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1

    def flush(self, offset=0, size=-1, /, *_flags):
        """Writes the bytes to the file."""
        data = self._open()
        if self._fd < 0 or self._is_read_only or self._is_private:
            return
        end = len(data) if size < 0 else min(len(data), offset + size)
        view = memoryview(data)
        while offset < end:
            offset += os.pwrite(self._fd, view[offset : min(end, offset + _CHUNK)], self._offset + offset)

    def find(self, sub, start=None, end=None):
        """The lowest position of a text, from the current position on, or -1."""
        return self._open().find(bytes(sub), self._at if start is None else start, len(self._data) if end is None else end)

    def rfind(self, sub, start=None, end=None):
        """The highest position of a text, from the current position on, or -1."""
        return self._open().rfind(bytes(sub), self._at if start is None else start, len(self._data) if end is None else end)

    def read(self, n=None):
        """Bytes from the current position on."""
        data = self._open()
        end = len(data) if n is None or n < 0 else min(len(data), self._at + n)
        found = bytes(data[self._at : end])
        self._at = max(self._at, end)
        return found

    def read_byte(self):
        """The byte at the current position."""
        found = self.read(1)
        if not found:
            raise ValueError("read byte out of range")
        return found[0]

    def readline(self):
        """Bytes to the end of the line."""
        end = self._open().find(b"\n", self._at)
        return self.read(None if end < 0 else end + 1 - self._at)

    def write(self, data):
        """Puts bytes at the current position; returns how many."""
        place = self._writable()
        data = bytes(data)
        if self._at + len(data) > len(place):
            raise ValueError("data out of range")
        place[self._at : self._at + len(data)] = data
        self._at += len(data)
        return len(data)

    def write_byte(self, byte):
        """Puts one byte at the current position."""
        self.write(bytes((byte,)))

    def seek(self, pos, whence=0):
        """Moves the current position; returns it."""
        base = {_io.SEEK_SET: 0, _io.SEEK_CUR: self._at, _io.SEEK_END: len(self._open())}.get(whence)
        if base is None:
            raise ValueError("unknown seek type")
        if not 0 <= base + pos <= len(self._open()):
            raise ValueError("seek out of range")
        self._at = base + pos
        return self._at

    def seekable(self):
        """Whether the position can be moved: True."""
        return True

    def tell(self):
        """The current position."""
        self._open()
        return self._at

    def size(self):
        """The bytes of the file."""
        return os.fstat(self._fd).st_size if self._fd >= 0 else len(self._open())

    def move(self, dest, src, count):
        """Copies bytes from one place to another."""
        data = self._writable()
        if dest < 0 or src < 0 or count < 0 or max(dest, src) + count > len(data):
            raise ValueError("source, destination, or count out of range")
        data[dest : dest + count] = data[src : src + count]

    def resize(self, newsize, /):
        """Makes the map and its file longer or shorter."""
        data = self._writable()
        if newsize < 0:
            raise ValueError("new size out of range")
        if self._fd >= 0:
            os.ftruncate(self._fd, self._offset + newsize)
        try:
            del data[newsize:]
            data.extend(bytes(newsize - len(data)))
        except BufferError:
            raise BufferError("mmap can't resize with extant pointers exported.") from None

    def madvise(self, option, start=0, length=None, /):
        """Does nothing: the bytes are in memory."""
        self._open()

    def _open(self):
        if self._data is None:
            raise ValueError("mmap closed or invalid")
        return self._data

    def _writable(self):
        if self._is_read_only:
            raise TypeError("mmap can't modify a readonly memory map.")
        return self._open()
