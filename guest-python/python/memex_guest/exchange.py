"""Single variables of the scope, which the host takes out and puts in between turns.

    request:  1 (get) or 2 (set) │ name │ for a set, the packed value (see `values`)
    reply:    the packed value, or nothing for a set        0 │ {"type", "message"}, a refusal
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

from json import JSONEncoder

from memex_guest import channel, text, turn, values

GET = 1
SET = 2
# The first byte of a refusal; packed values begin with another.
_REFUSED = 0
# The first bytes of requests; questions of `scope` are JSON objects.
REQUESTS = (b"\1", b"\2")

_MESSAGE_MAX = 2000
_encode = JSONEncoder(ensure_ascii=True).encode


def answer(payload):
    """Answers one request."""
    try:
        op, pieces = channel.split(payload, 2)
        name = str(pieces[0], "utf-8")
        if op == GET:
            return values.packed(_found(name), name)
        turn.scope[name] = values.unpacked(pieces[1])
        return b""
    except Exception as error:
        reply = {"type": text.type_name(type(error)), "message": text.scrubbed(text.safe_str(error, _MESSAGE_MAX))}
        return channel.framed(_REFUSED, _encode(reply), ())


def _found(name):
    try:
        return turn.scope[name]
    except KeyError:
        raise NameError("name '" + name + "' is not defined") from None
