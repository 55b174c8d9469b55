"""One turn: compile, execute, show the value; or wait, go on, and be cancelled.

    begin ──> done ──────────────────────────────> frame
       └───> idle ──> resume / cancel ──> done ──> frame

Functions here raise what the turn raises; `entry` turns that into frames.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import builtins as _builtins
import sys
from asyncio import CancelledError as _CancelledError, events as _events
from sys import getprofile as _getprofile, gettrace as _gettrace

from memex_guest import (
    alarms,
    block,
    calls,
    definitions,
    display,
    figures,
    loop as loops,
    outcome,
    preview,
    repeats,
    sources,
    strands,
    streams,
    text,
    toolbox,
)

CANCEL_ATTEMPTS = 5
_NAMES = 10_001
# Compiling interns the name of each turn, at a random place of a large table. Names
# that are interned already leave the table, and so the session's memory, as it is.
_names = tuple(sys.intern("<turn " + str(number) + ">") for number in range(_NAMES))

# Observers of `sys.monitoring`; freeing one that is not in use does nothing.
OBSERVERS = tuple(range(6)) if hasattr(sys, "monitoring") else ()
free_observer = sys.monitoring.free_tool_id if OBSERVERS else None
_observer_name = sys.monitoring.get_tool if OBSERVERS else None

_int_of = int.from_bytes
_running = _events._get_running_loop
_compiled = block.compiled
_awaiting = block.awaiting
_kept = repeats.code_of
_note = repeats.note
_mentions_tools = toolbox.mentions_tools
_clients = definitions.clients
_live, _reserved, _told = strands.BUSY
_is_idle = strands.is_idle
_streams_are_ours = streams.are_ours
_VALUE = block.VALUE
_COROUTINE = 0x80
_interrupts = {"TimeoutError": TimeoutError, "KeyboardInterrupt": KeyboardInterrupt}

_main = sys.modules["__main__"]
# The persistent scope. Holding the module too keeps its dictionary from being cleared.
scope = _main.__dict__

# The task of the turn that waits, and whether its value is in the scope.
_idle_task = None
_idle_in_scope = False


def begin(payload):
    """Runs a turn from its number and source to a frame.

    A turn that still waits is left at rest: its task goes on when a later one awaits.
    """
    global _idle_task
    _idle_task = None
    number = _int_of(payload[:4], "little")
    name = _names[number] if number < _NAMES else "<turn " + str(number) + ">"
    source = payload[4:].decode("utf-8")
    if source[:1] == "\ufeff":
        # Editors put a mark at the start of a file; `python FILE` skips it too.
        source = source[1:]
    sources.remember(name, source)
    if (_live or _reserved or _told) and not _is_idle():
        strands.age()
    if strands.alarm is not None:
        alarms.cancel()
    _prepare()
    # What asks whether a turn can run (number 0) compiles: hooks may lie in wait there.
    known = _kept(source, name) if number else None
    if known is None:
        try:
            known = _compiled(source, name)
        except SyntaxError as error:
            # The frames below are ours, and so are the earlier attempts at compiling.
            raise error.with_traceback(None) from None
        if number > 1:
            # A session's first block seldom comes again soon, and few pages are its own yet.
            _note(source, *known)
    code, in_scope = known
    if _clients or _mentions_tools(code, scope):
        toolbox.bind(code, scope)
        tools = toolbox.awaited(code, scope)
        if tools is not None:
            code, in_scope = _awaiting(source, name, tools) or (code, in_scope)
    value = eval(code, scope)
    if code.co_flags & _COROUTINE:
        return _advance(loops.loop.start(value), in_scope)
    if (_live or _reserved or _told) and not _is_idle():
        _settle()
    return _shown(scope.pop(_VALUE, None) if in_scope else value)


def resume(payload):
    """Continues the turn that waits, with the answers that have come (see `calls`)."""
    if payload:
        # Tasks at rest between turns are told too.
        calls.deliver(payload)
    task = _idle_task
    if task is None:
        raise RuntimeError("no turn is waiting")
    _prepare()
    if strands.alarm is not None:
        alarms.rearm()
    return _advance(task, _idle_in_scope)


def cancel(payload):
    """Ends the turn that waits with the exception that the payload names."""
    global _idle_task
    task = _idle_task
    if task is None:
        raise RuntimeError("no turn is waiting")
    _idle_task = None
    _prepare()
    name, _, message = payload.decode("utf-8", "replace").partition(":")
    message = message.strip() or "the turn was stopped while it waited"
    for _ in range(CANCEL_ATTEMPTS):
        if task.done():
            break
        task.cancel(message)
        loops.loop.step(task)
    else:
        message += "; the block ignores cancellation and is left as a background task"
    error = _interrupts.get(name, TimeoutError)(message)
    if task.done() and not task.cancelled() and task.exception() is not None:
        raise task.exception()
    raise error.with_traceback(_place(task))


def finish():
    """What every turn ends with, whatever its result: nothing of it stays pending."""
    if strands.alarm is not None and _idle_task is None:
        alarms.cancel()
    if _gettrace() is not None:
        # A trace function would be called, and could raise, inside the dispatcher.
        sys.settrace(None)
    if _getprofile() is not None:
        sys.setprofile(None)
    for observer in OBSERVERS:
        if _observer_name(observer) is not None:
            # Its callbacks would be called inside the dispatcher too.
            free_observer(observer)
    figures.adopt()
    if figures.pending and _idle_task is None:
        try:
            figures.end_turn()
        except Exception as error:
            streams.note("open figures were not shown: " + text.summary(error, 300))
    streams.flush()


def _prepare():
    if not _streams_are_ours():
        streams.restore()
    if scope.get("__builtins__") is not _builtins:
        # Without it a turn would get this package's private builtins, and with
        # something else in its place not even `print`.
        scope["__builtins__"] = _builtins
    if _running() is not None:
        loops.settle()


def _advance(task, in_scope):
    global _idle_task, _idle_in_scope
    _idle_task = None
    if not task.done():
        try:
            if strands.alarm is not None:
                alarms.ring_if_due()
            is_done = loops.loop.step(task)
            begun = strands.now()
            while not is_done and strands.step():
                is_done = loops.loop.step(task)
                if loops.host_answers and strands.now() - begun > strands.DAEMONS_SECONDS:
                    # What it waits for comes only while it waits.
                    break
        except BaseException:
            # An interrupt, or another task's exit, ends the turn: its task must not go on.
            _stop(task)
            raise
        if not is_done:
            wait = loops.loop.wait_seconds()
            others = strands.wait_seconds()
            if others is not None:
                wait = others if wait is None else min(wait, others)
            if strands.alarm is not None:
                left = max(0.0, strands.alarm[0] - strands.now())
                wait = left if wait is None else min(wait, left)
            if wait is None and not loops.host_answers:
                _stop(task)
                raise RuntimeError(loops.DEADLOCK).with_traceback(_place(task))
            _idle_in_scope = in_scope
            _idle_task = task
            return outcome.waiting(wait)
    error = None if task.cancelled() else task.exception()
    if error is not None:
        raise error
    value = task.result()
    if (_live or _reserved or _told) and not _is_idle():
        _settle()
    return _shown(scope.pop(_VALUE, None) if in_scope else value)


def _settle():
    remark = strands.settle()
    if remark is not None:
        streams.note(remark)


def _stop(task):
    """Cancels a turn's task, quietly: the turn's own failure has been told."""
    task._log_destroy_pending = False
    if not task.done():
        task.cancel()
        loops.loop.step(task)
    if task.done() and not task.cancelled():
        task.exception()


def _place(task):
    """Where a cancelled task waited, which is what the author of the block wants to know."""
    if not task.done() or not task.cancelled():
        return None
    try:
        task.result()
    except _CancelledError as stopped:
        return stopped.__traceback__


def _shown(value):
    if value is None:
        return b""
    scope["_"] = value
    shown = preview.preview(value)
    try:
        display.send_value(value, shown)
    except Exception as error:
        streams.note("the value's rich forms were not shown: " + text.summary(error, 300))
    return outcome.value(shown)
