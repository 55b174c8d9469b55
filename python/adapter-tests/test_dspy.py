"""DSPy's own modules, with its scripted model."""

import asyncio
import functools

import dspy
import pytest
from dspy.primitives.code_interpreter import CodeExecutionError, CodeInterpreter, CodeInterpreterError, FinalOutput
from dspy.utils import DummyLM

import pages

from memex.adapters.dspy import Interpreter


def step(code):
    return {"reasoning": "next", "code": f"```python\n{code}\n```"}


def population(city: str) -> int:
    """How many people live in a city."""
    if city == "Atlantis":
        raise ValueError("no such city")
    return {"Bern": 134591, "Thun": 43743}[city]


def rlm(lm, signature="question -> answer: int", **options):
    with dspy.context(lm=lm):
        return dspy.RLM(signature, interpreter_factory=Interpreter, **options)(question="how many?")


def test_rlm_calls_tools_from_inside_the_code_and_keeps_state():
    lm = DummyLM([step("n = population(city='Bern')\nprint('first', n)"), step("SUBMIT(answer=n + population('Thun'))")])
    made = rlm(lm, tools=[population])
    assert made.answer == 178334
    assert "first 134591" in made.trajectory[0]["output"]


def test_rlm_shows_an_error_and_goes_on():
    lm = DummyLM([step("kept = 5\npopulation('Atlantis')"), step("SUBMIT(kept)")])
    made = rlm(lm, tools=[population])
    assert made.answer == 5
    assert "ValueError: no such city" in made.trajectory[0]["output"]


def test_rlm_gives_variables_and_queries_its_model():
    with dspy.context(lm=DummyLM([step("print(len(question), llm_query(question))"), step("SUBMIT(7)")])):
        made = dspy.RLM("question -> answer: int", interpreter_factory=Interpreter, sub_lm=lambda prompt, **_: [f"<{prompt}>"])(question="how many?")
    assert made.answer == 7
    assert "9 <how many?>" in made.trajectory[0]["output"]


def test_rlm_awaits_async_tools():
    async def fetch(url: str) -> str:
        """Fetches."""
        await asyncio.sleep(0.01)
        return f"<{url}>"

    async def main():
        with dspy.context(lm=DummyLM([step("SUBMIT(fetch(url='a'))")])):
            return await dspy.RLM("question -> answer", interpreter_factory=Interpreter, tools=[fetch]).acall(question="q")

    assert asyncio.run(main()).answer == "<a>"


def test_program_of_thought_runs_its_code_here():
    lm = DummyLM([
        {"reasoning": "r", "generated_code": "```python\nvalue = sum(range(11))\nSUBMIT({'answer': value})\n```"},
        {"reasoning": "r", "answer": "55"},
    ])
    with dspy.context(lm=lm, interpreter_factory=Interpreter):
        assert dspy.ProgramOfThought("question -> answer: int")(question="sum?").answer == 55


def test_it_is_an_interpreter_with_its_lifecycle():
    interpreter = Interpreter(tools={"double": lambda x: x * 2})
    assert isinstance(interpreter, CodeInterpreter)
    try:
        assert interpreter.execute("x = double(4)\nx") == 8
        assert interpreter.execute("print(x, y)", {"y": [1]}) == "8 [1]"
        assert interpreter.execute("SUBMIT(x)") == FinalOutput({"output": 8})
        interpreter.tools["later"] = lambda: "yes"
        assert interpreter.execute("later()") == "yes"
        with pytest.raises(SyntaxError):
            interpreter.execute("x = = 1")
        with pytest.raises(CodeExecutionError, match="NameError"):
            interpreter.execute("missing")
        interpreter.output_fields = [{"name": "a"}, {"name": "b"}]
        assert interpreter.execute("SUBMIT(1, 2)") == FinalOutput({"a": 1, "b": 2})
        with pytest.raises(CodeExecutionError, match="SUBMIT takes these fields"):
            interpreter.execute("SUBMIT(1)")
    finally:
        interpreter.shutdown()
    with pytest.raises(CodeInterpreterError, match="shut down"):
        interpreter.execute("1")


def test_a_limit_is_recoverable():
    interpreter = functools.partial(Interpreter, limits={"time": "300ms"})()
    interpreter.execute("x = 1")
    with pytest.raises(CodeExecutionError, match="guest_time_ms"):
        interpreter.execute("while True: pass")
    assert interpreter.execute("x") == 1
    interpreter.shutdown()


def test_a_value_that_would_be_written_for_ever_leaves_as_its_preview():
    interpreter = Interpreter(output_fields=[{"name": "answer"}])
    shared = "x = [0] * 10\nfor _ in range(8): x = [x] * 10"
    assert isinstance(interpreter.execute(f"{shared}\nx"), str)
    with pytest.raises(CodeExecutionError, match="refer to each other so often"):
        interpreter.execute("SUBMIT(x)")
    assert interpreter.execute("[[1], [2]]") == [[1], [2]]
    assert interpreter.execute("SUBMIT([1])").output == {"answer": [1]}
    interpreter.shutdown()


def test_the_page_runs():
    pages.run("dspy", lm=DummyLM([step("SUBMIT(answer=population('Bern') + population('Thun'))")]))
