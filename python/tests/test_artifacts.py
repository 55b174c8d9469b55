"""Files that a session says that a block left."""

import contextlib
import time

import pytest

import memex
from memex.adapters import _artifacts
from memex.adapters._artifacts import FILES_MAX, Folder, is_plain, kind_of
from memex.shell import Shell


class Forged:
    """A shell that says what code in its session wants."""

    def __init__(self, names, read=lambda path: b"x"):
        self.names, self.answer = names, read
        self.asked = []

    _within = staticmethod(lambda seconds: contextlib.nullcontext())

    def list(self, path):
        return [memex.shell.Entry({"name": name, "path": name, "kind": "file", "size": 1, "time": 1.0}) for name in self.names]

    def read(self, path, bytes_max):
        self.asked.append(path)
        found = self.answer(path)
        if isinstance(found, Exception):
            raise found
        return found


def test_files_that_cannot_be_read_count():
    shell = Forged([f"f{number}" for number in range(20_000)], lambda path: OSError("gone"))
    folder = Folder(shell)
    assert list(folder.taken(FILES_MAX)) == [] and len(shell.asked) == FILES_MAX
    shell = Forged([f"f{number}" for number in range(20_000)])
    assert len(list(Folder(shell).taken(10))) == 10


@pytest.mark.parametrize("path", ["", "..", "a/..", "a/", ".", "user:all", "a\\..", "C:x", "a\nb", "\x1b[2J", "a\u202eb", "\ud800", "n" * 256])
def test_names_that_are_no_names_are_left_out(path):
    shell = Forged([path, "dir/plain.csv"])
    assert list(Folder(shell).taken(FILES_MAX)) == [("plain.csv", b"x", "text/csv")]
    assert shell.asked == ["dir/plain.csv"]


def test_types_are_those_of_names():
    shell = Forged(["//[a/table.csv", "//[a"])
    assert [kind for _, _, kind in Folder(shell).taken(2)] == ["text/csv", "application/octet-stream"]
    assert kind_of("//[a") == "application/octet-stream" and is_plain("grüße 1.txt")


def test_a_session_that_answers_nothing_is_a_problem_and_no_exception():
    class Broken(Forged):
        def list(self, path):
            raise memex.SessionError("no answer")

        exists = list

    folder = Folder(Broken([]))
    folder.give([("a", b"x")])
    assert "no answer" in folder.problem
    assert list(folder.taken(FILES_MAX)) == []


FORGE = """
import sys, time
serving = sys.modules["memex_shell.serving"]
real = serving.served
def served(request):
    if request["what"] == "list":
        return {"entries": [{"name": str(n), "path": str(n), "kind": "file", "size": 1, "time": 1.0} for n in range(1000)]}
    if request["what"] == "read":
        time.sleep(0.2)
        return {"data": b"x"}
    return real(request)
serving.served = served
"""


def test_all_files_of_a_block_have_one_deadline(session, monkeypatch):
    shell = Shell(session)
    folder = Folder(shell)
    folder.give([("given.txt", b"1")])
    session.run("open('/home/user/made.txt', 'w').write('2')")
    # The control: a session that answers.
    assert [name for name, _, _ in folder.taken(FILES_MAX)] == ["made.txt"] and not folder.problem
    session.run(FORGE).raise_for_error()
    monkeypatch.setattr(_artifacts, "_SECONDS", 2.0)
    began = time.perf_counter()
    found = list(folder.taken(FILES_MAX))
    assert 0 < len(found) < FILES_MAX and "took too long" in folder.problem
    # Each of the files alone could take as long as a turn may.
    assert time.perf_counter() - began < 8
