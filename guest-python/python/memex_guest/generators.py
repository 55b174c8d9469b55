"""Generators of threads, stepped: in `for` loops, and as context managers.

    for item in items():          async for item in each(items):
        use(item)                     await call(use, item)

    with locked():                async with entered(locked()):
        work()                        await call(work)

A generator that is used in another way (`next`, `list`) waits where it stands.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

from contextlib import _GeneratorContextManager
from sys import get_asyncgen_hooks as _get_hooks, set_asyncgen_hooks as _set_hooks

from memex_guest import twins


def install():
    """Registers what stands for `@contextmanager` functions."""
    twins.managers[_GeneratorContextManager] = _manager_of
    twins.steps.update({Manager.__enter__: Manager.enter_steps, Manager.__exit__: Manager.exit_steps})


class each:  # noqa: N801 - stands where a call of a generator function stood
    """Goes through the values of a generator that a call makes, awaiting where it would wait."""

    __slots__ = ("plain", "stepped")

    def __init__(self, function, /, *args, **kwargs):
        other = twins.generating(function)
        self.stepped = None if other is None else other(*args, **kwargs)
        self.plain = iter(function(*args, **kwargs)) if other is None else None

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self.plain is not None:
            for value in self.plain:
                return value
            raise StopAsyncIteration
        return await _next(self.stepped)


class Manager:
    """The context manager of a generator function with a twin."""

    def __init__(self, generator):
        self.generator = generator

    def __enter__(self):
        raise RuntimeError("it is entered in steps")

    def __exit__(self, *_error):
        raise RuntimeError("it is left in steps")

    async def enter_steps(self):
        """The value of the first `yield`."""
        try:
            return await _next(self.generator)
        except StopAsyncIteration:
            raise RuntimeError("generator didn't yield") from None

    async def exit_steps(self, kind, error, _trace):
        """Goes on behind the `yield`, with the error that the block raised."""
        if kind is None:
            try:
                await _next(self.generator)
            except StopAsyncIteration:
                return False
            await self.generator.aclose()
            raise RuntimeError("generator didn't stop")
        if error is None:
            error = kind()
        trace = error.__traceback__
        try:
            await self.generator.athrow(error)
        except StopAsyncIteration as stop:
            return stop is not error
        except BaseException as raised:
            # A generator cannot raise a `StopIteration` that it was given.
            if raised is error or isinstance(error, StopIteration) and raised.__cause__ is error:
                error.__traceback__ = trace
                return False
            raise
        await self.generator.aclose()
        raise RuntimeError("generator didn't stop after throw()")


def _manager_of(manager):
    function = getattr(manager, "func", None)
    # One that has been entered has no function any more.
    other = None if function is None else twins.generating(function)
    if other is None:
        return manager
    stepped = other(*manager.args, **manager.kwds)
    manager.gen.close()
    return Manager(stepped)


def _next(generator):
    """The awaitable of the next value. A loop that runs further out is not told of it."""
    hooks = _get_hooks()
    if hooks.firstiter is None and hooks.finalizer is None:
        return generator.__anext__()
    _set_hooks(None, None)
    try:
        return generator.__anext__()
    finally:
        _set_hooks(*hooks)
