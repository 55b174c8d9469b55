"""ADK's own runner, with a scripted model."""

import asyncio

from google.adk.agents import LlmAgent
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import InMemoryRunner
from google.genai import types

import pages

from memex.adapters.adk import Executor


class Scripted(BaseLlm):
    model: str = "scripted"
    texts: list[str] = []
    seen: list[str] = []

    async def generate_content_async(self, llm_request, stream=False):
        self.seen.append("\n".join(str(part) for content in llm_request.contents for part in content.parts))
        text = self.texts.pop(0) if self.texts else "done"
        yield LlmResponse(content=types.Content(role="model", parts=[types.Part(text=text)]))


def block(code):
    return f"Let me see.\n```python\n{code}\n```"


def run(executor, *turns, **files):
    """The events of one conversation, in which each turn is a list of the model's blocks."""
    model = Scripted(texts=[], seen=[])
    agent = LlmAgent(name="a", model=model, code_executor=executor)
    runner = InMemoryRunner(agent=agent, app_name="app")

    async def main():
        session = await runner.session_service.create_session(app_name="app", user_id="u")
        outcomes = []
        for codes in turns:
            model.texts = [block(code) for code in codes]
            message = types.Content(role="user", parts=[types.Part(text="go")])
            async for event in runner.run_async(user_id="u", session_id=session.id, new_message=message):
                for part in event.content.parts if event.content else ():
                    if part.code_execution_result:
                        outcomes.append((part.code_execution_result.outcome.name, part.code_execution_result.output))
        names = await runner.artifact_service.list_artifact_keys(app_name="app", user_id="u", session_id=session.id)
        return outcomes, names

    outcomes, names = asyncio.run(main())
    return outcomes, names, model


def population(city: str) -> int:
    """How many people live in a city."""
    if city == "Atlantis":
        raise ValueError("no such city")
    return {"Bern": 134591, "Thun": 43743}[city]


def test_tools_are_called_from_inside_the_code_and_state_stays_between_turns():
    executor = Executor(tools=[population])
    outcomes, _, model = run(executor, ["n = [population(c) for c in ('Bern', 'Thun')]\nprint(sum(n))"], ["print(max(n))"])
    assert [outcome for outcome, _ in outcomes] == ["OUTCOME_OK", "OUTCOME_OK"]
    assert "178334" in outcomes[0][1] and "134591" in outcomes[1][1]
    assert "178334" in model.seen[1]
    assert "def population(city: str)" in executor.instruction


def test_an_error_is_shown_to_the_model_which_tries_again():
    outcomes, _, model = run(Executor(tools=[population]), ["x = 1\npopulation('Atlantis')", "print('x is', x)"])
    assert [outcome for outcome, _ in outcomes] == ["OUTCOME_FAILED", "OUTCOME_OK"]
    assert "ValueError: no such city" in outcomes[0][1] and "ValueError: no such city" in model.seen[1]
    assert "x is 1" in outcomes[1][1]


def test_figures_and_files_become_artifacts():
    code = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nopen('table.csv', 'w').write('a,b\\n')\nNone"
    _, names, _ = run(Executor(), [code])
    assert "table.csv" in names and any(name.endswith(".png") for name in names)


def test_sessions_do_not_share_variables():
    executor = Executor()
    run(executor, ["x = 1"])
    outcomes, _, _ = run(executor, ["print(x)"])
    assert outcomes[0][0] == "OUTCOME_FAILED" and "NameError" in outcomes[0][1]


def test_limits_and_timeouts_are_failures_that_the_model_sees():
    outcomes, _, _ = run(Executor(limits={"time": "300ms"}), ["while True: pass", "print('alive')"])
    assert "guest_time_ms" in outcomes[0][1] and "alive" in outcomes[1][1]
    outcomes, _, _ = run(Executor(timeout_seconds=1), ["import time\nwhile True: time.sleep(0.1)", "print('alive')"])
    assert outcomes[0][0] == "OUTCOME_FAILED" and "alive" in outcomes[1][1]


def test_a_session_that_makes_up_files_gives_no_more_than_it_may():
    forge = (
        "import sys\nserving = sys.modules['memex_shell.serving']\nASKED = []\n"
        "def served(request):\n"
        "    if request['what'] == 'list':\n"
        "        names = [f'f{n}' for n in range(1000)] + ['..', 'a/..', 'user:all', '//[a']\n"
        "        return {'entries': [{'name': n, 'path': n, 'kind': 'file', 'size': 1, 'time': 1.0} for n in names]}\n"
        "    ASKED.append(request)\n"
        "    return {'error': ['FileNotFoundError', 'gone']}\n"
        "serving.served = served"
    )
    outcomes, names, _ = run(Executor(), [forge, "print(len(ASKED))"])
    assert [outcome for outcome, _ in outcomes] == ["OUTCOME_OK", "OUTCOME_OK"] and names == []
    assert "64" in outcomes[1][1]


def test_the_page_runs():
    pages.run("adk", model=Scripted(texts=[block("print(sum(population(c) for c in ('Bern', 'Thun')))")], seen=[]))
