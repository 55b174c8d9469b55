"""smolagents' own loop, with a scripted model."""

import pytest

from smolagents import CodeAgent, Tool, tool
from smolagents.models import ChatMessage, MessageRole, Model

import pages

from memex.adapters.smolagents import Executor


class Scripted(Model):
    """Says the blocks one after the other, and keeps what it was shown."""

    def __init__(self, *blocks):
        super().__init__(model_id="scripted")
        self.blocks = list(blocks)
        self.seen = []

    def generate(self, messages, **_options):
        self.seen.append("\n".join(str(message.content) for message in messages))
        return ChatMessage(role=MessageRole.ASSISTANT, content=f"Thoughts\n<code>\n{self.blocks.pop(0)}\n</code>")


CALLS = []


@tool
def double(number: int) -> int:
    """Doubles a number.

    Args:
        number: What is doubled.
    """
    CALLS.append(number)
    return number * 2


def agent(model, **options):
    return CodeAgent(tools=[double], model=model, executor=Executor(), **options)


def test_a_tool_is_called_from_inside_the_code_and_the_answer_comes_out():
    CALLS.clear()
    model = Scripted("total = 0\nfor n in range(3):\n    total += double(n)\nprint('so far', total)", "final_answer({'total': total + double(number=10)})")
    assert agent(model).run("compute") == {"total": 26}
    assert CALLS == [0, 1, 2, 10]
    assert "so far 6" in model.seen[1]


def test_an_error_is_shown_to_the_model_with_what_was_printed_and_the_state_stays():
    model = Scripted("kept = 41\nprint('before')\n[][1]", "final_answer(kept + 1)")
    assert agent(model).run("compute") == 42
    assert "IndexError" in model.seen[1] and "before" in model.seen[1]


def test_the_code_runs_in_the_sandbox_and_not_here(tmp_path):
    (tmp_path / "here").write_text("secret")
    model = Scripted(f"open({str(tmp_path / 'here')!r}).read()", "import os\nfinal_answer(os.path.exists('/etc/passwd'))")
    assert agent(model).run("look") is False
    assert "FileNotFoundError" in model.seen[1]


def test_state_stays_between_runs_and_variables_are_given():
    one = agent(Scripted("seen = data['x']\nfinal_answer(seen)", "final_answer(seen + data['y'])"))
    assert one.run("a", additional_args={"data": {"x": 1, "y": 2}}) == 1
    assert one.run("b", reset=False) == 3


def test_a_tool_with_state_is_the_hosts_own_object():
    class Counter(Tool):
        name = "count"
        description = "Counts."
        inputs = {}
        output_type = "integer"

        def __init__(self):
            super().__init__()
            self.made = 0

        def forward(self):
            self.made += 1
            return self.made

    counter = Counter()
    model = Scripted("count(); count()", "final_answer(count())")
    assert CodeAgent(tools=[counter], model=model, executor=Executor()).run("count") == 3
    assert counter.made == 3


def test_a_managed_agent_is_called_from_the_code():
    inner = CodeAgent(tools=[double], model=Scripted("final_answer(double(21))"), executor=Executor(), name="helper", description="Helps.")
    outer = CodeAgent(tools=[], model=Scripted("r = helper(task='double 21')\nfinal_answer(r)"), executor=Executor(), managed_agents=[inner])
    assert "42" in str(outer.run("ask the helper"))


def test_a_limit_is_an_error_that_the_model_sees():
    model = Scripted("while True: pass", "final_answer('still here')")
    one = CodeAgent(tools=[], model=model, executor=Executor(limits={"time": "300ms"}))
    assert one.run("loop") == "still here"
    assert "guest_time_ms" in model.seen[1]


def test_a_tool_that_raises_raises_in_the_code():
    @tool
    def fails() -> str:
        """Fails."""
        raise ValueError("no such thing")

    model = Scripted("try:\n    fails()\nexcept ValueError as error:\n    final_answer(str(error))")
    assert CodeAgent(tools=[fails], model=model, executor=Executor()).run("try") == "no such thing"


def test_cleanup_ends_the_sandbox():
    executor = Executor()
    executor("x = 1")
    executor.cleanup()
    with pytest.raises(Exception, match="NameError"):
        executor("x")


def test_other_tools_find_the_same_state():
    executor = Executor()
    executor.send_tools({"double": double})
    executor("def twice(x): return double(x)\nfour = twice(2)")

    @tool
    def negate(number: int) -> int:
        """Negates.

        Args:
            number: What is negated.
        """
        return -number

    executor.send_tools({"negate": negate})
    assert executor("negate(twice(four))").output == -8


# Calls and values that smolagents' own code would never make

RAW = """
import _host, json
from memex_guest import channel
def raw(tool, **arguments):
    return str(channel.parse(_host.call(channel.framed(2, json.dumps({"tool": tool, "arguments": arguments}), []))))
"""


def test_a_managed_agent_is_given_a_task_and_nothing_else():
    called = []

    class Helper:
        name, description = "helper", "Helps."

        def __call__(self, task, **options):
            called.append((task, options))
            return "helped"

    executor = Executor()
    executor.send_tools({"helper": Helper()})
    executor(RAW)
    for options in ("max_steps=10**9", "reset=False", "stream=True"):
        answer = executor(f"raw('helper', task='t', {options})").output
        assert "Error" in answer and options.partition("=")[0] in answer, answer
    assert called == []
    assert "helped" in executor("raw('helper', task='t', additional_args={'a': 1})").output
    assert called == [("t", {"additional_args": {"a": 1}})]


def test_a_value_that_would_be_written_for_ever_leaves_as_its_preview():
    executor = Executor()
    shared = "x = [0] * 10\nfor _ in range(8): x = [x] * 10"
    for code in (f"{shared}\nx", "10 ** 5000"):
        assert isinstance(executor(code).output, str)
    for code in (f"{shared}\nfinal_answer(x)", "final_answer(10 ** 5000)"):
        with pytest.raises(Exception, match="cannot leave the sandbox"):
            executor(code)
    assert executor("[[1], [2]]").output == [[1], [2]]


def test_the_page_runs():
    pages.run("smolagents", model=Scripted("final_answer(sum(population(c) for c in ('Bern', 'Thun')))"))
