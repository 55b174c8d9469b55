"""The frames that a turn ends with.

`b""` is success without a value and `b"v"` + text success with one; `b"j"` + JSON
is everything else, and `b"w"` + JSON says that the turn waits for time or the host.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

from memex_guest import text, traces

# What is left to say when even describing the failure failed. Built in advance:
# returning a constant cannot fail, and no interrupt can strike on the way.
FALLBACK = (
    b'j{"status":"exception","value":null,"error":{"type":"DispatcherError",'
    b'"message":"the turn was interrupted and its exception could not be described",'
    b'"traceback":"","line":null,"offset":null},"exit_code":null}'
)


# The longest wait at a time; `asyncio` has the same. A wait may be for ever: `inf`.
_WAIT_MAX_SECONDS = 24 * 3600.0


def value(shown):
    """The frame of a turn that ended with a value."""
    return b"v" + shown.encode("utf-8", "backslashreplace")


def waiting(seconds):
    """The frame of a turn that waits, for so long or for the host."""
    if seconds is not None and seconds > _WAIT_MAX_SECONDS:
        # Woken early, the loop finds nothing due and waits on.
        seconds = _WAIT_MAX_SECONDS
    return b'w{"timeout_s":' + (b"null" if seconds is None else repr(float(seconds)).encode()) + b"}"


def failure(error):
    """The frame of a turn that ended with an exception, or by asking to exit."""
    try:
        if isinstance(error, SystemExit):
            return _exit(error)
        return _exception(*traces.describe(error))
    except BaseException:
        # The interrupted or exhausted first attempt released what it held; the
        # type alone takes next to nothing.
        kind = text.type_path(type(error))
        return _exception(kind, "", kind + "\n", None, None)


def _exception(kind, message, trace, line, offset):
    return _frame("exception", _error(kind, message, trace, line, offset), "null")


def _exit(error):
    code = error.code
    if code is None or code is False:
        return _frame("exit", "null", "0")
    if isinstance(code, int):
        status = int(code) if -(2**31) <= code < 2**31 else 1
        if status == 0:
            return _frame("exit", "null", "0")
        return _frame("exit", _error("SystemExit", str(status), "", None, None), str(status))
    message = text.safe_str(code, traces.MESSAGE_MAX)
    return _frame("exit", _error("SystemExit", message, "", None, None), "1")


def _error(kind, message, trace, line, offset):
    return (
        '{"type":' + text.quoted(kind)
        + ',"message":' + text.quoted(message)
        + ',"traceback":' + text.quoted(trace)
        + ',"line":' + ("null" if line is None else str(line))
        + ',"offset":' + ("null" if offset is None else str(offset))
        + "}"
    )


def _frame(status, error, code):
    frame = 'j{"status":"' + status + '","value":null,"error":' + error + ',"exit_code":' + code + "}"
    return frame.encode("ascii")
