"""stdout and stderr: real text streams that survive what a turn does to them."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import sys
from io import BufferedWriter, FileIO, TextIOWrapper

out = None
err = None

# Read through the dictionary: a turn may have deleted the names.
_get = sys.__dict__.get


def install():
    """Makes both streams UTF-8 and line-buffered.

    With line buffering one `print` is one write to the host; unencodable text is
    written as escapes, because a stray surrogate must not end a turn.
    """
    global out, err
    out = _ready(sys.stdout, 1)
    err = _ready(sys.stderr, 2)
    sys.stdout = sys.__stdout__ = out
    sys.stderr = sys.__stderr__ = err


def are_ours():
    """Whether both names still mean our own open streams."""
    try:
        return _get("stdout") is out and _get("stderr") is err and not out.closed and not err.closed
    except ValueError:
        # As in `_is_closed`, without a call for each: every turn asks.
        return False


def restore():
    """Puts back a stream that is closed or cannot be written to.

    A working replacement is left alone: a turn may tee its output on purpose.
    """
    global out, err
    if _is_closed(out):
        out = sys.__stdout__ = _opened(1)
    if _is_closed(err):
        err = sys.__stderr__ = _opened(2)
    if not _writable(_get("stdout")):
        sys.stdout = out
    if not _writable(_get("stderr")):
        sys.stderr = err


def reset():
    """Puts our own streams in place of whatever replaced them."""
    sys.stdout = sys.stderr = None
    restore()


def flush():
    """Writes out what is pending, on our streams and on whatever replaced them."""
    try:
        out.flush()
        err.flush()
        if _get("stdout") is not out:
            sys.stdout.flush()
        if _get("stderr") is not err:
            sys.stderr.flush()
    except Exception:
        # What cannot be written is lost; a turn does not fail for it.
        return


def note(message):
    """One line on stderr, from the sandbox rather than from the turn."""
    try:
        err.write("memex: " + message + "\n")
    except Exception:
        pass


def _is_closed(stream):
    try:
        return stream.closed
    except ValueError:
        # Its buffer was detached: there is nothing left to write to.
        return True


def _ready(stream, descriptor):
    try:
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
        return stream
    except Exception:
        return _opened(descriptor)


def _opened(descriptor):
    raw = FileIO(descriptor, "wb", closefd=False)
    name = "<stdout>" if descriptor == 1 else "<stderr>"
    raw.name = name
    return TextIOWrapper(
        BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", line_buffering=True
    )


def _writable(stream):
    if stream is out or stream is err:
        return True
    try:
        return callable(stream.write) and not stream.closed
    except AttributeError:
        # A minimal object with `write` is all that `print` asks for.
        return hasattr(stream, "write") and not hasattr(stream, "closed")
    except Exception:
        return False
