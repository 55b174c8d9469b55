"""Handing in an answer: as JSON that the host checks, and as typed data for a parent.

    submit(…) ──► host checks the JSON and keeps both ──► Submitted ends the block
    parent    ──► reads the data, writes their call anew ──► same digest: it is the answer
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

from _struct import pack as _pack
from hashlib import sha256 as _sha256
from json import JSONEncoder

import _host

from memex_guest import arguments, arrays, channel, containers, dtypes, frames, instances, kinds, recorded, text, values

AGENT = 6
TEXT_MAX = 2000
_SUBMIT = '{"do":"submit","arguments":'
# Loaded for what they add to `values`.
_KINDS = containers, kinds, instances, recorded, arrays, dtypes, frames

_encode = JSONEncoder(ensure_ascii=True).encode
_encoded = arguments.encoded


class Submitted(BaseException):
    """Ends a block whose answer was accepted. The run ends whether or not it is caught."""

    __module__ = "tools"


def submit(tool, given, _function):
    """Hands in an answer; raises `Submitted` when it is accepted, and else what is wrong with it."""
    given = {name: value for name, value in given.items() if value is not ...}
    objects, refusal = b"", None
    try:
        objects = values.packed(given, tool)
    except values.MISFITS as error:
        refusal = error
    try:
        head, parts = _submitted(tool, given)
    except (TypeError, ValueError):
        if refusal is not None:
            raise refusal from None
        # What has no form in JSON is named there; whoever spawned this agent gets the object.
        shown = {name: text.safe_repr(value, TEXT_MAX) for name, value in given.items()}
        head, parts = _SUBMIT + _encode(shown) + "}", ()
    status, found, _parts = channel.parse(_host.call(channel.framed(AGENT, head, [*parts, objects])))
    if status:
        raise channel.failure(found)
    raise Submitted("the answer was accepted")


def _submitted(tool, given):
    """The head and the parts of the call that hands in an answer, as the host checks them."""
    written, parts = _encoded(tool, given)
    return _SUBMIT + written + "}", parts


def is_of_call(fields, digest):
    """Whether these objects are what the host has checked: their call has this digest."""
    hashed = _sha256()
    try:
        head, parts = _submitted("submit", fields)
        for piece in (head.encode("ascii"), *map(memoryview, parts)):
            hashed.update(_pack("<Q", memoryview(piece).nbytes))
            hashed.update(piece)
    except values.MISFITS:
        return False
    return hashed.hexdigest() == digest
