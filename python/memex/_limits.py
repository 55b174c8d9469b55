"""Limits and policies as objects; the same names, units and rules as in policy files."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Mapping

from memex import _characters, _memex
from memex._errors import PolicyError

if TYPE_CHECKING:
    import datetime

# Shorter names for what is set most.
_SHORT = {
    "time": "guest_time_ms",
    "wall_time": "wall_time_ms",
    "memory": "memory_bytes",
    "tool_time": "tool_time_ms",
    "stdout": "stdout_bytes",
    "stderr": "stderr_bytes",
    "call_bytes": "host_call_bytes",
}


class Limits:
    """Bounds of a session, by name: `Limits(time="10s", memory="512MiB", turns=100)`.

    A value is a number in the unit of the limit's name, a text with a unit, or a
    `timedelta`. What is not given is as in the policy. `Limits.fields()` lists all.

    >>> box = memex.Sandbox(limits=memex.Limits(time="5s", memory="512MiB"))
    >>> [line for line in box.policy.splitlines() if "guest_time" in line]
    ['guest_time_ms = "5 s"']
    """

    __slots__ = ("values",)

    def __init__(self, **values: int | str | datetime.timedelta) -> None:
        known = {field[0]: field for field in _memex.limit_fields()}
        self.values: dict[str, int | str] = {}
        for given, value in values.items():
            name = _SHORT.get(given, given)
            if name not in known:
                import difflib

                near = difflib.get_close_matches(given, [*known, *_SHORT], 1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise PolicyError(f"there is no limit `{given}`{hint}\nhint: Limits.fields() lists them")
            if name in self.values:
                raise PolicyError(f"the limit {name} is given twice")
            if hasattr(value, "total_seconds"):
                if not name.endswith("_ms"):
                    raise PolicyError(f"the limit {name} is no time")
                value = int(value.total_seconds() * 1000)
            if isinstance(value, bool) or not isinstance(value, (int, str)):
                raise PolicyError(f'the limit {name} takes a number or a text such as "2s", not {value!r}')
            if isinstance(value, int) and value < 0:
                raise PolicyError(f"the limit {name} cannot be negative: {value}")
            self.values[name] = value

    @staticmethod
    def fields() -> list[dict[str, Any]]:
        """Every limit: its name, unit, minimum, maximum, default and meaning.

        >>> [one["default"] for one in memex.Limits.fields() if one["name"] == "guest_time_ms"]
        [10000]
        """
        keys = ("name", "unit", "minimum", "maximum", "default", "meaning")
        return [dict(zip(keys, field, strict=True)) for field in _memex.limit_fields()]

    def __repr__(self) -> str:
        return "Limits(" + ", ".join(f"{name}={value!r}" for name, value in self.values.items()) + ")"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Limits) and self.values == other.values

    __hash__ = None  # type: ignore[assignment]


class Policy:
    """What code may do, written out: the tables of a policy file (`docs/policies.md`).

    `Policy(extends="web", network=[{"host": "api.example.com"}])`, or the same as TOML by
    `Policy.from_toml` and `Policy.from_file`.

    >>> memex.Policy(extends="compute", limits={"turns": 2})
    Policy(extends='compute', limits={'turns': 2}, version=1)
    """

    __slots__ = ("table",)

    def __init__(self, **tables: Any) -> None:
        # Checked at once, by the reader of policy files.
        try:
            text = json.dumps({"version": 1, **tables}, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise PolicyError(f"the tables of a policy are dictionaries, lists, texts and numbers: {error}") from None
        self.table: dict[str, Any] = json.loads(_memex.policy_of_json(_characters.checked(text, "the policy", PolicyError)))

    @classmethod
    def from_toml(cls, text: str) -> Policy:
        """The policy of a TOML text. Raises `PolicyError` with the place of what is wrong.

        >>> memex.Policy.from_toml('version = 1\\nextends = "compute"\\nlimits.turns = 2\\n').table["limits"]
        {'turns': 2}
        """
        made = cls.__new__(cls)
        made.table = json.loads(_memex.policy_of_toml(_characters.checked(text, "the policy", PolicyError)))
        return made

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Policy:
        """The policy of a file.

        >>> size = pathlib.Path("policy.toml").write_text('version = 1\\nextends = "compute"\\n')
        >>> memex.Policy.from_file("policy.toml").table["extends"]
        'compute'
        """
        try:
            with open(path, encoding="utf-8") as file:
                return cls.from_toml(file.read())
        except OSError as error:
            raise PolicyError(f"cannot read the policy {os.fspath(path)}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise PolicyError(f"the policy {os.fspath(path)} is no text in UTF-8") from None

    def __repr__(self) -> str:
        return "Policy(" + ", ".join(f"{name}={value!r}" for name, value in self.table.items()) + ")"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Policy) and self.table == other.table

    __hash__ = None  # type: ignore[assignment]


class Mount:
    """A directory of this machine that code sees: `Mount("data")`, `Mount("out", write=True)`.

    >>> with memex.Sandbox(mounts={"/data": memex.Mount("data", write=True)}) as box:
    ...     box.run("open('/data/a.txt', 'w').write('abc')").value
    3
    >>> pathlib.Path("data/a.txt").read_text()
    'abc'
    """

    __slots__ = ("host", "write")

    def __init__(self, host: str | os.PathLike[str], *, write: bool = False) -> None:
        self.host = os.path.abspath(os.fspath(host))
        self.write = write

    def __repr__(self) -> str:
        return f"Mount({self.host!r}, write={self.write})"


def policy_source(policy: Any) -> Any:
    """The `policy` of a spec."""
    if policy is None:
        return []
    if isinstance(policy, Policy):
        return policy.table
    if isinstance(policy, Mapping):
        return dict(policy)
    if isinstance(policy, (str, os.PathLike)):
        return os.fspath(policy)
    if isinstance(policy, (list, tuple)):
        return [os.fspath(one) for one in policy]
    raise PolicyError(f"a policy is the name of a preset, a policy file, a list of them or a Policy, not {policy!r}")


def limits_source(limits: Any) -> dict[str, int | str]:
    """The `limits` of a spec."""
    if limits is None:
        return {}
    if isinstance(limits, Limits):
        return limits.values
    if isinstance(limits, Mapping):
        return Limits(**limits).values
    raise PolicyError(f"limits are Limits(…) or a dictionary, not {limits!r}")


def mounts_source(mounts: Any) -> list[dict[str, str]]:
    """The `mounts` of a spec."""
    if mounts is None:
        return []
    if not isinstance(mounts, Mapping):
        raise PolicyError('mounts are a dictionary of paths in the sandbox to directories: {"/data": "data"}')
    found = []
    for guest, mount in mounts.items():
        if not isinstance(mount, Mount):
            mount = Mount(mount)
        found.append({"guest": guest, "host": mount.host, "access": "read-write" if mount.write else "read-only"})
    return found
