"""Memories of Markdown files, and agents that answer from them (`docs/mem-agent.md`)."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from typing import Any, Callable, Mapping, NamedTuple

from memex import _characters, _host, _memex, _progress
from memex._conversations import MemoryAnswer, MemoryConversation
from memex._errors import MemoryAccessError
from memex._model import model_of
from memex._tools import Tool

_MODES = ("extended", "compat")
#: The names of the ten operations that models know.
TOOL_NAMES = (
    "create_file",
    "create_dir",
    "update_file",
    "read_file",
    "delete_file",
    "check_if_file_exists",
    "check_if_dir_exists",
    "list_files",
    "get_size",
    "go_to_link",
)


class Change(NamedTuple):
    """A change of a memory, as its journal has it.

    >>> memory.create_file("user.md", "- name: Ada")
    True
    >>> [(change.tool, change.path) for change in memory.log(1)]
    [('create_file', 'user.md')]
    """

    id: int
    time: float
    session: str
    tool: str
    path: str
    before: dict[str, Any]
    after: dict[str, Any]


class Memory:
    """A memory of Markdown files in a directory: `user.md`, `entities/NAME.md`, facts and `[[links]]`.

    The ten operations have the names, the arguments and the answers that models know. Every
    change is journalled (`log`, `undo`). Nothing outside of the directory can be reached.

    >>> memory = memex.Memory("memory", model="openai:gpt-5", create=True)
    >>> memory.create_file("user.md", "- name: Ada")
    True
    >>> memory.ask("What is my name?").reply
    'You are Ada.'

    - `model`: that of `ask`; a name, a client, a function or a `Model`, as for `Agent`.
    - `mode`: `extended`, or `compat` for the habits of the model that was trained for it.
    - `create`: makes the directory if it is not there.
    - `name`: who changes are journalled for.
    - `code_time`: seconds that a block of the agent's Python may run.

    Any number of memories, in any number of processes, may be open on one directory.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        model: Any = None,
        model_name: str | None = None,
        mode: str = "extended",
        create: bool = False,
        name: str = "python",
        code_time: float = 20.0,
        cache: str | os.PathLike[str] | None = None,
        on_progress: Callable[[_progress.Progress], None] | None = None,
    ) -> None:
        if mode not in _MODES:
            raise MemoryAccessError(f"mode is one of {', '.join(_MODES)}, not {mode!r}")
        #: The directory.
        self.path = os.path.abspath(path)
        self.name = name
        self._compat = mode == "compat"
        self._model = None if model is None else model_of(model, model_name)
        self._code_time = code_time
        self._cache = None if cache is None else os.fspath(cache)
        self._on_progress = on_progress
        self._place: Any = None
        if create:
            try:
                os.makedirs(self.path, exist_ok=True)
            except OSError as error:
                raise MemoryAccessError(f"the memory {self.path} cannot be made: {error.strerror}") from None
        elif not os.path.isdir(self.path):
            raise MemoryAccessError(f"there is no directory {self.path}; Memory(path, create=True) makes one")
        self._native: Any = _Checked(_memex.Memory(_in_characters(self.path), self._compat))

    # The ten operations

    def create_file(self, file_path: str, content: str = "") -> bool:
        """Write a file of the memory, with the directories above it. Whatever it held before is replaced.

        Args:
            file_path: Path of the file, from the root of the memory.
            content: What the file will hold.

        Examples:
            >>> memory.create_file("entities/ada.md", "- lives in Oslo")
            True
        """
        return self._native.create_file(self.name, file_path, content)

    def create_dir(self, dir_path: str) -> bool:
        """Make a directory of the memory, with those above it. True if it is there afterwards.

        Args:
            dir_path: Path of the directory, from the root of the memory.

        Examples:
            >>> memory.create_dir("entities")
            True
        """
        return self._native.create_dir(self.name, dir_path)

    def update_file(self, file_path: str, old_content: str, new_content: str) -> bool | str:
        """Replace the first occurrence of a text in a file. True, or a string that says what is wrong.

        Args:
            file_path: Path of the file, from the root of the memory.
            old_content: The text to find, exactly as it stands in the file.
            new_content: The text to put in its place.

        Examples:
            >>> memory.update_file("user.md", "Ada", "Ada Lovelace")
            True
        """
        wrong, warning = self._native.update_file(self.name, file_path, old_content, new_content)
        if warning is not None:
            logging.getLogger("memex.memory").warning("%s", warning)
        return True if wrong is None else wrong

    def read_file(self, file_path: str) -> str:
        """The text of a file, or a string that begins with `Error:`.

        Args:
            file_path: Path of the file, from the root of the memory.

        Examples:
            >>> memory.read_file("user.md")
            '- name: Ada'
        """
        return self._native.read_file(file_path)

    def delete_file(self, file_path: str) -> bool:
        """Delete a file. False if that is not possible.

        Args:
            file_path: Path of the file, from the root of the memory.

        Examples:
            >>> memory.delete_file("user.md")
            True
        """
        return self._native.delete_file(self.name, file_path)

    def check_if_file_exists(self, file_path: str) -> bool:
        """Whether there is a file at the path.

        Args:
            file_path: Path of the file, from the root of the memory.

        Examples:
            >>> memory.check_if_file_exists("user.md")
            True
        """
        return self._native.check_if_file_exists(file_path)

    def check_if_dir_exists(self, dir_path: str) -> bool:
        """Whether there is a directory at the path.

        Args:
            dir_path: Path of the directory, from the root of the memory.

        Examples:
            >>> memory.check_if_dir_exists("entities")
            False
        """
        return self._native.check_if_dir_exists(dir_path)

    def list_files(self) -> str:
        """The tree of the memory's files and directories, as text.

        Examples:
            >>> "user.md" in memory.list_files()
            True
        """
        return self._native.list_files()

    def get_size(self, file_or_dir_path: str = "") -> int:
        """The size of a file, or of everything in a directory, in bytes.

        Args:
            file_or_dir_path: Path of a file or directory; empty for the whole memory.

        Examples:
            >>> memory.get_size("user.md")
            11
        """
        return self._native.get_size(file_or_dir_path)

    def go_to_link(self, link_string: str) -> str:
        """The text of the file that a link such as `[[entities/ada.md]]` names, or a string that begins with `Error:`.

        Args:
            link_string: The link, in double brackets, or a path.

        Examples:
            >>> memory.go_to_link("[[user.md]]")
            '- name: Ada'
        """
        return self._native.go_to_link(link_string)

    def tools(self) -> list[Tool]:
        """The ten operations as tools, for any agent or sandbox.

        >>> agent = memex.Agent("openai:gpt-5", tools=memory.tools())
        """
        return [Tool(getattr(self, name), name=name) for name in TOOL_NAMES]

    # Its past

    def log(self, limit: int = 20) -> list[Change]:
        """The newest changes, newest first.

        >>> memory.delete_file("user.md")
        True
        >>> memory.log(1)[0].tool
        'delete_file'
        """
        return _changes(self._native.log(limit))

    def undo(self, count: int = 1, *, change: int | None = None, force: bool = False) -> list[Change]:
        """Undoes the newest changes, or the one of a number, and returns them: all that was asked for, or nothing.

        With `force`, a file that was changed since is brought back nevertheless.

        >>> memory.delete_file("user.md")
        True
        >>> [change.path for change in memory.undo()]
        ['user.md']
        >>> memory.check_if_file_exists("user.md")
        True
        """
        return _changes(self._native.undo(self.name, count, change, force))

    def check(self) -> list[dict[str, Any]]:
        """What is wrong with the memory: broken links, orphans, items that are no facts, files that are too large.

        >>> memory.create_file("entities/ada.md", "- see [[entities/nobody.md]]")
        True
        >>> len(memory.check()) > 0
        True
        """
        return json.loads(self._native.check())

    # Agents

    def ask(self, question: str, *, model: Any = None, **settings: Any) -> MemoryAnswer:
        """Asks an agent that reads and changes the memory, in a conversation of its own.

        Settings are those of `conversation`.

        >>> memory.ask("What is my name?").reply
        'You are Ada.'
        """
        return self.conversation(model=model, **settings).ask(question)

    def conversation(
        self,
        *,
        model: Any = None,
        model_name: str | None = None,
        system_prompt: str | None = None,
        turns: int | None = None,
        training: bool = False,
        temperature: float | None = None,
        reply_tokens: int | None = None,
    ) -> MemoryConversation:
        """A conversation with an agent on the memory: it remembers what was said, and its variables.

        `turns` bounds the results that it may look at for one question (20). `training` has the conventions of
        training: eight replies, only the newest thoughts, notices for replies that do not fit.

        >>> talk = memory.conversation(turns=5)
        >>> talk.ask("Who am I?").reply
        'You are Ada.'
        """
        chosen = self._model if model is None else model_of(model, model_name)
        if chosen is None:
            chosen = model_of(None)
        options = (self._compat, training, system_prompt, turns, temperature, reply_tokens)
        return MemoryConversation(self, chosen, options)

    def _workplace(self) -> Any:
        """The memory and its sandbox, made on first need: the image may have to be built."""
        if self._place is None:
            shown: list[bool] = []
            follow = _progress.follower(self._on_progress)

            def report(*event: Any) -> None:
                shown.append(True)
                follow(*event)

            try:
                self._place = self._native.workplace(_host.host(self._cache), self._code_time, report)
            finally:
                if self._on_progress is None:
                    _progress.end_line(bool(shown))
        return self._place

    def __repr__(self) -> str:
        return f"<memex.Memory {self.path}>"


class _Checked:
    """The memory of the extension module, which is given characters alone."""

    def __init__(self, native: Any) -> None:
        self._native = native

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._native, name)
        return lambda *given: method(*map(_in_characters, given))


def _in_characters(given: Any) -> Any:
    return _characters.checked(given, "a text for a memory", MemoryAccessError)


class AsyncMemory:
    """As `Memory`, awaited.

    >>> memory = memex.AsyncMemory("memory", model="openai:gpt-5", create=True)
    >>> (await memory.ask("What is my name?")).reply
    'You are Ada.'
    """

    def __init__(self, path: str | os.PathLike[str], **settings: Any) -> None:
        #: The same memory for programs without an event loop.
        self.sync = Memory(path, **settings)

    async def create_file(self, file_path: str, content: str = "") -> bool:
        """As `Memory.create_file`.

        >>> await memory.create_file("entities/ada.md", "- lives in Oslo")
        True
        """
        return await asyncio.to_thread(self.sync.create_file, file_path, content)

    async def create_dir(self, dir_path: str) -> bool:
        """As `Memory.create_dir`.

        >>> await memory.create_dir("entities")
        True
        """
        return await asyncio.to_thread(self.sync.create_dir, dir_path)

    async def update_file(self, file_path: str, old_content: str, new_content: str) -> bool | str:
        """As `Memory.update_file`.

        >>> await memory.update_file("user.md", "Ada", "Ada Lovelace")
        True
        """
        return await asyncio.to_thread(self.sync.update_file, file_path, old_content, new_content)

    async def read_file(self, file_path: str) -> str:
        """As `Memory.read_file`.

        >>> await memory.read_file("user.md")
        '- name: Ada'
        """
        return await asyncio.to_thread(self.sync.read_file, file_path)

    async def delete_file(self, file_path: str) -> bool:
        """As `Memory.delete_file`.

        >>> await memory.delete_file("user.md")
        True
        """
        return await asyncio.to_thread(self.sync.delete_file, file_path)

    async def check_if_file_exists(self, file_path: str) -> bool:
        """As `Memory.check_if_file_exists`.

        >>> await memory.check_if_file_exists("user.md")
        True
        """
        return await asyncio.to_thread(self.sync.check_if_file_exists, file_path)

    async def check_if_dir_exists(self, dir_path: str) -> bool:
        """As `Memory.check_if_dir_exists`.

        >>> await memory.check_if_dir_exists("entities")
        False
        """
        return await asyncio.to_thread(self.sync.check_if_dir_exists, dir_path)

    async def list_files(self) -> str:
        """As `Memory.list_files`.

        >>> "user.md" in await memory.list_files()
        True
        """
        return await asyncio.to_thread(self.sync.list_files)

    async def get_size(self, file_or_dir_path: str = "") -> int:
        """As `Memory.get_size`.

        >>> await memory.get_size("user.md")
        11
        """
        return await asyncio.to_thread(self.sync.get_size, file_or_dir_path)

    async def go_to_link(self, link_string: str) -> str:
        """As `Memory.go_to_link`.

        >>> await memory.go_to_link("[[user.md]]")
        '- name: Ada'
        """
        return await asyncio.to_thread(self.sync.go_to_link, link_string)

    async def log(self, limit: int = 20) -> list[Change]:
        """As `Memory.log`.

        >>> (await memory.log(1))[0].tool
        'create_file'
        """
        return await asyncio.to_thread(self.sync.log, limit)

    async def undo(self, count: int = 1, *, change: int | None = None, force: bool = False) -> list[Change]:
        """As `Memory.undo`.

        >>> [change.path for change in await memory.undo()]
        ['user.md']
        """
        return await asyncio.to_thread(lambda: self.sync.undo(count, change=change, force=force))

    async def check(self) -> list[dict[str, Any]]:
        """As `Memory.check`.

        >>> isinstance(await memory.check(), list)
        True
        """
        return await asyncio.to_thread(self.sync.check)

    def tools(self) -> list[Tool]:
        """As `Memory.tools`.

        >>> memory.tools()[0].name
        'create_file'
        """
        return self.sync.tools()

    async def ask(self, question: str, *, model: Any = None, **settings: Any) -> MemoryAnswer:
        """As `Memory.ask`; an async model is asked on this event loop.

        >>> (await memory.ask("Who am I?")).reply
        'You are Ada.'
        """
        return await self.conversation(model=model, **settings).aask(question)

    def conversation(self, **settings: Any) -> MemoryConversation:
        """As `Memory.conversation`: await its `aask`, or iterate its `astream`.

        >>> (await memory.conversation().aask("Who am I?")).reply
        'You are Ada.'
        """
        return self.sync.conversation(**settings)

    def __repr__(self) -> str:
        return f"<memex.AsyncMemory {self.sync.path}>"


def _changes(text: str) -> list[Change]:
    found: list[Mapping[str, Any]] = json.loads(text)
    return [
        Change(one["id"], one["time_ms"] / 1000, one["session"], one["tool"], one["path"], one["before"], one["after"])
        for one in found
    ]
