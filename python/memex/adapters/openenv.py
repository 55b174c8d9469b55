"""OpenEnv: a REPL environment for training, over the sessions of one sandbox.

    app = create_app(reward=lambda session, answer: float(answer == "42"), setup="x = 6")

is what `uvicorn` serves; each connection has a session of its own.
"""

from __future__ import annotations

import uuid
from typing import Any, Callable

import memex
from memex.adapters import _common
from memex.shell import Shell

try:
    from openenv.core.env_server import http_server
    from openenv.core.env_server.interfaces import Environment
    from openenv.core.env_server.types import Action, Observation, State
    from pydantic import Field
except ModuleNotFoundError as error:
    raise _common.needed(error, "openenv") from None

Reward = Callable[[memex.Session, "str | None"], float]


class CodeAction(Action):
    """A block to run, or the answer that ends the episode; or both, in this order."""

    code: str = Field(default="", description="Python code; variables stay from step to step")
    final_answer: str | None = Field(default=None, description="The answer, which ends the episode")


class CodeObservation(Observation):
    """What a block came to."""

    stdout: str = ""
    stderr: str = ""
    text: str = Field(default="", description="The value of the last expression")
    error: str = Field(default="", description="The traceback, or the limit that was reached")
    prompt: str = Field(default="", description="The task, after a reset")


class CodeState(State):
    """Where an episode is."""

    variables: list[str] = []
    done: bool = False


class CodeEnvironment(Environment[CodeAction, CodeObservation, CodeState]):
    """One episode at a time, in a session that each reset makes anew.

    `setup` is code that a session begins with, and `prompt` what a reset says. `reward` is
    called at the end with the session and the answer, in this process.
    """

    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(
        self,
        sandbox: memex.Sandbox | None = None,
        *,
        reward: Reward | None = None,
        setup: str = "",
        prompt: str = "",
        steps_max: int = 50,
        **settings: Any,
    ) -> None:
        super().__init__()
        if sandbox is not None and settings:
            raise memex.MemexError("a sandbox has its settings already")
        self._box = sandbox or memex.Sandbox(**settings)
        self._owns = sandbox is None
        self._reward, self._setup, self._prompt, self._steps_max = reward, setup, prompt, steps_max
        self._session: memex.Session | None = None
        self._state = CodeState(episode_id=None, step_count=0)

    def reset(self, seed: int | None = None, episode_id: str | None = None, **_given: Any) -> CodeObservation:
        if self._session is not None:
            self._session.close()
        self._session = self._box.session()
        if self._setup:
            self._session.run(self._setup).raise_for_error()
        if seed is not None:
            self._session.run(f"__import__('random').seed({int(seed)})").raise_for_error()
        self._state = CodeState(episode_id=episode_id or str(uuid.uuid4()), step_count=0)
        return CodeObservation(done=False, reward=None, prompt=self._prompt)

    def step(self, action: CodeAction, timeout_s: float | None = None, **_given: Any) -> CodeObservation:
        if self._session is None:
            self.reset()
        session = self._session
        assert session is not None
        if self._state.done:
            return CodeObservation(done=True, reward=0.0, error="the episode is over; reset begins another one")
        self._state.step_count += 1
        made = CodeObservation()
        if action.code.strip():
            result = Shell(session).code(action.code, timeout_s)
            error = (result.error.traceback or f"{result.error.name}: {result.error.message}") if result.error else ""
            if result.limit is not None:
                error += f"\nthe limit {result.limit.name} was reached: {result.limit.bound}"
            made = CodeObservation(stdout=result.stdout, stderr=result.stderr, text=result.text, error=error.strip())
            self._state.variables = _names(session)
        if action.final_answer is not None or self._state.step_count >= self._steps_max:
            self._state.done = made.done = True
            made.reward = self._reward(session, action.final_answer) if self._reward is not None else 0.0
        return made

    @property
    def state(self) -> CodeState:
        return self._state

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
        if self._owns:
            self._box.close()


def _names(session: memex.Session) -> list[str]:
    """The variables, as far as the session tells of them."""
    try:
        return [one["name"] for one in session.names()]
    except memex.MemexError:
        return []


def create_app(
    *, reward: Reward | None = None, setup: str = "", prompt: str = "", steps_max: int = 50, sessions_max: int = 64, **settings: Any
) -> Any:
    """The web application: the settings of the environment, and those of `memex.Sandbox`."""
    box = memex.Sandbox(**settings)

    def make() -> CodeEnvironment:
        return CodeEnvironment(box, reward=reward, setup=setup, prompt=prompt, steps_max=steps_max)

    return http_server.create_fastapi_app(make, CodeAction, CodeObservation, max_concurrent_envs=sessions_max)
