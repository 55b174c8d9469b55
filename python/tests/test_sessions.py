"""Turns, their results, and the state of sessions."""

import pickle
import threading
import time

import pytest

import memex


def test_a_scope_lasts_from_turn_to_turn(session):
    assert session.run("x = 20\nprint('set')").stdout == "set\n"
    result = session.run("x + 22")
    assert (result.ok, result.value, result.text, result.turn) == (True, 42, "42", 2)
    assert result.stats.wall_us > 0 and result.stats.memory_bytes > 1 << 20
    assert result.to_dict()["value"] == "42"


def test_the_module_runs_a_block_by_itself():
    assert memex.run("a * 2", inputs={"a": "ab"}).value == "abab"
    # Each in a session of its own.
    assert memex.run("'a' in globals()").value is False


def test_what_goes_wrong_is_data_until_it_is_asked_to_raise(session):
    result = session.run("import sys\nprint('x', file=sys.stderr)\n1 / 0")
    assert not result.ok and result.status == "exception" and result.stderr == "x\n"
    assert result.error.name == "ZeroDivisionError" and "line 3" in result.error.traceback
    with pytest.raises(memex.GuestError) as raised:
        result.raise_for_error()
    assert (raised.value.name, raised.value.message) == ("ZeroDivisionError", "division by zero")
    assert raised.value.result is result
    assert session.run("1").raise_for_error().value == 1
    again = pickle.loads(pickle.dumps(raised.value))
    assert (again.name, again.message) == ("ZeroDivisionError", "division by zero")


def test_limits_are_exceptions_of_their_own_kind():
    with memex.Sandbox(limits=memex.Limits(time="300ms", memory="300MiB", turns=4)) as box, box.session() as session:
        session.run("kept = 1")
        with pytest.raises(memex.TimeLimitError) as raised:
            session.run("while True: pass").raise_for_error()
        assert isinstance(raised.value, TimeoutError)
        assert (raised.value.limit, raised.value.bound) == ("guest_time_ms", 300)
        assert raised.value.actual >= 300
        result = session.run("x = [0]\nwhile True: x = x + x")
        assert not result.ok
        assert session.run("kept").value == 1
        refused = session.run("1")
        assert refused.status == "refused" and refused.limit == ("turns", 4, 5)
        with pytest.raises(memex.LimitError, match=r"Limits\(turns=…\)"):
            refused.raise_for_error()


def test_a_value_can_be_asked_for_later(session):
    first, second = session.run("[1]"), session.run("[2]")
    assert (first.value, second.value) == ([1], [2])
    third = session.run("[3]")
    session.set("_", "changed")
    assert third.value == [3]
    last = session.run("[4]")
    session.close()
    assert last.value == [4]


def test_a_value_that_cannot_cross_says_why(session):
    result = session.run("lambda: 1")
    assert result.value is None and "function" in result.value_error and "lambda" in result.text
    assert result.ok
    with pytest.raises(memex.ValueNotData, match="function"):
        result.value_as(int)
    assert session.run("None").value_error is None


def test_displays_and_what_a_notebook_shows(session):
    result = session.run("class A:\n    def _repr_html_(self): return '<b>x</b>'\nA()")
    assert result.displays[0].main and result.displays[0].data["text/html"] == "<b>x</b>"
    frame = result._repr_mimebundle_()["text/html"]
    assert "default-src &#x27;none&#x27;" in frame and 'referrerpolicy="no-referrer"' in frame
    assert frame.startswith('<iframe sandbox=""') and "&lt;b&gt;x&lt;/b&gt;" in frame and "<b>" not in frame
    assert session.run("print('a')\n2")._repr_mimebundle_() == {"text/plain": "a\n2"}
    # No form runs in the notebook's page.
    forms = "{'application/javascript': 'x', 'text/markdown': '<script>', 'image/svg+xml': '<svg onload=x>', 'text/plain': 'p'}"
    result = session.run(f"class B:\n    def _repr_mimebundle_(self, include=None, exclude=None): return {forms}\nB()")
    shown = result._repr_mimebundle_()
    assert set(shown) <= {"text/plain", "text/html"} and "<svg" not in shown.get("text/html", ""), shown
    assert "<td>A</td>" in session._repr_html_()


def test_new_names_are_read_off_the_block(session):
    code = "import os.path as p, json\ndef f(): local = 1\nx, (y, *z) = 1, (2, 3)\nfor i in []: w = 1\n[q for q in []]\n_h = 1"
    assert session.run(code).new_names == ["p", "json", "f", "x", "y", "z", "i", "w"]
    assert session.run("def").new_names == []


def test_variables_are_named_and_completed(session):
    session.run("alpha = [1, 2, 3]")
    assert [(one["name"], one["type"], one["len"]) for one in session.names()] == [("alpha", "list", 3)]
    assert session.complete("alp") == ["alpha"]


def test_forks_go_their_own_ways(session):
    session.run("import random\nx = [1]")
    one, two = session.fork(2)
    one.run("x.append(2)")
    assert [s.run("x").value for s in (session, one, two)] == [[1], [1, 2], [1]]
    assert len({s.run("random.random()").value for s in (session, one, two)}) == 3
    for count in (-1, 10**12):
        with pytest.raises(memex.SessionError):
            session.fork(count)


def test_snapshots_leave_the_process(box, session):
    session.run("x = {'a': 1}")
    snapshot = session.snapshot()
    session.run("x = 2")
    data = bytes(snapshot)
    assert box.restore(snapshot).run("x").value == {"a": 1}
    assert box.restore(data).run("x").value == {"a": 1}
    assert box.restore(pickle.loads(pickle.dumps(snapshot))).run("x").value == {"a": 1}
    session.rewind(snapshot)
    assert session.run("x").value == {"a": 1}


@pytest.mark.parametrize("damage", [b"", b"no snapshot", "cut", "flipped"])
def test_damaged_snapshots_are_refused(box, session, damage):
    session.run("x = 1")
    data = bytes(session.snapshot())
    if damage == "cut":
        damage = data[: len(data) // 2]
    elif damage == "flipped":
        damage = data[:100] + bytes([data[100] ^ 255]) + data[101:]
    with pytest.raises(memex.SnapshotError):
        box.restore(damage)
    assert box.restore(data).run("x").value == 1


def test_a_session_goes_back_to_a_turn_that_it_keeps(box):
    with box.session(inputs={"x": 0}, keep=3) as session:
        for _ in range(5):
            session.run("x += 1")
        session.rewind(turn=3)
        assert session.run("x").value == 3
        assert [(one.turn, one.first_line) for one in session.history()] == [
            (1, "x += 1"), (2, "x += 1"), (3, "x += 1"), (4, "x"),
        ]
        with pytest.raises(memex.SessionError, match="is not kept"):
            session.rewind(turn=1)
    with box.session() as session, pytest.raises(memex.SessionError, match="keep=10"):
        session.rewind(turn=1)
    with pytest.raises(memex.SessionError, match="-1"):
        box.session(keep=-1)


def test_saved_sessions_are_continued_by_name(box, tmp_path):
    with box.session("study", store=tmp_path) as session:
        session.run("x = 1")
        session.run("x = 2\nboom")
        with pytest.raises(memex.StoreError):
            # Somebody has it.
            box.session("study", store=tmp_path)
    with memex.Sandbox() as other, other.session("study", store=tmp_path) as session:
        assert session.run("x").value == 2
        assert [(one.turn, one.status) for one in session.history()] == [(1, "ok"), (2, "exception"), (3, "ok")]
        session.rewind(turn=1)
        assert session.run("x").value == 1
    with pytest.raises(memex.MemexError, match="name"):
        box.session(store=tmp_path)


def test_one_turn_at_a_time(session):
    seen = []

    def wait_and_use():
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and not session.interrupt():
            time.sleep(0.01)

    def use():
        time.sleep(0.2)
        try:
            session.run("1")
        except memex.SessionBusy as error:
            seen.append(str(error))
        wait_and_use()

    thread = threading.Thread(target=use)
    thread.start()
    result = session.run("while True: pass")
    thread.join()
    assert seen and "one turn at a time" in seen[0]
    assert result.error.name == "KeyboardInterrupt"
    assert session.run("1").value == 1


def test_closed_things_say_so(box):
    session = box.session()
    session.close()
    session.close()
    assert session.closed
    for use in (lambda: session.run("1"), lambda: session.get("x"), session.snapshot):
        with pytest.raises(memex.Closed, match="Sandbox.session"):
            use()
    other = memex.Sandbox()
    inside = other.session()
    other.close()
    assert inside.closed
    with pytest.raises(memex.Closed):
        other.session()


def test_what_is_pickled(box, session):
    with pytest.raises(TypeError, match="snapshot"):
        pickle.dumps(session)
    again = pickle.loads(pickle.dumps(memex.Sandbox(limits=memex.Limits(time="2s"))))
    assert 'guest_time_ms = "2 s"' in again.policy


def test_streams_say_what_happens_as_it_happens(session):
    events = list(session.stream("import sys\nprint('é')\nprint('b', file=sys.stderr)\n7"))
    assert "".join(one.text for one in events if isinstance(one, memex.Stdout)) == "é\n"
    assert "".join(one.text for one in events if isinstance(one, memex.Stderr)) == "b\n"
    assert isinstance(events[-1], memex.Done) and events[-1].result.value == 7
    # Leaving it ends the turn.
    for event in session.stream("print('begun', flush=True)\nwhile True: pass"):
        break
    assert session.run("1").value == 1


def test_streams_say_what_is_called_and_shown():
    @memex.tool
    def double(n: int) -> int:
        """Doubles a number."""
        return 2 * n

    code = "print(double(4), flush=True)\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\ndouble(n=5)"
    with memex.Sandbox(tools=[double]) as box, box.session() as session:
        events = list(session.stream(code))
        assert events[:2] == [memex.ToolCall("double", {"n": 4}), memex.Stdout("8\n")]
        assert memex.ToolCall("double", {"n": 5}) in events
        assert [type(event).__name__ for event in events[-2:]] == ["Display", "Done"]
        assert events[-2].data.keys() == {"image/png", "text/plain"} and events[-2] == events[-1].result.displays[0]
        # Nobody follows any more.
        assert session._put is None and session.run("double(1)").value == 2


def test_mounts_policies_and_environment(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("content")
    mounts = {"/in": tmp_path / "in", "/out": memex.Mount(tmp_path, write=True)}
    with memex.Sandbox(mounts={"/in": tmp_path / "in"}, environment={"A": "b"}) as box, box.session() as session:
        assert session.run("import os\nopen('/in/a.txt').read(), os.environ['A']").value == ("content", "b")
        assert session.run("open('/in/b.txt', 'w')").error.name in ("PermissionError", "OSError")
    (tmp_path / "in" / "a.txt").unlink()
    (tmp_path / "in").rmdir()
    del mounts["/in"]
    with memex.Sandbox(mounts=mounts) as box, box.session() as session:
        session.run("open('/out/b.txt', 'w').write('x')").raise_for_error()
        assert (tmp_path / "b.txt").read_text() == "x"


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"policy": "no-such-preset"}, "no-such-preset"),
        ({"policy": "deny-all", "mounts": {"/x": "."}}, "mounts"),
        ({"mounts": {"/x": "/no/such/directory"}}, "/no/such/directory"),
        ({"mounts": {"relative": "."}}, "relative"),
        ({"limits": {"guest_time_ms": "soon"}}, "soon"),
        ({"limits": {"turns": 0}}, "turns"),
        ({"preload": "json"}, "list"),
    ],
)
def test_settings_that_cannot_be_are_refused_with_the_place(settings, message):
    with pytest.raises(memex.PolicyError, match=message):
        memex.Sandbox(**settings).session()


def test_limits_and_policies_as_objects():
    assert memex.Limits(time="2s", memory=1 << 29) == memex.Limits(guest_time_ms="2s", memory_bytes=1 << 29)
    assert {one["name"] for one in memex.Limits.fields()} >= {"guest_time_ms", "turns"}
    for wrong in ({"tim": 1}, {"turns": -1}, {"turns": 1.5}, {"time": "1s", "guest_time_ms": "2s"}):
        with pytest.raises(memex.PolicyError):
            memex.Limits(**wrong)
    with pytest.raises(memex.PolicyError, match="did you mean"):
        memex.Limits(guest_tim_ms=1)
    text = 'version = 1\nextends = "workspace"\n[limits]\nturns = 7\n'
    policy = memex.Policy.from_toml(text)
    assert policy == memex.Policy(extends="workspace", limits={"turns": 7})
    with memex.Sandbox(policy=policy) as box:
        assert "turns = 7" in box.policy
    with pytest.raises(memex.PolicyError, match="line 2"):
        memex.Policy.from_toml("version = 1\nextend = 3\n")
    with pytest.raises(memex.PolicyError):
        memex.Policy(extends="nowhere")
    with pytest.raises(memex.PolicyError, match="no-file"):
        memex.Policy.from_file("/no-file.toml")


def test_code_that_is_no_text_is_a_type_error(session):
    with pytest.raises(TypeError, match="code is a text"):
        session.run(b"1")
    with pytest.raises(TypeError):
        session.run(None)
    assert session.run("1").value == 1
