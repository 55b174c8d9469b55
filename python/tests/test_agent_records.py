"""Runs as steps, records and pages; resuming them."""

import json
import time

import pytest

import memex
from scripted import block, scripted


def test_a_stream_of_steps():
    agent = memex.Agent(scripted(block("x = 1"), block("submit(value=x)")), output=int)
    events = list(agent.stream("go"))
    assert [event.kind for event in events[:-1]] == ["system", "user", "model", "observation", "model", "observation"]
    assert isinstance(events[-1], memex.Finished) and events[-1].result.output == 1


def test_leaving_a_stream_ends_the_run():
    asked = []

    def model(messages):
        asked.append(1)
        return block("while True: pass")

    events = memex.Agent(model, limits=memex.Limits(time="60s")).stream("go")
    for event in events:
        if event.kind == "model":
            break
    began = time.perf_counter()
    events.close()
    assert time.perf_counter() - began < 5
    assert len(asked) == 1


def test_records(tmp_path):
    agent = memex.Agent(scripted(block("submit(value=[1])")), output=list[int])
    path = tmp_path / "run.jsonl"
    result = agent.run("go", save=path)
    loaded = memex.Trajectory.load(path)
    assert loaded.id == result.trajectory.id and loaded.submission == [1] and loaded.status == "submitted"
    assert loaded.to_dict() == result.trajectory.to_dict()
    with pytest.raises(memex.TrajectoryError, match="there already"):
        result.trajectory.save(path)
    result.trajectory.save(path, overwrite=True)
    assert memex.Trajectory.load(path).to_dict() == loaded.to_dict()
    for format in ("atif", "chat", "rollout"):
        other = tmp_path / f"run.{format}"
        result.trajectory.export(format, other)
        assert memex.Trajectory.load(other).steps[1].text == "go", format
    assert json.loads(result.trajectory.export("otlp"))["resourceSpans"]
    assert "<html" in result.trajectory.export("html")
    with pytest.raises(memex.TrajectoryError, match="there are memex, atif"):
        result.trajectory.export("xml")
    with pytest.raises(memex.TrajectoryError):
        memex.Trajectory.load(tmp_path / "none")


def test_resuming(tmp_path):
    path = tmp_path / "run.jsonl"
    model = scripted(block("x = 20"), block("y = x + 1"), block("submit(value=x + y)"))
    agent = memex.Agent(model, output=int, budgets=memex.Budgets(turns=2))
    assert agent.run("go", save=path).status == "exhausted"
    agent = memex.Agent(model, output=int)
    result = agent.resume(path)
    assert result.output == 41 and type(result.output) is int
    # The scope is that of the whole run.
    agent.model = scripted(block("submit(value=x)"))
    assert result.continue_("And x?").output == 20
    with pytest.raises(memex.TrajectoryError, match="answer already"):
        agent.resume(path)


def test_objects_of_the_process_come_back_with_the_scope_alone(tmp_path):
    path = tmp_path / "run.jsonl"
    model = scripted(block("n = len(raw)"), block("submit(value=n)"))
    agent = memex.Agent(model, output=int, budgets=memex.Budgets(turns=1))
    agent.run("go", inputs={"raw": b"abc"}, save=path)
    copy = tmp_path / "copy.jsonl"
    copy.write_text(path.read_text())
    again = memex.Agent(model, output=int)
    with pytest.raises(memex.TrajectoryError, match="its saved scope is gone"):
        again.resume(copy)
    assert again.resume(path).output == 3


def test_a_notebook_runs_nothing_of_it():
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    agent = memex.Agent(scripted(evil + '"></iframe>' + evil))
    result = agent.run(evil)
    for shown in (result._repr_mimebundle_(), result.trajectory._repr_mimebundle_()):
        page = shown["text/html"]
        outside = page if "<iframe" not in page else page[: page.index("<iframe")] + page[page.index("</iframe>") :]
        assert "<script" not in outside and "<img" not in outside
        frame = page[page.index("<iframe") :]
        assert frame.startswith('<iframe sandbox="" ') and frame.count("<iframe") == 1
        # Nothing ends the attribute early.
        source = frame[frame.index('srcdoc="') + 8 :]
        assert source[source.index('"') :] == '"></iframe>'


def test_what_a_notebook_shows_is_bounded(monkeypatch):
    result = memex.Agent(scripted("x" * 3_000_000)).run("go")
    bundle = result._repr_mimebundle_()
    assert len(bundle["text/plain"]) < 3_000 and len(bundle["text/html"]) < 2_000_000
    assert "<iframe" in bundle["text/html"]
    monkeypatch.setattr(memex._trajectory, "_PAGE_BYTES_MAX", 10_000)
    for shown in (result._repr_mimebundle_(), result.trajectory._repr_mimebundle_()):
        assert "<iframe" not in shown["text/html"] and len(shown["text/html"]) < 6_000
