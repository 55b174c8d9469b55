"""Conversations with an agent on a memory. The loop is the one of the Rust crate `memex-mem-agent`."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import TYPE_CHECKING, Any, AsyncIterator, Iterator, NamedTuple, Protocol

from memex import _characters, _following
from memex._errors import AgentError
from memex._following import Finished, Piece
from memex._replies import Usage
from memex._caller import Caller
from memex._trajectory import Trajectory

if TYPE_CHECKING:
    from memex._model import Model


class Remembers(Protocol):
    """A memory, as far as conversations go."""

    path: str
    name: str

    def _workplace(self) -> Any: ...


class MemoryAnswer(NamedTuple):
    """What an agent answers from a memory: its `reply`, with the `thoughts` and the `python` that stood beside it.

    >>> memory.ask("Who am I?").reply
    'You are Ada.'
    """

    reply: str
    thoughts: str
    python: str
    calls: int
    usage: Usage

    def __str__(self) -> str:
        return self.reply


class _Question(Caller):
    """A question that is being answered."""

    def __init__(self, conversation: MemoryConversation, question: str, loop: Any = None) -> None:
        super().__init__(loop)
        self._conversation = conversation
        self._question = _characters.checked(question, "the question", AgentError)

    def go(self) -> MemoryAnswer:
        """Asks on this thread, and waits for the answer."""
        conversation = self._conversation
        if self.turn.in_loop and conversation._model._needs_loop:
            raise AgentError(
                f"{conversation._model.name} is async, and the question was asked inside of a running event loop, which cannot "
                "run it meanwhile; use `await conversation.aask(…)`, or AsyncMemory"
            )
        agent = conversation._agent()
        try:
            answer = json.loads(agent.ask(self._question, self._begins, self.follow, self.stop))
        except BaseException as error:
            self._raise_struck()
            if self.model_error is not None and isinstance(error, Exception):
                raise error from self.model_error
            raise
        self._raise_struck()
        used = Usage(answer["input_tokens"], answer["output_tokens"], 0, answer["cost_usd"])
        return MemoryAnswer(answer["reply"], answer["thoughts"], answer["python"], answer["calls"], used)

    def _begins(self) -> None:
        """The model is asked for this question from now on."""
        self._conversation._caller = self


class MemoryConversation:
    """A conversation with an agent on a memory. One question at a time.

    >>> talk = memory.conversation(model="openai:gpt-5")
    >>> answer = talk.ask("My name is Ada.")
    >>> talk.ask("What is my name?").reply
    'You are Ada.'
    """

    def __init__(self, memory: Remembers, model: Model, options: tuple) -> None:
        self._memory = memory
        self._model = model
        self._options = options
        self._id = f"{memory.name}-{uuid.uuid4().hex[:12]}"
        self._native: Any = None
        # Whose question is being answered: the model is asked in that one's context.
        self._caller: Any = None

    def ask(self, question: str) -> MemoryAnswer:
        """Asks a question or says something; waits for the answer. Ctrl-C ends it.

        >>> memory.conversation().ask("Who am I?").reply
        'You are Ada.'
        """
        return _Question(self, question).go()

    async def aask(self, question: str) -> MemoryAnswer:
        """As `ask`, awaited: an async model is asked on this event loop. Cancelling the task ends the answer.

        >>> (await memory.conversation().aask("Who am I?")).reply
        'You are Ada.'
        """
        return await _following.apart(_Question(self, question, asyncio.get_running_loop()))

    def stream(self, question: str) -> Iterator[Piece | Finished]:
        """Yields what the agent writes as it writes it, `Piece`s of `thoughts`, `python`, `result` and `reply`; then `Finished`.

        >>> for event in memory.conversation().stream("Who am I?"):
        ...     if isinstance(event, memex.Finished):
        ...         print(event.result.reply)
        You are Ada.
        """
        return _following.stream(_Question(self, question), Piece)

    def astream(self, question: str) -> AsyncIterator[Piece | Finished]:
        """As `stream`, in an event loop.

        >>> async for event in memory.conversation().astream("Who am I?"):
        ...     if isinstance(event, memex.Finished):
        ...         print(event.result.reply)
        You are Ada.
        """
        return _following.astream(_Question(self, question, asyncio.get_running_loop()), Piece)

    @property
    def messages(self) -> list[dict[str, str]]:
        """The messages so far: `role` and `content`.

        >>> talk = memory.conversation()
        >>> answer = talk.ask("Who am I?")
        >>> talk.messages[-1]["role"]
        'assistant'
        """
        return [] if self._native is None else json.loads(self._native.conversation())

    def finish(self) -> Trajectory | None:
        """Ends the conversation: its record.

        >>> talk = memory.conversation()
        >>> answer = talk.ask("Who am I?")
        >>> talk.finish().status
        'answered'
        """
        native = None if self._native is None else self._native.finish()
        return None if native is None else Trajectory(native)

    def _agent(self) -> Any:
        if self._native is None:
            place = self._memory._workplace()
            model = self._model._bound(lambda: self._caller)
            self._native = place.agent(model, self._id, *self._options)
        return self._native

    def __repr__(self) -> str:
        return f"<memex.MemoryConversation on {self._memory.path}>"
