"""Calls of tools: plain ones wait inside the host, awaited ones are answered by `resume`.

    call ──► host ──► reply ──────────────────────► value or exception
    await ──► host ──► ticket ··· turn waits ··· resume ──► reply ──► …
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

from _struct import pack as _pack, unpack_from as _unpack_from
from asyncio import events as _events

import _host

from memex_guest import arguments, channel, loop as loops, results, text

LOST = b"\xff\xff\xff\xff"

_running = _events._get_running_loop
_encoded = arguments.encoded
_scan = channel.scan
_converted = results.converted
_AWAITED = ',"await":true}'

# What converts a tool's result, by the function; `definitions` fills it.
converters = {}
# Text that stands before the arguments, by the name of the tool.
_prefixes = {}
# Futures of the calls that the host has taken, by ticket, with the names of the tools.
_pending = {}


def call(tool, given, function):
    """Calls a tool and waits for its answer.

    Raises what the host answers, `TypeError` or `ValueError` for arguments without a form in JSON.
    """
    written, parts = _encoded(tool, {name: value for name, value in given.items() if value is not ...}, function)
    head = (_prefixes.get(tool) or _prefix(tool)) + written + "}"
    if parts:
        reply = _host.call(channel.framed(channel.TOOL_CALL, head, parts))
    else:
        reply = _host.call(_pack("<BI", 2, len(head)) + head.encode("ascii"))
    # The usual reply is a head alone.
    if len(reply) > 5 and reply[0] == 0 and len(reply) == 5 + _unpack_from("<I", reply, 1)[0]:
        shown = str(reply[5:], "utf-8")
        if '"$' not in shown:
            value = _scan(shown, 0)[0]["result"]
            convert = converters[function]
            return value if convert is None else _converted(value, convert)
    return value_of(reply, converters[function])


def awaitable(tool, given, function):
    """The coroutine of a call that other tasks can run beside; the arguments are taken now."""
    written, parts = _encoded(tool, {name: value for name, value in given.items() if value is not ...}, function)
    made = _awaited(tool, _prefix(tool) + written, parts, converters[function])
    made.__name__ = function.__name__
    made.__qualname__ = function.__name__ + ".aio"
    return made


async def _awaited(tool, head, parts, convert):
    loop = _running()
    if not isinstance(loop, loops.GuestLoop):
        # Somebody's own loop, which knows nothing of answers.
        return value_of(_host.call(channel.framed(channel.TOOL_CALL, head + "}", parts)), convert)
    reply = _host.call(channel.framed(channel.TOOL_CALL, head + _AWAITED, parts))
    status, found, received = channel.parse_views(reply)
    if status != 0 or type(found) is not dict or "ticket" not in found:
        return _value(status, found, received, _is_marked(reply), convert)
    ticket = found["ticket"]
    _lose(ticket)
    future = loop.create_future()
    _pending[ticket] = future, tool
    loops.host_answers = len(_pending)
    try:
        reply = await future
    finally:
        if _pending.get(ticket, (None,))[0] is future:
            del _pending[ticket]
            loops.host_answers = len(_pending)
    return value_of(reply, convert)


def deliver(payload):
    """Takes the answers that a turn is resumed with."""
    if payload == LOST:
        for ticket in list(_pending):
            _lose(ticket)
        return
    (count,) = _unpack_from("<I", payload, 0)
    at = 4
    for _ in range(count):
        ticket, length = _unpack_from("<QI", payload, at)
        at += 12
        future, _tool = _pending.pop(ticket, (None, None))
        if future is not None and not future.done():
            future.set_result(payload[at : at + length])
        at += length
    loops.host_answers = len(_pending)


def _wait(timeout):
    """Waits for answers with the block's frames standing: in a loop of `asyncio.run`."""
    _head, parts = channel.call(channel.WAIT, {"timeout_s": timeout})
    deliver(parts[0])


loops.wait_for_answers = _wait


def forget_answers():
    """Expects no answers any more, of a session whose tasks stay elsewhere."""
    _pending.clear()
    loops.host_answers = 0


def forget():
    """Drops what is kept of the functions that were called."""
    converters.clear()
    _prefixes.clear()


def value_of(reply, convert):
    """The result in a reply of the host, or the exception in it, raised."""
    status, head, parts = channel.parse_views(reply)
    return _value(status, head, parts, _is_marked(reply), convert)


def _is_marked(reply):
    """Whether a reply may hold values that stand for something else, without a walk through it."""
    return b'"$' in reply


def _value(status, head, parts, is_marked, convert):
    if status != 0:
        raise channel.failure(head)
    value = head.get("result") if type(head) is dict else None
    if is_marked:
        try:
            texts = head.get("text")
            value = results.filled(value, parts, None if texts is None else results.Texts(parts[texts]))
        except Exception as error:
            raise RuntimeError("the tool's result cannot be taken apart: " + text.summary(error, 300)) from None
    return value if convert is None else _converted(value, convert)


def _lose(ticket):
    """Ends the wait for an answer that stayed behind."""
    future, tool = _pending.pop(ticket, (None, None))
    loops.host_answers = len(_pending)
    if future is not None and not future.done():
        future.set_exception(
            ConnectionAbortedError(
                "the call of " + tool + " stayed behind when the session was restored or forked; call it again"
            )
        )


def _prefix(tool):
    found = _prefixes.get(tool)
    if found is None:
        found = _prefixes[tool] = '{"tool":' + text.quoted(tool) + ',"arguments":'
    return found
