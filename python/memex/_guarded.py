"""Validators of pydantic's that look at keys before they make a table of hashes of them.

Hashes of numbers are no secret: keys can be chosen that all share one, or that look at
each other's places, and a set of a hundred thousand of them takes minutes. What a
session packs is checked for such keys (`memex_guest.hashing`), but pydantic makes sets
of lists, and keys of texts, after that. So each schema that makes a table

    set of X            becomes   list of X ──► check ──► set
    dictionary, K to V  becomes   its keys as a list of K ──► check, then the dictionary

in a validator of its own, wherever in a type or model it lies. Only a model with an
`__init__` of its own validates by itself.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Any, Callable

import pydantic
from pydantic_core import PydanticKnownError, SchemaValidator

from memex import _guest
from memex._extent import DIGITS_MAX

_SETS: dict[str, Any] = {"set": "set_type", "frozenset": "frozen_set_type"}
_MAPPINGS = ("dict", "frozendict", "ordered-dict", "counter")
# Keys of which this process's own secret makes hashes, and keys that stay what they were.
_SECRET = ("str",)
_KEPT = ("str", "any")
# Not schemas of what is validated.
_OTHER = ("metadata", "serialization", "config", "default", "expected", "cls")
# A power of ten in the text of a fraction.
_POWER = re.compile(r"[eE]([+-]?[0-9_]+)\s*\Z")


def guarded(schema: Any, otherwise: Any) -> Any:
    """The validator of a core schema with its tables guarded; `otherwise` is that of a schema without any."""
    if not isinstance(schema, dict) and isinstance(schema, Mapping):
        # One that pydantic makes when it is first looked at.
        schema = dict(schema)
    changed = _changed(schema)
    if changed is schema:
        return otherwise
    try:
        # Models have validators already, which guard nothing.
        return SchemaValidator(changed, None, _use_prebuilt=False)
    except TypeError:
        return _without_prebuilt(changed)


def _without_prebuilt(schema: Any) -> Any:
    """The same with versions of pydantic that use the validator of each model which says that it is complete."""
    models: set[Any] = set()
    _collect_models(schema, models)
    complete = [one for one in models if vars(one).get("__pydantic_complete__") is True]
    with _building:
        try:
            for one in complete:
                one.__pydantic_complete__ = False
            return SchemaValidator(schema, None)
        finally:
            for one in complete:
                one.__pydantic_complete__ = True


_building = threading.Lock()


def _collect_models(node: Any, found: set[Any]) -> None:
    if isinstance(node, dict):
        if isinstance(node.get("cls"), type):
            found.add(node["cls"])
        for key, one in node.items():
            if key not in _others(node):
                _collect_models(one, found)
    elif isinstance(node, (list, tuple)):
        for one in node:
            _collect_models(one, found)


def _changed(node: Any) -> Any:
    """The same node if there is nothing to guard in it."""
    if isinstance(node, (list, tuple)):
        items = [_changed(one) for one in node]
        return node if all(new is old for new, old in zip(items, node)) else type(node)(items)
    if not isinstance(node, dict):
        return node
    made = {key: one if key in _others(node) else _changed(one) for key, one in node.items()}
    if all(made[key] is node[key] for key in node):
        made = node
    kind = node.get("type")
    if not isinstance(kind, str):
        return made
    if kind in _SETS and _type_of(node.get("items_schema")) not in _SECRET:
        return _guarded_set(made)
    if kind in _MAPPINGS and _type_of(node.get("keys_schema")) not in _KEPT:
        return _guarded_mapping(made)
    if kind == "function-plain" and getattr(node.get("function", {}).get("function"), "__name__", "") == "fraction_validator":
        return _chained(made, {"type": "any"}, _checked_fraction)
    return made


def _others(node: dict) -> tuple[str, ...]:
    """What is no schema in a node; in schemas by names of fields, any name may be one."""
    return _OTHER if isinstance(node.get("type"), str) else ()


def _type_of(schema: Any) -> str:
    return schema.get("type", "any") if isinstance(schema, dict) else "any"


def _chained(node: dict, before: dict, function: Callable[..., Any]) -> dict:
    """A node after a function, which is given what `before` validates by."""
    first = {"type": "function-wrap", "function": {"type": "with-info", "function": function}, "schema": before}
    last = {key: one for key, one in node.items() if key != "ref"}
    ref = {"ref": node["ref"]} if "ref" in node else {}
    return {"type": "chain", "steps": [first, last], **ref}


def _guarded_set(node: dict) -> dict:
    of_list = {"type": "list", "items_schema": node.get("items_schema", {"type": "any"})}
    if "fail_fast" in node:
        of_list["fail_fast"] = node["fail_fast"]

    def check(value: Any, validate: Callable[[Any], list], info: Any) -> list:
        strict = node.get("strict", (info.config or {}).get("strict", False))
        if isinstance(value, (set, frozenset)):
            value = list(value)
        elif strict:
            raise PydanticKnownError(_SETS[node["type"]])
        try:
            found = validate(value)
        except pydantic.ValidationError as error:
            if error.errors(include_url=False, include_context=False, include_input=False)[0]["type"] == "list_type":
                raise PydanticKnownError(_SETS[node["type"]]) from None
            raise
        _check(found, is_set=True)
        return found

    rest = {key: one for key, one in node.items() if key not in ("items_schema", "strict")}
    return _chained({**rest, "strict": False}, of_list, check)


def _guarded_mapping(node: dict) -> dict:
    def check(value: Any, validate: Callable[[Any], list], _info: Any) -> Any:
        if isinstance(value, Mapping) and len(value) > _guest.module("hashing").ALIKE_MAX:
            _check(validate(list(value)), is_set=False)
        return value

    return _chained(node, {"type": "list", "items_schema": node["keys_schema"], "strict": False}, check)


def _check(keys: list, is_set: bool) -> None:
    hashing = _guest.module("hashing")
    try:
        hashing.check_keys(keys, hashing.SET if is_set else hashing.DICT)
    except TypeError:
        # One that has no hash; that is said by who makes the table.
        pass


def _checked_fraction(value: Any, validate: Callable[[Any], Any], _info: Any) -> Any:
    if isinstance(value, str):
        power = _POWER.search(value)
        if len(value) > DIGITS_MAX or power and abs(int(power[1].replace("_", "") or 0)) > DIGITS_MAX:
            raise ValueError(f"a fraction has at most {DIGITS_MAX} digits")
    return validate(value)
