"""Sandboxes: a policy, an image and tools, from which sessions are made."""

from __future__ import annotations

import atexit
import json
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any, Callable, Iterable, Mapping

from memex import _calls, _characters, _host, _limits, _progress
from memex._errors import Closed, ImageError, MemexError, PolicyError, StoreError, ToolError
from memex._result import Result
from memex._session import BaseSession, Session
from memex._snapshot import Snapshot, snapshot_of

if TYPE_CHECKING:
    from memex._tools import Tool

_SPEC_VERSION = 1
# How long the interpreter's exit waits for a turn in another thread, in seconds.
_PATIENCE_AT_EXIT = 0.5


class BaseSandbox:
    """What sandboxes and async sandboxes have in common."""

    def __init__(
        self,
        *,
        tools: Iterable[Any] = (),
        policy: Any = None,
        limits: Any = None,
        mounts: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
        preload: Iterable[str] = (),
        packages: Iterable[str] = (),
        image: str | None = None,
        tool_files: Iterable[str | os.PathLike[str]] = (),
        databases: Mapping[str, str | os.PathLike[str]] | None = None,
        memory: str | os.PathLike[str] | None = None,
        audit: str | os.PathLike[str] | None = None,
        cache: str | os.PathLike[str] | None = None,
        on_progress: Callable[[_progress.Progress], None] | None = None,
    ) -> None:
        if isinstance(tools, (str, bytes)) or not isinstance(tools, Iterable):
            raise ToolError("tools are a list of functions")
        self.tools: list[Tool] = _tools_of(tools)
        self._settings: dict[str, Any] = {
            "tools": self.tools,
            "policy": policy,
            "limits": limits,
            "mounts": mounts,
            "environment": dict(environment or {}),
            "preload": _texts(preload, "preload"),
            "packages": _texts(packages, "packages"),
            "image": image,
            "tool_files": [os.path.abspath(path) for path in tool_files],
            "databases": {name: os.path.abspath(path) for name, path in (databases or {}).items()},
            "memory": None if memory is None else os.path.abspath(memory),
            "audit": None if audit is None else os.path.abspath(audit),
            "cache": None if cache is None else _characters.checked(os.fspath(cache), "the cache directory", ImageError),
        }
        self._on_progress = on_progress
        self._sessions: weakref.WeakSet[BaseSession] = weakref.WeakSet()
        self._native: Any = None
        self._closed = False
        self._lock = threading.Lock()
        self._spec = _characters.checked(json.dumps(self._spec_fields(), ensure_ascii=False), "a setting of the sandbox", PolicyError)
        _live.add(self)

    def _spec_fields(self) -> dict[str, Any]:
        """The fields of a session spec (`docs/session-specs.md`)."""
        given = self._settings
        image: dict[str, Any] = {}
        if given["image"] is not None:
            image["name"] = given["image"]
        if given["preload"]:
            image["preload"] = given["preload"]
        if given["packages"]:
            image["packages"] = given["packages"]
        sources: dict[str, Any] = {}
        if given["tool_files"]:
            sources["files"] = given["tool_files"]
        if given["databases"]:
            sources["sql"] = [{"name": name, "path": path} for name, path in given["databases"].items()]
        if given["memory"] is not None:
            sources["memory"] = given["memory"]
        if given["audit"] is not None:
            sources["audit"] = {"path": given["audit"]}
        return {
            "version": _SPEC_VERSION,
            "policy": _limits.policy_source(given["policy"]),
            "limits": _limits.limits_source(given["limits"]),
            "mounts": _limits.mounts_source(given["mounts"]),
            "environment": given["environment"],
            "image": image,
            "tools": sources,
        }

    def _open(self) -> Any:
        """The sandbox of the extension module, made on first need: its image may have to be built."""
        if self._closed:
            raise Closed("the sandbox is closed; make another one")
        if self._native is None:
            with self._lock:
                if self._native is None:
                    shown = []
                    follow = _progress.follower(self._on_progress)

                    def report(*event: Any) -> None:
                        shown.append(True)
                        follow(*event)

                    try:
                        self._native = self._made(_host.host(self._settings["cache"]), report)
                    finally:
                        if self._on_progress is None:
                            _progress.end_line(bool(shown))
        return self._native

    def _made(self, host: Any, report: Callable[..., None]) -> Any:
        """What `host` makes of the spec and the tools."""
        return host.sandbox(self._spec, [_calls.definition(tool) for tool in self.tools], report)

    def prepare(self) -> Any:
        """Gets the image and starts the tools now, instead of with the first session; returns the sandbox.

        >>> box = memex.Sandbox().prepare()
        """
        self._open()
        return self

    @property
    def policy(self) -> str:
        """What code may do, as the TOML of a policy file with every limit spelled.

        >>> "guest_time_ms" in box.policy
        True
        """
        return self._open().policy

    @property
    def image(self) -> str:
        """The name of the image that sessions start from.

        >>> len(box.image) > 0
        True
        """
        return self._open().image

    def stubs(self) -> dict[str, str]:
        """What a model is told of each tool, by its name: a typed Python stub.

        >>> "def search(query: str" in box.stubs()["search"]
        True
        """
        return dict(self._open().stubs())

    def _close(self, **patience: float) -> None:
        self._closed = True
        failure = None
        for session in list(self._sessions):
            try:
                session._close(**patience)
            except MemexError as error:
                failure = error
        self._native = None
        if failure is not None:
            raise failure

    def __repr__(self) -> str:
        return f"<memex.{type(self).__name__} with {len(self.tools)} tools>"

    def __reduce__(self):
        return _again, (type(self), self._settings)


class Sandbox(BaseSandbox):
    """Makes sessions under one policy, with one set of tools.

    Defaults: the preset `compute` (or, with mounts, the narrowest that permits them),
    the policy's limits, no tool, no directory, no variable, and the standard image,
    which is fetched and built on first need.

    >>> with memex.Sandbox(limits=memex.Limits(time="2s")) as box:
    ...     session = box.session(inputs={"x": 20})
    ...     session.run("x + 22").value
    42
    """

    def session(
        self,
        name: str | None = None,
        *,
        inputs: Mapping[str, Any] | None = None,
        store: str | os.PathLike[str] | None = None,
        fresh_generators: bool = False,
        keep: int = 0,
    ) -> Session:
        """A fresh session; or, with a name, the saved one of that name, which is saved after every turn.

        `inputs` are variables that it begins with. `store` is a directory or a URL such
        as `s3://BUCKET/PREFIX`; by default the one of the command. With `keep`, the states
        after that many turns are kept in memory, for `Session.rewind(turn=…)`.

        >>> with box.session(inputs={"x": 20}) as session:
        ...     session.run("x + 22").value
        42
        """
        return opened(self, Session, name, inputs, store, fresh_generators, keep)

    def restore(self, state: Snapshot | bytes, *, keep_generators: bool = False) -> Session:
        """A session in the state of a snapshot, or of the bytes of one.

        Its random generators are fresh unless they are to be kept.

        >>> session.set("x", 1)
        >>> box.restore(session.snapshot()).run("x").value
        1
        """
        native, lost = self._open().restore(snapshot_of(state)._in(self), keep_generators)
        return Session(self, native, lost)

    def wake(self, data: bytes) -> Session:
        """The session of `Session.hibernate`, which waits for answers to its `open_calls()`.

        >>> call = session.start("approve('delete it')").calls[0]
        >>> woken = box.wake(session.hibernate())
        >>> woken.answer({call.id: True}).result.value
        True
        """
        return Session(self, self._open().wake(bytes(data)), [])

    def run(self, code: str, *, inputs: Mapping[str, Any] | None = None) -> Result:
        """Runs a block in a fresh session.

        >>> box.run("x + 1", inputs={"x": 41}).value
        42
        """
        with self.session(inputs=inputs) as session:
            return session.run(code)

    def close(self) -> None:
        """Ends the sandbox and its sessions.

        >>> box = memex.Sandbox()
        >>> box.close()
        """
        self._close()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def opened(
    sandbox: BaseSandbox,
    kind: type,
    name: str | None,
    inputs: Mapping[str, Any] | None,
    store: Any,
    fresh_generators: bool,
    keep: int,
) -> Any:
    """A session of a sandbox."""
    if name is None and store is not None:
        raise MemexError("a store needs the name of a session: session('study', store=…)")
    place = None if store is None else _characters.checked(os.fspath(store), "the store", StoreError)
    _characters.checked(name, "the name of the session", StoreError)
    native, lost = sandbox._open().session(name, place, fresh_generators)
    session = kind(sandbox, native, lost)
    session._store, session._is_saved = place, name is not None
    try:
        for variable, value in (inputs or {}).items():
            session.set(variable, value)
        session._keep(keep)
    except BaseException:
        session._close()
        raise
    return session


def run(code: str, *, inputs: Mapping[str, Any] | None = None) -> Result:
    """Runs a block in a fresh session of this process's default sandbox.

    >>> memex.run("1 + 1").value
    2
    """
    return default().run(code, inputs=inputs)


def default() -> Sandbox:
    """The sandbox of `memex.run`: every default, no tools.

    >>> memex.default().run("1 + 1").value
    2
    """
    global _default
    with _default_lock:
        if _default is None or _default._closed:
            _default = Sandbox()
        return _default


def prepare(**settings: Any) -> None:
    """Fetches and builds the image of such a sandbox, so that the first session does not wait for it.

    >>> memex.prepare(preload=["json"])
    """
    Sandbox(**settings).prepare()


_live: weakref.WeakSet[BaseSandbox] = weakref.WeakSet()
_default: Sandbox | None = None
_default_lock = threading.Lock()


def _again(kind: type, settings: dict[str, Any]) -> Any:
    return kind(**settings)


def _tools_of(given: Iterable[Any]) -> list[Tool]:
    given = list(given)
    if not given:
        return []
    # It imports what reads signatures, which sandboxes without tools do not need.
    from memex._foreign import tool_of

    return [tool_of(one) for one in given]


def _texts(given: Iterable[str], what: str) -> list[str]:
    if isinstance(given, (str, bytes)):
        raise PolicyError(f"{what} is a list of names, not one text")
    return list(given)


def _end_all() -> None:
    """At the interpreter's exit: turns in other threads end, before anything they use goes away."""
    for sandbox in list(_live):
        try:
            sandbox._close(patience=_PATIENCE_AT_EXIT)
        except MemexError:
            # A tool that does not return must not keep the process.
            continue


def _forget() -> None:
    """In a child of `os.fork()`: nothing of the parent's is used."""
    global _default, _default_lock
    _default = None
    _default_lock = threading.Lock()
    _live.clear()


atexit.register(_end_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
