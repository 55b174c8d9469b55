"""What a program shows, or reads, of what a session says: displays, names, files."""

import html
import json
import re

import pytest

import memex
from memex import _scope, e2b
from memex._names import bound_names
from memex._result import shown_safely
from memex._trajectory import framed
from memex.e2b._models import _displayed
from memex.shell import Entry

SPY = '<img src="https://example.test/?secret"><link rel=stylesheet href=//example.test><script>alert(1)</script></iframe><b>it</b>'


def page_of(frame):
    """The page in a frame, and the frame without it."""
    found = re.fullmatch(r'(<iframe sandbox="" referrerpolicy="no-referrer" style="[^"<>]*") srcdoc="([^"]*)"></iframe>', frame)
    assert found, frame[:300]
    return html.unescape(found[2])


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml"])
def test_a_display_is_shown_in_a_frame_that_loads_nothing(kind):
    page = page_of(shown_safely({kind: SPY})["text/html"])
    # A policy counts from where it stands: nothing of the guest's is before it.
    assert page == (
        "<!doctype html><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">" + SPY
    )
    assert page_of(framed(SPY)) == page


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg", "image/gif", "image/webp"])
def test_a_picture_is_base64_or_not_shown(kind):
    # A page has it in an attribute.
    for written in ('x" onerror="alert(1)', "a\u00e9", ["aGk="], None):
        assert shown_safely({kind: written, "text/plain": "it"}) == {"text/plain": "it"}
        if kind in ("image/png", "image/jpeg"):
            assert e2b.Result(**{kind.partition("/")[2]: written})._repr_mimebundle_() == {}
    for picture in (b"\x89PNG", "iVBORw==\n"):
        assert shown_safely({kind: picture}) == {kind: picture}


def forms(**given):
    return _displayed(memex.Display(True, given))


def test_the_look_alike_shows_a_notebook_no_page_of_the_guests():
    shown = forms(**{"text/html": SPY, "text/plain": "it", "image/png": b"\x89PNG", "application/javascript": "alert(1)", "text/markdown": SPY})
    bundle = shown._repr_mimebundle_()
    assert page_of(bundle.pop("text/html")).endswith(SPY)
    assert bundle == {"text/plain": "it", "image/png": "iVBORw=="}
    # IPython asks for these where they are, and shows what they return in its page.
    assert not [name for name in dir(shown) if name.startswith("_repr_") and name != "_repr_mimebundle_"]
    # The fields have what came.
    assert shown.html == SPY and shown.javascript == "alert(1)" and "html" in shown.formats()
    assert not [name for name in dir(e2b.Result(svg=SPY)) if name.startswith("_repr_") and name != "_repr_mimebundle_"]
    assert e2b.Result(svg=SPY, text="t")._repr_mimebundle_().keys() == {"text/plain", "text/html"}


@pytest.mark.parametrize("written", ["[" * 100_000, "[" * 200 + "]" * 200, '{"a":' * 900 + "1" + "}" * 900, "{", "\ud800"], ids=range(5))
def test_json_of_a_display_that_cannot_be_read_is_kept_as_text(written):
    shown = forms(**{"application/json": written})
    assert "application/json" in shown.formats() and shown.json is None
    assert shown.extra == {"application/json": written}
    json.loads(e2b.Execution(results=[shown]).to_json())


def test_json_of_a_display_is_read():
    shown = forms(**{"application/json": '{"a": [1, {"b": null}]}'})
    assert shown.json == {"a": [1, {"b": None}]} and shown.formats() == ["json"] and shown == shown
    assert json.loads(e2b.Execution(results=[shown]).to_json())["results"] == [{"json": shown.json}]


GOOD = {"name": "x", "type": "list", "len": 3, "shape": [1, 2], "preview": "[1, 2, 3]"}


@pytest.mark.parametrize(
    "names",
    [
        5, None, [5], [{}], [{"name": "x"}], [{**GOOD, "name": 1}], [{**GOOD, "type": None}], [{**GOOD, "preview": ["x"]}], [{**GOOD, "len": "3"}],
        [{**GOOD, "len": -1}], [{**GOOD, "len": 1 << 63}], [{**GOOD, "shape": [1.5]}], [{**GOOD, "shape": [[]]}], [{**GOOD, "shape": [1] * 65}], [GOOD] * 1001,
    ],
    ids=lambda names: str(names)[:40],
)  # fmt: skip
def test_variables_in_another_form_are_an_error(names):
    for answer in (json.dumps({"names": names}), "[" * 100_000, "{", json.dumps(names), json.dumps({"error": {}})):
        with pytest.raises(memex.SessionError, match="no answer about its scope"):
            _scope.names(answer)


def test_variables_and_matches_are_what_they_say():
    assert _scope.names(json.dumps({"names": [GOOD, {"name": "y", "type": "int"}]})) == [GOOD, {"name": "y", "type": "int"}]
    assert _scope.names(json.dumps({"names": [{**GOOD, "other": {}}]})) == [GOOD] and _scope.names(None) == []
    assert _scope.matches(json.dumps({"matches": ["a", "b"]})) == ["a", "b"]
    for wrong in ("x", [1], [["a"]], {"a": "b"}, ["a"] * 1001):
        with pytest.raises(memex.SessionError, match="no answer about its scope"):
            _scope.matches(json.dumps({"matches": wrong}))


FILE = {"name": "a", "path": "/a", "kind": "file", "size": 5, "time": 1.0}


def test_files_are_of_a_kind_and_have_a_size():
    assert repr(Entry(FILE)) == "Entry('/a', file, 5 bytes)"
    for size in (-1, 1 << 63, 10**5000, True, "5", None):
        made = Entry({**FILE, "size": size})
        assert made.size in (0, 1) and "bytes" in repr(made)
    for kind in ("", "device", "\x1b[2J", 5, None):
        with pytest.raises(memex.SessionError, match="no answer"):
            Entry({**FILE, "kind": kind})


@pytest.mark.parametrize(
    "code, names",
    [
        ("x = " + "+".join("a" * 1500) + "\ny = 1", ["x", "y"]),
        ("if a: b = 1\n" + "elif a: c = 1\n" * 1500 + "d = 2", ["b", "c", "d"]),
        ("for i in x:\n  with y as z: w = (v := 1)\ntry: p = 1\nexcept E as e: q = 1\nfinally: r = 1", ["i", "z", "w", "v", "p", "q", "r"]),
        ("match m:\n  case [k, *l]: pass\n  case {'a': n, **o}: pass", ["k", "l", "o", "n"]),
    ],
    ids=["sum", "elif", "nested", "match"],
)
def test_names_of_a_block_that_is_nested_deeply(code, names):
    assert [name for name in bound_names(code)] == names
