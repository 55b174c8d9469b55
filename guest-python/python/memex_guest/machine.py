"""What scripts ask of the operating system, and this guest's library has not.

A name that is there already stays as it is. What is answered here is true of the
sandbox: one process, one user, files within a bound, no terminal.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import errno as _errno
import os
import shutil
import signal
import sys
import time
from collections import namedtuple as _namedtuple
from importlib.machinery import ModuleSpec as _ModuleSpec

from memex_guest import channel

FILES = 10
USER = 1000
USER_NAME = "user"
HOME = "/home/user"

_BLOCK_BYTES = 4096
_NAME_BYTES = 255
_pipes = 0
_mask = 0o022

usage = _namedtuple("usage", "total used free")
usage.__doc__ = "The bytes that files of the session may have together, how many they have, and how many are left."
struct_passwd = _namedtuple("struct_passwd", "pw_name pw_passwd pw_uid pw_gid pw_gecos pw_dir pw_shell")
struct_group = _namedtuple("struct_group", "gr_name gr_passwd gr_gid gr_mem")
statvfs_result = getattr(os, "statvfs_result", None) or _namedtuple(
    "statvfs_result", "f_bsize f_frsize f_blocks f_bfree f_bavail f_files f_ffree f_favail f_flag f_namemax"
)


def install():
    """Adds what is missing, and the modules `pwd` and `grp`."""
    for module, functions in ((os, _OS), (time, _TIME), (shutil, {"disk_usage": disk_usage})):
        for name, function in functions.items():
            if not hasattr(module, name):
                setattr(module, name, function)
    if sys.platform == "wasi":
        # These are there, and fail whatever they are given.
        os.dup, os.dup2 = dup, dup2
        time.get_clock_info = get_clock_info
        shutil._ntuple_diskusage = usage
        sys.meta_path.append(Finder)


def dup(fd, /):
    """Return a duplicate of a file descriptor.

    It has an offset of its own from there on. The standard streams cannot be
    duplicated: contextlib.redirect_stdout sends what is printed elsewhere.
    """
    return _files(fd, {"duplicate": _descriptor(fd)})["fd"]


def dup2(fd, fd2, inheritable=True):
    """Duplicate a file descriptor to another, which is open and is closed first."""
    return _files(fd2, {"duplicate": _descriptor(fd), "to": _descriptor(fd2)})["fd"]


def _descriptor(fd):
    fd = fd.__index__()
    if not -(2**31) <= fd < 2**31:
        raise OverflowError("a file descriptor has 32 bits")
    return fd


def _files(fd, request):
    answer, _ = channel.call(FILES, request)
    number = answer.get("errno")
    if number is None:
        return answer
    if 0 <= fd <= 2:
        message = "standard streams cannot be duplicated here: use contextlib.redirect_stdout"
        raise OSError(number, message)
    raise OSError(number, os.strerror(number))


def pipe():
    """Create a pipe, and return its ends: one to read from, one to write to.

    It is a file in memory that has no name any more. Reading finds what has been
    written so far, and then its end: it does not wait for more.
    """
    global _pipes
    _pipes += 1
    path = "/tmp/.pipe-" + str(_pipes) + "-" + os.urandom(8).hex()
    write = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        read = os.open(path, os.O_RDONLY)
    except BaseException:
        os.close(write)
        raise
    finally:
        os.unlink(path)
    return read, write


def pipe2(flags, /):
    """Create a pipe; the flags change nothing here."""
    return pipe()


def disk_usage(path):
    """Return how many bytes files of the session may have, how many are used, and how many are free."""
    os.stat(path)
    answer, _ = channel.call(FILES, {"usage": True})
    total, used = answer["total"], answer["used"]
    return usage(total, used, max(0, total - used))


def statvfs(path):
    """Return the room that the session's files have."""
    if type(path) is not int:
        os.stat(path)
    total, _, free = disk_usage("/")
    blocks, left = total // _BLOCK_BYTES, free // _BLOCK_BYTES
    return statvfs_result((_BLOCK_BYTES, _BLOCK_BYTES, blocks, left, left, 0, 0, 0, 0, _NAME_BYTES))


def kill(pid, sig, /):
    """Send a signal to a process; there is this one alone."""
    if pid not in (0, os.getpid()):
        raise ProcessLookupError(_errno.ESRCH, "No such process")
    if sig == 0:
        return
    if signal.getsignal(sig) in (signal.SIG_DFL, None) and sig not in _HARMLESS:
        # What ends a process ends the turn.
        raise SystemExit(128 + int(sig))
    signal.raise_signal(sig)


def umask(mask, /):
    """Set the mask of new files, and return the last one; files here have no modes."""
    global _mask
    last, _mask = _mask, mask & 0o777
    return last


def get_terminal_size(fd=1, /):
    """Raises OSError: nothing here is a terminal."""
    raise OSError(_errno.ENOTTY, "Not a tty")


def getloadavg():
    """Raises OSError: the load of the host is not told."""
    raise OSError(_errno.ENOTSUP, "the load average is unobtainable")


def mkfifo(path, mode=0o666, *, dir_fd=None):
    """Raises OSError: there are no other processes to talk to."""
    raise OSError(_errno.ENOTSUP, "the sandbox has no named pipes: use a queue, or a file")


def getlogin():
    """Return the name of the user."""
    return USER_NAME


def getrandom(size, flags=0):
    """Return random bytes."""
    return os.urandom(size)


def sched_getaffinity(pid, /):
    """Return the set of processors: there is one."""
    return {0}


def nice(increment, /):
    """Return the niceness, which is always 0."""
    return 0


def _change(path, *_arguments, **_options):
    """Changes nothing: files here have no owner and no mode; one that is missing is an error."""
    if type(path) is int:
        os.fstat(path)
    else:
        os.stat(path)


def _nothing(*_arguments):
    """Does nothing here."""


def _user():
    """Return the number of the user."""
    return USER


def _users():
    """Return the numbers of the user's groups."""
    return [USER]


def _parent():
    """Return 1: there is no other process."""
    return 1


def _own(*_pid):
    """Return the number of this process."""
    return os.getpid()


def thread_time():
    """Return the seconds of processor time of this thread: those of the process."""
    return time.process_time()


def thread_time_ns():
    """Return the nanoseconds of processor time of this thread: those of the process."""
    return time.process_time_ns()


_plain_clock_info = time.get_clock_info


def get_clock_info(name, /):
    """Get information of the specified clock."""
    return _plain_clock_info("process_time" if name == "thread_time" else name)


_HARMLESS = frozenset(
    getattr(signal, name) for name in ("SIGINT", "SIGCHLD", "SIGCONT", "SIGURG", "SIGWINCH") if hasattr(signal, name)
)
_OS = {
    **dict.fromkeys(("getuid", "geteuid", "getgid", "getegid"), _user),
    **dict.fromkeys(("chown", "lchown", "fchown", "fchmod", "lchmod"), _change),
    **dict.fromkeys(("getpgrp", "getpgid", "getsid"), _own),
    "getgroups": _users,
    "getppid": _parent,
    "sync": _nothing,
    "pipe": pipe,
    "pipe2": pipe2,
    "statvfs": statvfs,
    "kill": kill,
    "umask": umask,
    "get_terminal_size": get_terminal_size,
    "getloadavg": getloadavg,
    "mkfifo": mkfifo,
    "getlogin": getlogin,
    "getrandom": getrandom,
    "sched_getaffinity": sched_getaffinity,
    "nice": nice,
}
_TIME = {"thread_time": thread_time, "thread_time_ns": thread_time_ns}

_PASSWORDS = (
    struct_passwd("root", "x", 0, 0, "", "/", ""),
    struct_passwd(USER_NAME, "x", USER, USER, "", HOME, ""),
)
_GROUPS = (struct_group("root", "x", 0, []), struct_group(USER_NAME, "x", USER, []))


def _found(entries, place, value, message):
    for entry in entries:
        if entry[place] == value:
            return entry
    raise KeyError(message)


def getpwuid(uid, /):
    """Return the user of a number."""
    return _found(_PASSWORDS, 2, uid, "getpwuid(): uid not found: " + str(uid))


def getpwnam(name, /):
    """Return the user of a name."""
    return _found(_PASSWORDS, 0, name, "getpwnam(): name not found: " + repr(name))


def getpwall():
    """Return all users."""
    return list(_PASSWORDS)


def getgrgid(id):  # noqa: A002 - the name that callers use
    """Return the group of a number."""
    return _found(_GROUPS, 2, id, "getgrgid(): gid not found: " + str(id))


def getgrnam(name):
    """Return the group of a name."""
    return _found(_GROUPS, 0, name, "getgrnam(): name not found: " + repr(name))


def getgrall():
    """Return all groups."""
    return list(_GROUPS)


_MODULES = {
    "pwd": (struct_passwd, getpwuid, getpwnam, getpwall),
    "grp": (struct_group, getgrgid, getgrnam, getgrall),
}


class Finder:
    """Finds `pwd` and `grp`, which name the one user that there is."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        """The specification of one of the modules, or None."""
        return _ModuleSpec(name, Finder, origin="built-in") if name in _MODULES else None

    @staticmethod
    def create_module(spec):
        """Leaves it to the import system."""
        return None

    @staticmethod
    def exec_module(module):
        """Fills the module."""
        for value in _MODULES[module.__name__]:
            setattr(module, value.__name__, value)
