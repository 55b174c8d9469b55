"""Asking a function or a client: on a thread for it, or on the event loop of whoever runs.

    extension module ──► Asking(body, answer) ──► thread ──► function(…) ──► answer
                                              └─► event loop ──► coroutine ──► answer

The extension module does not wait here: a run that is stopped leaves a function that
hangs behind, on a thread that does not keep the process.
"""

from __future__ import annotations

import inspect
import json
import threading
from typing import Any, Callable

from memex import _bedrock, _loops
from memex._caller import Caller
from memex._replies import json_of, reply_json


# Shorter keys would tear up ordinary words.
_SECRET_MIN = 6
_MESSAGE_MAX = 4000


class Asking:
    """What the extension module asks with the body of a request.

    `model` is the `Model`, which stands above; `find` has whoever asks.
    """

    def __init__(self, model: Any, find: Callable[[], Caller]) -> None:
        self._model = model
        self._find = find
        self._streams = model._stream and model._kind == "client"

    def __call__(self, text: str, answer: Any) -> Callable[[], None]:
        run, body = self._find(), json.loads(text)
        if self._model._is_async:
            return self._on_loop(run, lambda: self._call(body), answer)
        # Cancels what an answer that turns out to be awaitable waits for.
        later = _Later()
        thread = threading.Thread(
            target=run.turn.context.copy().run,
            args=(self._apart, run, body, answer, later),
            name="memex-model",
            daemon=True,
        )
        thread.start()
        return later.cancel

    def _call(self, body: dict[str, Any]) -> Any:
        model = self._model
        if model._kind == "client":
            return model._create(**body)
        if model._takes_tools:
            return model._create(body["messages"], body.get("tools", []))
        return model._create(body["messages"])

    def _apart(self, run: Caller, body: dict[str, Any], answer: Any, later: _Later) -> None:
        try:
            value = self._call(body)
            if inspect.isawaitable(value):
                if run.turn.in_loop:
                    close = getattr(value, "close", None)
                    if close is not None:
                        close()
                    raise RuntimeError(f"{self._model.name} is async; use `await agent.arun(…)` in a running event loop")
                later.set(self._on_loop(run, lambda: value, answer))
            elif self._streams:
                for event in value:
                    if not answer.event(json_of(event)):
                        break
                close = getattr(value, "close", None)
                if close is not None:
                    close()
                answer.end()
            else:
                answer.whole(*reply_json(value, self._model.name))
        except Exception as error:
            self._failed(run, answer, error)
        except BaseException as error:
            # An exit of the function's: not the loop's to catch.
            run._struck(error)
            self._failed(run, answer, error)

    def _on_loop(self, run: Caller, begin: Callable[[], Any], answer: Any) -> Callable[[], None]:
        async def wait() -> None:
            try:
                value = begin()
                if inspect.isawaitable(value):
                    value = await value
                if self._streams:
                    async for event in value:
                        if not answer.event(json_of(event)):
                            break
                    answer.end()
                else:
                    answer.whole(*reply_json(value, self._model.name))
            except Exception as error:
                self._failed(run, answer, error)

        return _loops.start(run.turn.loop or _loops.background(), wait, run.turn.context.copy())

    def _failed(self, run: Caller, answer: Any, error: BaseException) -> None:
        run.model_error = error
        told_status, told_code = _bedrock.refusal(error)
        status = getattr(error, "status_code", told_status)
        code = getattr(error, "code", told_code)
        answer.error(
            status if isinstance(status, int) and 100 <= status < 1000 else None,
            code if isinstance(code, str) else type(error).__name__,
            _without_keys(str(error), self._model._source)[:_MESSAGE_MAX],
        )


class _Later:
    """What cancels something that may begin later."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancel: Callable[[], None] | None = None
        self._is_cancelled = False

    def set(self, cancel: Callable[[], None]) -> None:
        """It has begun."""
        with self._lock:
            self._cancel = cancel
            late = self._is_cancelled
        if late:
            cancel()

    def cancel(self) -> None:
        """Ends it, or keeps it from going on."""
        with self._lock:
            self._is_cancelled = True
            cancel = self._cancel
        if cancel is not None:
            cancel()


def _without_keys(text: str, source: Any) -> str:
    for name in ("api_key", "auth_token"):
        key = getattr(source, name, None)
        if isinstance(key, str) and len(key) >= _SECRET_MIN:
            text = text.replace(key, "[secret]")
    return text
