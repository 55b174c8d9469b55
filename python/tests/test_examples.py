"""The examples in the docstrings of everything public: there is one for each, and it runs as it stands."""

import ast
import asyncio
import contextlib
import datetime
import doctest
import inspect
import io
import os
import pathlib
import threading
import traceback
from dataclasses import dataclass

import pytest

import memex
from mcp_clients import Client

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
# In place of a name that needs a key.
NAMED_MODEL = '"openai:gpt-5"'


@dataclass
class Hit:
    title: str
    score: float


@memex.tool
def search(query: str, limit: int = 10) -> list[Hit]:
    """Finds documents."""
    return [Hit(f"{query} {n}", 1 / n) for n in range(1, limit + 1)]


@memex.tool
async def fetch(url: str) -> str:
    """Gets a page."""
    return "page"


@memex.tool(suspends=True)
def approve(action: str) -> bool:
    """Asks a person."""


# What the examples' model does for a task: a block, and the value that it hands in, or its words.
TASKS = {
    "Add the prices": ("total = sum(prices)", "total", "16"),
    "Find the three best hits for bees": ("hits = search('bees', limit=3)", "hits", ""),
    "Load the sales": ("sales = {'May': 3, 'June': 2}", "sales", "They are loaded."),
    "Where do": ("low = min(sales, key=sales.get)", "low", "In June."),
    "Count": ("n = 1", None, None),
}


def reply(messages):
    """What that model says: a block of its task, or words."""
    said = [one["content"] for one in messages if one["role"] == "user"]
    known = [(index, name) for index, text in enumerate(said) for name in TASKS if name in text]
    if not known or "Greet" in said[-1]:
        return "Hello."
    index, name = known[-1]
    block, value, words = TASKS[name]
    if value is not None and "submit(" in messages[0]["content"]:
        block += f"\nsubmit(value={value})"
    elif value is not None and index < len(said) - 1:
        return words
    return f"```python\n{block}\n```"


def called(messages, tools):
    """The same of a model that calls tools."""
    if any(one["role"] == "tool" for one in messages):
        return "There are bees."
    return memex.Reply(tool_calls=[memex.ToolCall("search", {"query": "bees"})])


def remembering(messages):
    """The same of one that knows a memory's tags."""
    return "<reply>You are Ada.</reply>"


def examples():
    """Every public name, and each public method or property of a class, with its docstring."""
    seen = set()
    for name in sorted(memex.__all__, key=lambda name: (name.startswith("Async"), name)):
        public = getattr(memex, name)
        if isinstance(public, str):
            continue
        yield name, name, inspect.getdoc(public)
        if not inspect.isclass(public):
            continue
        for base in public.__mro__ if public.__module__.startswith("memex.") else ():
            for attribute, found in vars(base).items():
                function = getattr(found, "fget", None) or getattr(found, "func", None) or getattr(found, "__func__", found)
                # What an async class inherits is in the words of the other one.
                if not attribute.startswith("_") and inspect.isfunction(function) and function not in seen:
                    seen.add(function)
                    yield name, f"{name}.{attribute}", inspect.getdoc(function)


EXAMPLES = {qualified: (owner, doc or "") for owner, qualified, doc in examples()}


def test_everything_public_has_an_example():
    assert [name for name, (_owner, doc) in EXAMPLES.items() if ">>>" not in doc] == []
    assert len(EXAMPLES) > 150


@pytest.fixture(scope="module")
def boxes():
    tools = [search, approve]
    with memex.Sandbox(tools=tools) as box:
        yield box, memex.AsyncSandbox(tools=tools)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_runs(name, boxes, tmp_path, monkeypatch):
    owner, doc = EXAMPLES[name]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    is_async = owner.startswith("Async")
    memory = (memex.AsyncMemory if is_async else memex.Memory)(tmp_path / "of" / "ada", model=remembering, create=True)
    (memory.sync if is_async else memory).create_file("user.md", "- name: Ada")
    box = boxes[1 if is_async else 0]
    model = remembering if "Memory" in owner else called if "Call search" in doc else reply
    scope = {
        "memex": memex, "asyncio": asyncio, "contextlib": contextlib, "datetime": datetime, "os": os, "pathlib": pathlib,
        "threading": threading, "search": search, "approve": approve, "Hit": Hit, "box": box, "memory": memory, "model": model,
        "agent": memex.Agent(reply), "fetch": fetch, "client": Client(),
    }  # fmt: skip
    loop = asyncio.new_event_loop()
    try:
        made = box.session()
        scope["session"] = loop.run_until_complete(made) if is_async else made
        if "result" in doc:
            scope["result"] = scope["agent"].run("Load the sales")
        for example in doctest.DocTestParser().get_examples(doc.replace(NAMED_MODEL, "model")):
            found = said(example.source, scope, loop)
            wanted = example.want
            if example.exc_msg is not None:
                # The class and the beginning of its message; what follows is about this machine.
                wanted, found = example.exc_msg.rstrip("\n").removesuffix("...") + "...", found.rpartition("\n!")[2]
            assert doctest.OutputChecker().check_output(wanted, found, FLAGS), f"{name}:\n{example.source}wanted {wanted!r}\nfound {found!r}"
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def said(source, scope, loop):
    """What an interactive interpreter with an event loop prints of one statement."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            waiting = eval(compile(source, "<example>", "single", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), scope)
            if inspect.iscoroutine(waiting):
                loop.run_until_complete(waiting)
        except Exception as error:
            print("\n!" + traceback.format_exception_only(error)[0])
    return out.getvalue()
