"""Turns that wait for answers of the program."""

import json
import struct

import pytest

import memex


@memex.tool(suspends=True)
def ask(question: str) -> int:
    """Asks a person."""


@memex.tool
def double(n: int) -> int:
    """Doubles a number."""
    return 2 * n


@pytest.fixture(scope="module")
def asking():
    with memex.Sandbox(tools=[ask, double]) as box:
        yield box


def test_a_turn_waits_and_goes_on(asking):
    with asking.session() as session:
        step = session.start("a = ask('first?')\nb = ask('second?')\ndouble(a) + b")
        assert isinstance(step, memex.Waiting)
        assert [(call.name, call.args) for call in step.calls] == [("ask", {"question": "first?"})]
        step = session.answer({step.calls[0].id: 10})
        assert step.calls[0].args == {"question": "second?"}
        step = session.answer({step.calls[0].id: 1})
        assert isinstance(step, memex.Done) and step.result.value == 21
        assert isinstance(session.start("a + b"), memex.Done)
        assert session.run("a + b").value == 11


def test_calls_in_functions_hold_the_turn(asking):
    with asking.session() as session:
        step = session.start("def f(q): return ask(q) + 1\nf('in a function')")
        step = session.answer({step.calls[0].id: 4})
        assert step.result.value == 5


def test_several_calls_wait_together(asking):
    with asking.session() as session:
        step = session.start("from asyncio import gather\nawait gather(*[ask(str(n)) for n in range(3)])")
        assert len(step.calls) == 3
        step = session.answer({call.id: int(call.args["question"]) for call in step.calls})
        assert step.result.value == [0, 1, 2]


def test_an_answer_can_be_an_exception(asking):
    with asking.session() as session:
        step = session.start("try:\n    ask('x')\nexcept ValueError as error:\n    found = str(error)\nfound")
        step = session.answer({step.calls[0].id: memex.Failure(ValueError("no"))})
        assert step.result.value == "no"


def test_wrong_answers_leave_the_turn_waiting(asking):
    with asking.session() as session:
        step = session.start("ask('x')")
        call = step.calls[0]
        for answers in ({"call_9": 1}, {call.id: "text"}, {"nothing": 1}):
            with pytest.raises(memex.AnswerError):
                session.answer(answers)
        with pytest.raises(memex.ValueNotData):
            session.answer({call.id: object()})
        with pytest.raises(memex.SessionError):
            session.run("1")
        assert session.answer({call.id: 3}).result.value == 3
        with pytest.raises(memex.SessionError):
            session.answer({call.id: 3})


def test_a_turn_that_waits_can_be_given_up(asking):
    with asking.session() as session:
        session.start("x = ask('x')")
        result = session.cancel()
        assert result.error.name == "KeyboardInterrupt"
        assert session.run("'x' in globals()").value is False
        with pytest.raises(memex.SessionError, match="start"):
            session.run("ask('x')")
        assert session.run("1").value == 1


@pytest.mark.parametrize("code", ["x = double(1)\ny = ask('held or parked') + x\ny", "x = double(1)\ndef f(): return ask('held or parked')\ny = f() + x\ny"])
def test_a_turn_that_waits_goes_on_elsewhere(asking, code):
    with asking.session() as session:
        session.run("z = 100")
        call = session.start(code).calls[0]
        data = session.hibernate()
        assert session.open_calls() == [call]
    with asking.wake(data) as woken:
        assert woken.open_calls() == [call]
        assert woken.answer({call.id: 5}).result.value == 7
        assert woken.run("y + z").value == 107
        with pytest.raises(memex.SessionError):
            woken.hibernate()
    for damaged in (b"", data[:-1], data[:200], b"memexwt\1" + data[8:40]):
        with pytest.raises(memex.SnapshotError):
            asking.wake(damaged)
    for at in range(0, len(data), len(data) // 40 + 1):
        flipped = data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]
        try:
            # What is left of the JSON may still be a turn; the states are not trusted.
            asking.wake(flipped).close()
        except memex.MemexError:
            continue
    assert asking.run("1").value == 1


def with_lost_calls(data, count):
    """A session that waits, as if the host had been running so many calls when it was saved."""
    head, (length,) = data[:8], struct.unpack("<Q", data[8:16])
    turn, states = json.loads(data[16 : 16 + length]), data[16 + length :]
    last = turn["calls"]["last_ticket"]
    turn["calls"]["last_ticket"] = last + count
    turn["calls"]["lost"] = list(range(last + 1, last + count + 1))
    written = json.dumps(turn).encode()
    return head + struct.pack("<Q", len(written)) + written + states


def test_calls_that_stayed_behind_are_bounded(asking):
    with asking.session() as session:
        call = session.start("y = ask('x')\ny + 1").calls[0]
        data = session.hibernate()
    with asking.wake(with_lost_calls(data, 100)) as woken:
        assert woken.answer({call.id: 5}).result.value == 6
    # Half a million exceptions in words are 256 MiB.
    with pytest.raises(memex.MemexError, match="too many calls stayed behind"):
        asking.wake(with_lost_calls(data, 600_000))


def test_sessions_without_such_tools_say_so(session):
    with pytest.raises(memex.SessionError):
        session.answer({})
    assert session.start("1 + 1").result.value == 2


def test_snapshots_and_forks(asking):
    with asking.session() as session:
        session.run("import random\nx = 1")
        snapshot = session.snapshot()
        session.run("x = 2")
        first, second = session.fork(2)
        call = first.start("x += ask('how many?')\nx").calls[0]
        assert first.answer({call.id: 40}).result.value == 42
        # Each goes its own way, and draws its own numbers.
        assert second.run("x").value == session.run("x").value == 2
        drawn = [one.run("random.random()").value for one in (session, first, second)]
        assert len(set(drawn)) == 3
        for keep in (False, True):
            again = [asking.restore(snapshot, keep_generators=keep) for _ in range(2)]
            assert [one.run("x").value for one in again] == [1, 1]
            assert len({one.run("random.random()").value for one in again}) == (1 if keep else 2)
        session.rewind(snapshot)
        assert session.run("x").value == 1
        # A turn that waits is hibernated, and not forked.
        session.start("ask('x')")
        with pytest.raises(memex.SessionError, match="waiting"):
            session.fork()


def test_a_session_that_waits_is_saved_by_name(asking, tmp_path):
    with asking.session("study", store=tmp_path) as session:
        call = session.start("x = ask('first?')\nx").calls[0]
        assert session.history() == []
        assert session.answer({call.id: 5}).result.value == 5
        session.run("x += 1")
        assert [record.status for record in session.history()] == ["ok", "ok"]
        # What waits is not saved yet.
        session.start("x = ask('again?')")
    with asking.session("study", store=tmp_path) as session:
        assert session.open_calls() == [] and session.run("x").value == 6
        call = session.start("x + ask('and?')").calls[0]
        assert session.answer({call.id: 1}).result.value == 7
        session.rewind(turn=1)
        assert session.run("x").value == 5
