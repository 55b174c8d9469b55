"""Handing in an answer: as JSON that the host checks, and as typed data for a parent.

    submit(…) ──► host checks the JSON and keeps both ──► Submitted ends the block
    parent    ──► reads the data, writes their call anew ──► same digest: it is the answer
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

from _struct import pack as _pack
from hashlib import sha256 as _sha256
from json import JSONEncoder
from typing import Any

import _host

from memex_guest import arguments, arrays, channel, containers, dtypes, forms, frames, instances, kinds, recorded, text, values

AGENT = 6
TEXT_MAX = 2000
# An answer with more in arrays, tables and bytes has no JSON that a record would hold.
_BINARY_MAX = 4 << 20
_SUBMIT = '{"do":"submit","arguments":'
# Loaded for what they add to `values`.
_KINDS = containers, kinds, instances, recorded, arrays, dtypes, frames

_encode = JSONEncoder(ensure_ascii=True).encode
_encoded = arguments.encoded


class Submitted(BaseException):
    """Ends a block whose answer was accepted. The run ends whether or not it is caught."""

    __module__ = "tools"


def submit(tool, given, function):
    """Hands in an answer; raises `Submitted` when it is accepted, and else what is wrong with it."""
    given = {name: value for name, value in given.items() if value is not ...}
    objects, refusal = b"", None
    try:
        objects = values.packed(given, tool)
    except values.MISFITS as error:
        refusal = error
    if objects and _admits_anything(function, given) and _binary_bytes(objects) > _BINARY_MAX:
        head, parts = _named(given), ()
    else:
        try:
            head, parts = _submitted(tool, given)
        except (TypeError, ValueError):
            if refusal is not None:
                raise refusal from None
            if _is_typed(function, given):
                # The host would check the name of the value in place of the value.
                raise
            head, parts = _named(given), ()
    status, found, _parts = channel.parse(_host.call(channel.framed(AGENT, head, [*parts, objects])))
    if status:
        raise channel.failure(found)
    raise Submitted("the answer was accepted")


def _named(given):
    """The head for what has no form in JSON: it is named there, and a parent gets the object."""
    return _SUBMIT + _encode({name: text.safe_repr(value, TEXT_MAX) for name, value in given.items()}) + "}"


def _admits_anything(function, given):
    annotations = getattr(function, "__annotations__", {})
    return all(annotations.get(name) in (Any, "Any") for name in given)


def _is_typed(function, given):
    """Whether each of the fields is known to take values of some type only."""
    annotations = getattr(function, "__annotations__", {})
    return all(annotations.get(name, Any) not in (Any, "Any") for name in given)


def _binary_bytes(packed):
    _first, pieces = channel.split(packed)
    return sum(map(len, pieces[2:]))


def _submitted(tool, given):
    """The head and the parts of the call that hands in an answer, as the host checks them."""
    written, parts = _encoded(tool, given)
    return _SUBMIT + written + "}", parts


def is_of_call(fields, digest):
    """Whether these objects are what the host has checked: their call has this digest."""
    hashed = _sha256()
    try:
        head, parts = _submitted("submit", forms.form_of(fields))
        for piece in (head.encode("ascii"), *map(memoryview, parts)):
            hashed.update(_pack("<Q", memoryview(piece).nbytes))
            hashed.update(piece)
    except values.MISFITS:
        return False
    return hashed.hexdigest() == digest
