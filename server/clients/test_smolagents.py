"""smolagents' executor for E2B against the server."""

import numpy
import PIL.Image
import pytest
from smolagents import CodeAgent, FinalAnswerTool, Tool
from smolagents.models import ChatMessage, MessageRole, Model
from smolagents.monitoring import AgentLogger, LogLevel
from smolagents.remote_executors import E2BExecutor
from smolagents.utils import AgentError


@pytest.fixture(scope="session", autouse=True)
def addresses(server):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("E2B_API_KEY", server["key"])
        patch.setenv("E2B_API_URL", server["url"])
        patch.setenv("E2B_SANDBOX_URL", server["url"])
        yield


@pytest.fixture(scope="module")
def executor():
    made = E2BExecutor(["numpy", "pillow"], AgentLogger(LogLevel.ERROR))
    yield made
    made.cleanup()


class Doubling(Tool):
    name = "doubled"
    description = "Doubles a number."
    inputs = {"number": {"type": "integer", "description": "The number."}}
    output_type = "integer"

    def forward(self, number: int) -> int:
        return 2 * number


def test_code_and_what_it_prints(executor):
    made = executor("print('a')\n20 + 22")
    assert (made.output, made.is_final_answer) == ("42", False) and "a" in made.logs


def test_errors_are_the_agents(executor):
    with pytest.raises(AgentError, match="ZeroDivisionError"):
        executor("1 / 0")


def test_variables_and_tools_are_sent(executor):
    executor.send_variables({"rows": [1, 2], "grid": numpy.arange(3)})
    executor.send_tools({"doubled": Doubling(), "final_answer": FinalAnswerTool()})
    assert executor("doubled(sum(rows))").output == "6"
    assert executor("int(grid.sum())").output == "3"
    final = executor("final_answer({'a': [1, 2.5]})")
    assert final.is_final_answer and final.output == {"a": [1, 2.5]}


def test_pictures_come_back(executor):
    made = executor("import PIL.Image\nPIL.Image.new('RGB', (3, 2))")
    assert isinstance(made.output, PIL.Image.Image) and made.output.size == (3, 2)


class Scripted(Model):
    """A model that says what it is told to."""

    def __init__(self, *replies):
        super().__init__()
        self.replies = list(replies)

    def generate(self, messages, **_options):
        return ChatMessage(role=MessageRole.ASSISTANT, content=self.replies.pop(0))


def test_an_agent_runs_in_it():
    model = Scripted("<code>\nx = doubled(21)\nprint(x)\n</code>", "<code>\nfinal_answer(x)\n</code>")
    with CodeAgent(tools=[Doubling()], model=model, executor_type="e2b", verbosity_level=LogLevel.OFF) as agent:
        assert agent.run("double it") == 42
