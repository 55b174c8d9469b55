"""The one door out of the guest: `_host.call`.

A request is one byte of operation, then the head (u32 LE length, JSON) and any
number of parts (u32 LE length, raw bytes). A reply begins with one byte of status
instead: 0 for success, 1 for an error whose head holds `type` and `message`.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

from _struct import pack as _pack, unpack_from as _unpack_from
from json import JSONDecoder, JSONEncoder

import _host

DISPLAY = 1
TOOL_CALL = 2
TOOLBOX = 3
WAIT = 5
NATIVE = 8

# A new encoder and decoder hold C functions that patching `json` does not reach.
_encode = JSONEncoder(ensure_ascii=True).encode
_decode = JSONDecoder().decode
# Decodes from a position on, and says where the value ends; takes no leading white space.
scan = JSONDecoder().scan_once
_raisable = {
    name: value
    for name, value in __builtins__.items()
    if isinstance(value, type) and issubclass(value, Exception) and not name.startswith("Unicode")
}


class HostError(RuntimeError):
    """The host refused or failed a call, for a reason that is no builtin exception."""


def call(op, head, parts=()):
    """Calls the host with a JSON head and raw parts; returns the reply's head and parts.

    Raises the builtin exception that the reply names, or `HostError`.
    """
    status, head, parts = ask(op, head, parts)
    if status == 0:
        return head, parts
    raise failure(head)


def ask(op, head, parts=()):
    """As `call`, but a refusal is returned too: the status, the head and the parts."""
    return parse(_host.call(framed(op, _encode(head), parts)))


def compute(head, parts):
    """Asks the host for a native, a pure function: as `call`, with parts that are views."""
    status, head, parts = parse_views(_host.call(framed(NATIVE, _encode(head), parts)))
    if status == 0:
        return head, parts
    raise failure(head)


def framed(op, head, parts):
    """The frame of a head that is ASCII text already."""
    pieces = [_pack("<BI", op, len(head)), head.encode("ascii")]
    for part in parts:
        view = memoryview(part)
        # Views without contents, or with gaps, cannot be cast.
        view = view.cast("B") if view.nbytes and view.c_contiguous else view.tobytes()
        pieces.append(_pack("<I", len(view)))
        pieces.append(view)
    return b"".join(pieces)


def parse(frame):
    """Splits a frame into its first byte, its decoded head and its parts.

    Raises `HostError` when a length points past the end.
    """
    first, head, parts = parse_views(frame)
    return first, head, [bytes(part) for part in parts]


def parse_views(frame):
    """As `parse`, with parts that are views of the frame."""
    first, pieces = split(frame)
    head = str(pieces[0], "utf-8")
    return first, _decode(head) if head else None, pieces[1:]


def split(frame, pieces_max=None):
    """The first byte of a frame, and views of its head and its parts."""
    size = len(frame)
    if size < 5:
        raise HostError("the frame is shorter than its header")
    view = memoryview(frame)
    pieces = []
    at = 1
    while at < size:
        if size - at < 4:
            raise HostError("the frame ends inside a length")
        (length,) = _unpack_from("<I", frame, at)
        at += 4
        if length > size - at:
            raise HostError("the frame ends inside a part")
        pieces.append(view[at : at + length])
        if pieces_max is not None and len(pieces) > pieces_max:
            raise HostError("the frame has too many parts")
        at += length
    return frame[0], pieces


def failure(head):
    """The exception that the head of a refusal stands for."""
    kind = head.get("type") if isinstance(head, dict) else None
    message = head.get("message", "") if isinstance(head, dict) else ""
    known = _raisable.get(kind)
    if known is not None:
        return known(message)
    return HostError(str(kind) + ": " + str(message) if kind else str(message))
