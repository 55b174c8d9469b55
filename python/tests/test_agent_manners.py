"""What a process expects of an agent: signals, threads, forks, exits."""

import asyncio
import pathlib
import threading
import time

import pytest

import memex
from scripted import block, double, scripted


def test_the_interpreter_is_free_while_a_run_goes_on():
    ticks = []
    stop = threading.Event()

    def tick():
        while not stop.is_set():
            ticks.append(1)
            time.sleep(0.005)

    thread = threading.Thread(target=tick)
    thread.start()
    memex.Agent(scripted(block("import time\ntime.sleep(0.3)"), "done")).run("go")
    stop.set()
    thread.join()
    assert len(ticks) > 10


CTRL_C = """
import os, signal, threading, time
import memex
def hanging(messages):
    if messages[1]["content"] == "model":
        time.sleep(30)
    return "```python\\nwhile True: pass\\n```"
agent = memex.Agent(hanging, limits=memex.Limits(time="60s")).prepare()
worst = 0
for task in ("model", "code"):
    sent = []
    def send():
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)
    threading.Timer(0.5, send).start()
    try:
        agent.run(task)
        print("not interrupted")
    except KeyboardInterrupt:
        worst = max(worst, time.perf_counter() - sent[0])
print(worst < 2, flush=True)
os._exit(0)
"""

def test_ctrl_c_ends_a_run(program):
    assert program(CTRL_C) == "True\n"


def test_ctrl_c_in_a_tool_ends_the_run(program):
    out = program(
        """
import os, signal, threading, time
import memex
def wait() -> int:
    time.sleep(30)
    return 1
asked = []
def model(messages):
    asked.append(1)
    return "```python\\ntry:\\n    wait()\\nexcept BaseException: pass\\n```"
agent = memex.Agent(model, tools=[wait]).prepare()
threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    agent.run("go")
except KeyboardInterrupt:
    print("interrupted", len(asked))
"""
    )
    assert out == "interrupted 1\n"


def test_a_process_ends_beside_a_run(program):
    out = program(
        """
import threading, time
import memex
agent = memex.Agent(lambda messages: "```python\\nwhile True: pass\\n```", limits=memex.Limits(time="60s")).prepare()
threading.Thread(target=lambda: agent.run("go"), daemon=True).start()
time.sleep(0.5)
print("end")
"""
    )
    assert out == "end\n"


def test_context_variables_reach_tools_and_models():
    import contextvars

    who = contextvars.ContextVar("who", default="nobody")
    seen = []

    @memex.tool
    def caller() -> str:
        """Says in whose context it runs."""
        return who.get()

    def model(messages):
        seen.append(who.get())
        return block("submit(value=caller())")

    who.set("me")
    assert memex.Agent(model, tools=[caller], output=str).run("go").output == "me"
    assert seen == ["me"]


def test_paths_are_inputs_and_no_texts():
    # A folder of texts becomes a dictionary of them.
    folder = pathlib.Path(__file__).parent
    model = scripted(block("submit(value='conftest.py' in tests)"))
    assert memex.Agent(model, output=bool).run("go", inputs={"tests": folder}).output is True


def test_ctrl_c_in_a_validator_ends_the_run(program):
    out = program(
        """
import os, signal, threading, time
import memex, pydantic
class Slow(pydantic.BaseModel):
    n: int
    @pydantic.field_validator("n")
    @classmethod
    def check(cls, value):
        time.sleep(30)
        return value
asked = []
def model(messages):
    asked.append(1)
    return "```python\\nsubmit(n=1)\\n```"
agent = memex.Agent(model, output=Slow).prepare()
threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    print(agent.run("go"))
except KeyboardInterrupt:
    print("interrupted", len(asked))
"""
    )
    assert out == "interrupted 1\n"


def test_a_model_that_hangs_does_not_keep_the_process(program):
    began = time.perf_counter()
    program(
        """
import time
import memex
agent = memex.Agent(lambda messages: time.sleep(60), budgets=memex.Budgets(wall_time="200ms"))
assert agent.run("go").reason == "wall time"
"""
    )
    assert time.perf_counter() - began < 30


def test_a_forked_process_makes_its_own(program):
    out = program(
        """
import os
import memex
agent = memex.Agent(lambda messages: "done")
assert agent.run("go").output == "done"
child = os.fork()
if child == 0:
    try:
        agent.run("go")
    except memex.ForkedProcess:
        print(memex.Agent(lambda messages: "mine").run("go").output, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(agent.run("go").output)
"""
    )
    assert out == "mine\ndone\n"


def test_tools_checks_and_approvers_apart_from_the_guests_stack(program):
    # As from Python 3.14 on.
    out = program(
        """
import memex
from memex import _memex
_memex.run_apart(True)
def double(n: int) -> int:
    return 2 * n
asked = []
def approver(tool, arguments):
    asked.append(tool)
    return True
code = "```python\\nsubmit(value=double(21))\\n```"
for space, model in (("code", lambda messages: code), ("tools", lambda messages, tools: memex.Reply(
        tool_calls=[memex.ToolCall("double", {"n": 21}), memex.ToolCall("submit", {"value": 42})]))):
    agent = memex.Agent(model, tools=[double], output=int, action_space=space, approve=["double"], approver=approver)
    print(agent.run("go").output)
print(asked)
"""
    )
    assert out == "42\n42\n['double', 'double']\n"


def test_pickles_say_what_to_do():
    import pickle

    agent = memex.Agent(scripted("done"))
    for one in (agent, agent.run("go"), agent.run("go").trajectory):
        with pytest.raises(TypeError, match="cannot be pickled|belongs to|is kept as a file"):
            pickle.dumps(one)


def test_runs_in_threads():
    agent = memex.Agent(lambda messages: block("submit(value=double(item))"), tools=[double], output=int)
    found = {}

    def work(number):
        found[number] = agent.run("go", inputs={"item": number}).output

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: 2 * number for number in range(6)}


def test_closing_ends_runs():
    agent = memex.Agent(lambda messages: block("while True: pass"), limits=memex.Limits(time="60s")).prepare()
    results = []
    thread = threading.Thread(target=lambda: results.append(agent.run("go")))
    thread.start()
    time.sleep(0.5)
    began = time.perf_counter()
    agent.close()
    thread.join()
    assert time.perf_counter() - began < 5 and results[0].status == "cancelled"
    with pytest.raises(memex.RunCancelled):
        results[0].output
    with pytest.raises(memex.Closed):
        agent.run("go")


def test_tools_of_the_spec(tmp_path):
    (tmp_path / "user.md").write_text("- name: Ada")
    model = scripted(block("submit(value=read_file('user.md'))"))
    with memex.Agent(model, output=str, memory=tmp_path) as agent:
        assert agent.run("go").output == "- name: Ada"


def test_an_async_approver_and_an_async_tool_that_asks_another_agent():
    async def main():
        async def approver(tool, arguments):
            await asyncio.sleep(0.01)
            return True

        inner = memex.Agent(scripted("Oslo"))

        @memex.tool
        async def colleague(question: str) -> str:
            """Asks a colleague."""
            return (await inner.arun(question)).output

        model = scripted(block("submit(value=colleague('capital?'))"))
        agent = memex.Agent(model, tools=[colleague], output=str, approve=["*"], approver=approver)
        return (await agent.arun("go")).output

    assert asyncio.run(main()) == "Oslo"


def test_short_programs_end_well(program):
    # No thread of a run is in the interpreter when the process exits.
    for kind in ("def", "async def") * 6:
        out = program(f"import memex\n{kind} model(messages):\n    return 'done'\nprint(memex.Agent(model).run('go').output)\n")
        assert out == "done\n"
