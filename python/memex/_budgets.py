"""Bounds of runs: what they may use, and how many agents they may spawn."""

from __future__ import annotations

import datetime
import re
from typing import Any

from memex._errors import AgentError

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "min": 60_000, "h": 3_600_000}
_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|m|h)\Z")


class Budgets:
    """What a run may use, the agents that it spawns included.

    Defaults: 50 `turns` (replies of the model; of the run itself), 5,000,000 `tokens`, no bound of
    `cost_usd`, an hour of `wall_time` (seconds, a text such as `"10m"`, or a `timedelta`).

    >>> memex.Budgets(turns=10, cost_usd=0.5, wall_time="2m")
    Budgets(turns=10, cost_usd=0.5, wall_time='2m')
    """

    def __init__(
        self,
        *,
        turns: int | None = None,
        tokens: int | None = None,
        cost_usd: float | None = None,
        wall_time: float | str | datetime.timedelta | None = None,
    ) -> None:
        self._given = {"turns": turns, "tokens": tokens, "cost_usd": cost_usd, "wall_time": wall_time}
        self._fields: dict[str, Any] = {}
        for name, value in (("turns", turns), ("tokens", tokens)):
            if value is not None:
                self._fields[name] = _count(value, name, "Budgets", 1)
        if cost_usd is not None:
            if isinstance(cost_usd, bool) or not isinstance(cost_usd, (int, float)) or not 0 < cost_usd < float("inf"):
                raise AgentError(f"Budgets: cost_usd is an amount above 0, not {cost_usd!r}")
            self._fields["cost_usd"] = float(cost_usd)
        if wall_time is not None:
            self._fields["wall_time_ms"] = _milliseconds(wall_time)

    def __repr__(self) -> str:
        return "Budgets(" + ", ".join(f"{name}={value!r}" for name, value in self._given.items() if value is not None) + ")"


class Spawning:
    """How many agents a run may spawn by `spawn_agent` and `map_agents`, and how often it may ask `llm`.

    Defaults: 1,000 `agents` at any depth, a `depth` of 3, 32 in `parallel`, 1,000 `questions`. The limits
    `agents` (32) and `agent_depth` (3) of the policy apply as well: `limits=memex.Limits(agents=100)`.

    >>> memex.Spawning(agents=8, depth=1)
    Spawning(agents=8, depth=1)
    """

    def __init__(
        self, *, agents: int | None = None, depth: int | None = None, parallel: int | None = None, questions: int | None = None
    ) -> None:
        given = {"agents": agents, "depth": depth, "parallel": parallel, "questions": questions}
        least = {"parallel": 1}
        self._fields = {
            name: _count(value, name, "Spawning", least.get(name, 0)) for name, value in given.items() if value is not None
        }

    def __repr__(self) -> str:
        return "Spawning(" + ", ".join(f"{name}={value!r}" for name, value in self._fields.items()) + ")"


def _count(value: Any, name: str, of: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise AgentError(f"{of}: {name} is a number from {least} on, not {value!r}")
    return value


def _milliseconds(value: float | str | datetime.timedelta) -> int:
    if isinstance(value, datetime.timedelta):
        found = value.total_seconds() * 1000
    elif isinstance(value, str):
        match = _TIME.match(value.strip())
        if match is None:
            raise AgentError(f'Budgets: wall_time is seconds or a text such as "90s" or "10m", not {value!r}')
        found = float(match[1]) * _UNITS[match[2]]
    elif isinstance(value, bool) or not isinstance(value, (int, float)):
        raise AgentError(f'Budgets: wall_time is seconds or a text such as "90s" or "10m", not {value!r}')
    else:
        found = value * 1000
    if not 1 <= found < 1 << 53:
        raise AgentError(f"Budgets: wall_time is a time above 0, not {value!r}")
    return int(found)
