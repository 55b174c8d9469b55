"""Calls of tools: what the extension module calls when code in the sandbox calls a function.

    session ──► call ──► function                          on the thread of the turn
                    ├──► thread ──► function ──► later         for functions with a time
                    └──► event loop ──► coroutine ──► later    for async functions
"""

from __future__ import annotations

import contextvars
import threading
import weakref
from typing import TYPE_CHECKING, Any, Callable, Protocol

from memex import _characters, _loops, _memex, _values
from memex._errors import ToolError

if TYPE_CHECKING:
    from memex._tools import Tool


class Caller(Protocol):
    """A session, as far as calls of its tools go."""

    _turn: Turn | None
    # Where events go while it is followed.
    _put: Callable[[Any], None] | None

    def _struck(self, error: BaseException) -> None: ...


# Sessions by the name that the extension module calls tools with.
sessions: weakref.WeakValueDictionary[str, Caller] = weakref.WeakValueDictionary()

_MESSAGE_MAX = 4000
# Calls of one tool that have a time and are not over, those that nobody waits for any more included.
_APART_MAX = 32


class Turn:
    """Where the tools of a turn run: the thread that called, its context and its loop."""

    __slots__ = ("thread", "context", "loop", "in_loop")

    def __init__(self, loop: Any = None) -> None:
        self.thread = threading.get_ident()
        self.context = contextvars.copy_context()
        # The loop of an `AsyncSession`.
        self.loop = loop
        self.in_loop = loop is None and _loops.in_running_loop()


def definition(tool: Tool, find: Callable[[str], Any] = sessions.get) -> Any:
    """The tool for the extension module; `find` has the caller by its name: a session, or a run."""
    import json

    def checked(text: str) -> str:
        return _characters.checked(text, f"what is said of the tool {tool.name}", ToolError)

    return _memex.ToolDefinition(
        tool.name,
        checked(tool.description),
        checked(json.dumps(tool.parameters, ensure_ascii=False)),
        None if tool.returns is None else checked(json.dumps(tool.returns, ensure_ascii=False)),
        tool.timeout,
        None if tool.suspends else _caller(tool, find),
        _values.table,
    )


def _caller(tool: Tool, find: Callable[[str], Any]) -> Callable[..., tuple]:
    free = threading.BoundedSemaphore(_APART_MAX)

    def call(session_name: str, arguments: dict[str, Any], later: Any) -> tuple:
        session = find(session_name)
        try:
            turn = None if session is None else session._turn
            put = None if session is None else session._put
            if put is not None:
                from memex._replies import ToolCall

                put(ToolCall(tool.name, arguments))
            positional, named = tool.read(arguments)
            if tool.is_async:
                return _begin(tool, turn, positional, named, later)
            if tool.timeout is not None:
                return _apart(tool, session, positional, named, later, free)
            if turn is None or turn.thread == threading.get_ident():
                result = tool.function(*positional, **named)
            else:
                result = turn.context.copy().run(tool.function, *positional, **named)
            return ("value", *tool.write(result))
        except Exception as error:
            return ("error", *refusal(tool.name, error))
        except BaseException as error:
            # Ctrl-C, or an exit: not the guest's to catch.
            if session is not None:
                session._struck(error)
            return ("error", "RuntimeError", f"{tool.name}: the call was interrupted", "")

    return call


def _begin(tool: Tool, turn: Turn | None, positional: list, named: dict, later: Any) -> tuple:
    if turn is not None and turn.in_loop:
        raise RuntimeError(
            f"{tool.name} is async, and Session.run was called inside of a running event loop, which cannot run it "
            "meanwhile; use memex.AsyncSandbox and `await session.run(…)`"
        )
    loop = turn.loop if turn is not None and turn.loop is not None else _loops.background()
    context = turn.context.copy() if turn is not None else contextvars.copy_context()

    async def answer() -> None:
        import asyncio

        try:
            json, parts = tool.write(await tool.function(*positional, **named))
        except asyncio.CancelledError:
            later.error("TimeoutError", f"{tool.name}: the call was cancelled", "")
            raise
        except Exception as error:
            later.error(*refusal(tool.name, error))
        else:
            later.value(json, parts)

    return ("later", _loops.start(loop, answer, context))


def _apart(tool: Tool, session: Any, positional: list, named: dict, later: Any, free: threading.BoundedSemaphore) -> tuple:
    """Calls a function on a thread of its own: nothing can stop it, but its call can end before it does."""
    if not free.acquire(blocking=False):
        raise RuntimeError(f"{tool.name}: {_APART_MAX} calls of it that ran out of time have not returned yet")
    turn = None if session is None else session._turn
    context = contextvars.copy_context() if turn is None else turn.context.copy()

    def work() -> None:
        try:
            json, parts = tool.write(tool.function(*positional, **named))
        except Exception as error:
            later.error(*refusal(tool.name, error))
        except BaseException as error:
            if session is not None:
                session._struck(error)
            later.error("RuntimeError", f"{tool.name}: the call was interrupted", "")
        else:
            later.value(json, parts)
        finally:
            free.release()

    threading.Thread(target=context.run, args=(work,), name=f"memex-tool-{tool.name}", daemon=True).start()
    return ("later", _nothing)


def _nothing() -> None:
    """What stops a function: there is nothing that does."""


def refusal(name: str, error: BaseException) -> tuple[str, str, str]:
    """What the guest gets of an exception, its name and message, and what only logs get."""
    import logging
    import traceback

    detail = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    log = logging.getLogger("memex.tools")
    log.info("the tool %s raised %s", name, type(error).__name__, exc_info=error)
    if isinstance(error, KeyError) and len(error.args) == 1 and isinstance(error.args[0], str):
        # `str` of a KeyError is the repr of its text.
        message = error.args[0]
    else:
        message = str(error)
    return type(error).__name__, _characters.whole(message[:_MESSAGE_MAX]), _characters.whole(detail)
