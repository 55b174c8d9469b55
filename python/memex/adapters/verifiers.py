"""verifiers: the harness `memex_verifiers` evaluates and trains models in memex's own agent loop.

    vf-eval TASKSET --env.agent.harness.id memex_verifiers --env.agent.runtime.type subprocess

The loop runs in the process of the rollout, and its code in a session. Every request to the
model goes through the rollout's endpoint, which records it and sets model and sampling.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from typing import Any, Literal

import memex
from memex.adapters import _common

try:
    from pydantic import Field
    from verifiers.v1.configs.harness import HarnessConfig
    from verifiers.v1.harness import Harness, HarnessSession
    from verifiers.v1.runtimes import ProgramResult
    from verifiers.v1.types import Messages, content_text
except ModuleNotFoundError as error:
    raise _common.needed(error, "verifiers") from None


class MemexHarnessConfig(HarnessConfig):
    """What of `memex.Agent` a run sets; `env` and `forward_env` are variables of the code."""

    id: str = "memex_verifiers"
    action_space: Literal["code", "tools"] = "code"
    code_form: Literal["tool", "fenced", "tagged"] | None = None
    policy: str | None = None
    """A preset, or a policy file."""
    limits: dict[str, Any] = Field(default_factory=dict)
    mounts: dict[str, str] = Field(default_factory=dict)
    packages: list[str] = Field(default_factory=list)
    turns: int | None = None
    """Turns of one exchange, besides what the rollout itself bounds."""


class MemexHarness(Harness[MemexHarnessConfig]):
    """memex's agent. A task's prompt is its task, the system prompt its instructions, tool servers its functions."""

    APPENDS_SYSTEM_PROMPT = True
    SUPPORTS_MCP = True
    # What the model's code reaches is a session's, and nothing of the runtime.
    EXECUTES_CODE = False
    NEEDS_CONTAINER = False

    async def session(self, *given: Any, **named: Any) -> HarnessSession:
        return _Session(self, *given, **named)

    async def launch(self, *given: Any, **named: Any) -> ProgramResult:
        session = _Session(self, *given, **named)
        try:
            return await session._run(None)
        finally:
            await session.close()


class _Session(HarnessSession):
    """The agent of one rollout, and what it came to last: further messages go on from there."""

    _agent: memex.Agent | None = None
    _result: memex.RunResult | None = None

    async def _run(self, messages: Messages | None) -> ProgramResult:
        system, prompt = self.harness.resolve_prompt(self.data)
        task = _text(prompt if messages is None else messages)
        if self._agent is None:
            self._agent = await asyncio.to_thread(self._made, system or "")
        if self._result is None:
            self._result = await self._agent.arun(task)
        else:
            self._result = await self._result.acontinue(task)
        result = self._result
        # A budget of memex's ends a rollout as one of verifiers' does: the trace is graded as it is.
        if result.ok or result.status == "exhausted":
            return ProgramResult(0, result.answer or "", "")
        return ProgramResult(1, "", result.reason or result.status)

    async def close(self) -> None:
        agent, self._agent = self._agent, None
        if agent is not None:
            await asyncio.to_thread(agent.close)
        await super().close()

    def _made(self, instructions: str) -> memex.Agent:
        """Blocks: the image may have to be built, and servers of tools answer what they have."""
        config: Any = self.harness.config
        settings: dict[str, Any] = {"policy": config.policy, "limits": config.limits or None}
        if config.action_space == "code":
            settings |= {"mounts": config.mounts, "packages": config.packages, "environment": config.resolved_env}
        if config.turns is not None:
            settings["budgets"] = memex.Budgets(turns=config.turns)
        # The endpoint speaks to one model, under whatever name.
        model = memex.Model(f"local:{self.ctx.model}@{self.endpoint}", api_key=self.secret, stream=False)
        with tempfile.TemporaryDirectory() as folder:
            files = []
            if self.mcp_urls:
                files.append(os.path.join(folder, "tools.toml"))
                with open(files[0], "w") as file:
                    file.write(_servers(self.mcp_urls, config.disabled_tools or [], config.tool_timeout))
            agent = memex.Agent(
                model,
                action_space=config.action_space,
                code_form=config.code_form,
                instructions=instructions,
                tool_files=files,
                **settings,
            )
            try:
                return agent.prepare()
            except BaseException:
                agent.close()
                raise


def _text(prompt: str | Messages | None) -> str:
    """The words of a prompt: a task of memex's has no pictures."""
    if isinstance(prompt, str):
        return prompt
    parts = [message.content for message in prompt or []]
    if any(not isinstance(part, str) and any(one.type != "text" for one in part or []) for part in parts):
        raise ValueError("a task for memex is words; give pictures as files, by `mounts`")
    if not any(content_text(part).strip() for part in parts):
        raise ValueError("there is no task: the prompt is empty")
    return "\n\n".join(content_text(part) for part in parts)


def _servers(urls: dict[str, str], denied: list[str], timeout_s: float) -> str:
    """The tool file of some MCP servers. A text of JSON is one of TOML."""
    servers = [
        f"[[mcp]]\nname = {json.dumps(name)}\nurl = {json.dumps(url)}\nprefix = \"\"\n"
        f"deny = {json.dumps(denied)}\ntimeout_ms = {int(timeout_s * 1000)}\n"
        for name, url in urls.items()
    ]
    return "\n".join(["version = 1", *servers])
