"""The functions that the host calls, by address.

Each takes bytes and returns bytes and never raises, whatever strikes: the inner
`try` describes failures, the outer one answers for failures of describing, and its
handler returns a constant, where the interpreter does not look for interrupts. The
one gap is an interrupt armed before the call, which strikes before the first `try`:
the host must disarm before it calls.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import sys

from memex_guest import display, exchange, forks, loop, outcome, recovery, scope, settings, shims, streams, traces, turn, warmup

_begin = turn.begin
_finish = turn.finish
_failure = outcome.failure
_FALLBACK = outcome.FALLBACK
_OBSERVERS = turn.OBSERVERS
_free_observer = turn.free_observer
# A turn that does nothing, of a number that no turn has.
_EMPTY_TURN = b"\0\0\0\0pass"
_NO_ANSWER = b'{"error":{"type":"RuntimeError","message":"the question was interrupted"}}'


def install():
    """Prepares the interpreter; called once, when the image is built."""
    for name, module in list(sys.modules.items()):
        if name == "memex_guest" or name.startswith("memex_guest."):
            traces.own_scopes.add(id(module.__dict__))
    streams.install()
    loop.install()
    display.install()
    shims.install()
    forks.install()


def run(payload):
    """Executes a turn: u32 LE turn number, then UTF-8 source. Returns a frame (see `outcome`)."""
    try:
        try:
            frame = _begin(payload)
        except BaseException as error:
            frame = _failure(error)
        _finish()
        return frame
    except BaseException as error:
        try:
            return _failure(error)
        except BaseException:
            try:
                # A callback that raises whenever a function begins leaves nothing but
                # builtins to stop it with.
                for observer in _OBSERVERS:
                    _free_observer(observer)
            except BaseException:
                return _FALLBACK
            return _FALLBACK


def resume(payload):
    """Continues the turn that waits. Returns a frame."""
    try:
        try:
            frame = turn.resume(payload)
        except BaseException as error:
            frame = _failure(error)
        _finish()
        return frame
    except BaseException as error:
        try:
            return _failure(error)
        except BaseException:
            return _FALLBACK


def cancel(payload):
    """Ends the turn that waits; the payload names the exception, `TimeoutError: message`."""
    try:
        try:
            frame = turn.cancel(payload)
        except BaseException as error:
            frame = _failure(error)
        _finish()
        return frame
    except BaseException as error:
        try:
            return _failure(error)
        except BaseException:
            return _FALLBACK


def inspect(payload):
    """Answers a JSON question about the scope with JSON (see `scope`), or moves a variable (see `exchange`)."""
    try:
        if payload[:1] in exchange.REQUESTS:
            return exchange.answer(payload)
        try:
            return scope.answer(payload)
        except Exception as error:
            return scope.failure(error)
    except BaseException:
        return _NO_ANSWER


def configure(payload):
    """Applies JSON settings (see `settings`). Returns an empty frame, or a failure."""
    try:
        settings.apply(payload)
        return b""
    except BaseException as error:
        try:
            return _failure(error)
        except BaseException:
            return _FALLBACK


def after_fork(_payload):
    """Makes a copy of a running guest a session at rest. Returns an empty frame, or a failure."""
    try:
        forks.enter()
        return b""
    except BaseException as error:
        try:
            return _failure(error)
        except BaseException:
            return _FALLBACK


def check(_payload):
    """Runs an empty turn, and what turns usually do. Returns nothing if they run."""
    try:
        frame = run(_EMPTY_TURN)
        if frame == b"":
            recovery.exercise()
        return frame
    except BaseException:
        return _NO_ANSWER


def disarm(_payload):
    """Takes off what turns have hung into the interpreter.

    Returns nothing, `+` if there was anything, or a failure.
    """
    try:
        return b"+" if recovery.disarm() else b""
    except BaseException as error:
        try:
            return _failure(error)
        except BaseException:
            return _FALLBACK


def preload(payload):
    """Imports the modules of a JSON list. Returns JSON: the names that failed, with reasons."""
    try:
        return warmup.preload_request(payload)
    except BaseException:
        return _NO_ANSWER


def warm(payload):
    """Imports the usual modules, runs the warm-up turns and cleans up. Returns JSON of failures."""
    try:
        return warmup.warm(run)
    except BaseException:
        return _NO_ANSWER
