"""The first sandbox, whose image has to be built: with others that want it, and where something is missing."""

import ctypes
import logging
import os
import pathlib
import shutil
import struct
import subprocess
import sys

import pytest

import memex
from memex import _host, _progress

CACHE = os.environ.get("MEMEX_CACHE") or _host._directory("XDG_CACHE_HOME", ".cache")
FIRST = """
import logging, os, sys
import memex
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(name)s: %(message)s")
def told(progress):
    if progress.done is None:
        print("told", progress)
settings = {"on_progress": told} if sys.argv[2] == "told" else {}
print(memex.Sandbox(cache=sys.argv[1], preload=["json"], **settings).run("6 * 7").value)
"""


@pytest.fixture
def cache(box, tmp_path):
    """A cache that has the guest and its code, and no image."""
    assert box.image
    made = tmp_path / "cache"
    made.mkdir(mode=0o700)
    for name in ("guests", "code"):
        shutil.copytree(pathlib.Path(CACHE) / name, made / name, copy_function=os.link)
    return made


def started(cache, how, **streams):
    return subprocess.Popen([sys.executable, "-c", FIRST, cache, how], stdout=subprocess.PIPE, text=True, **streams)


def test_one_of_many_builds_the_image_and_each_tells_how_far_it_is(cache):
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    terminal = started(cache, "shown", stderr=theirs)
    os.close(theirs)
    written = os.read(ours, 4096)
    # The first has the lock; the others begin when it does.
    others = [started(cache, "logged"), started(cache, "told")]
    while True:
        try:
            more = os.read(ours, 4096)
        except OSError:
            break
        if not more:
            break
        written += more
    assert terminal.communicate(timeout=600)[0] == "42\n"
    logged, told = (other.communicate(timeout=600)[0] for other in others)
    # They wait for the compiled code as well as for the image.
    assert set(logged.splitlines()) == {"memex: memex: waiting for another build", "42"}
    assert told.startswith("told Progress(stage='waiting for another build', done=None") and told.endswith("\n42\n")
    # One line, rewritten, and gone at the end.
    lines = written.decode().split("\r\x1b[K")
    assert "memex: importing and warming up" in lines and any(line.endswith(" %") for line in lines) and lines[-1] == ""
    assert "\n" not in written.decode()
    assert len(list((cache / "images").iterdir())) == 1


def test_progress_of_a_program_that_shows_nothing_is_logged(caplog, capsys):
    follow = _progress.follower(None)
    with caplog.at_level(logging.INFO, "memex"):
        follow("begin", "building", 10)
        follow("advance", "", 5)
        follow("note", "a word", None)
    assert [record.message for record in caplog.records] == ["memex: building", "memex: a word"]
    assert capsys.readouterr() == ("", "")


def refused(program, tmp_path, **variables):
    """What a sandbox says whose image cannot be had."""
    environment = {**os.environ, "MEMEX_CACHE": str(tmp_path / "nothing"), **variables}
    code = "import memex\ntry:\n    memex.Sandbox().session()\nexcept memex.ImageError as error:\n    print(error)\nelse:\n    print('made')"
    done = subprocess.run([sys.executable, "-c", program + code], env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_a_network_the_remedy_is_named(tmp_path):
    # A port of this machine that nobody listens at.
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_FIND_LINKS": "", "PIP_CACHE_DIR": str(tmp_path / "pip")}
    said = refused("", tmp_path, **nowhere)
    assert "hint:" in said and "memex-runtime[guest]" in said


def test_without_disk_the_place_is_named(tmp_path, cache):
    # No file may be longer than a megabyte, as on a disk that is full.
    bounded = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
    said = refused(bounded, tmp_path, MEMEX_CACHE=str(cache))
    assert str(cache) in said and "hint:" in said
    # The control: with nothing in the way, the same is made.
    (tmp_path / "file").write_text("")
    said = refused("", tmp_path, MEMEX_CACHE=str(tmp_path / "file"))
    assert str(tmp_path / "file") in said


PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 38, 22, 2
PAGEMAP_SCAN = 0xC0606610
FORMER_KERNEL = f"""
import ctypes, struct
libc = ctypes.CDLL(None, use_errno=True)
# ioctl(_, PAGEMAP_SCAN, …) is unknown (ENOTTY), and everything else allowed.
program = [(0x20, 0, 0, 0), (0x15, 0, 3, 16), (0x20, 0, 0, 24), (0x15, 0, 1, {PAGEMAP_SCAN}), (0x06, 0, 0, 0x00050019), (0x06, 0, 0, 0x7FFF0000)]
code = b"".join(struct.pack("HBBI", *one) for one in program)
held = ctypes.create_string_buffer(code, len(code))
header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(held)))
assert libc.prctl({PR_SET_NO_NEW_PRIVS}, 1, 0, 0, 0) == 0
assert libc.prctl({PR_SET_SECCOMP}, {MODE_FILTER}, header, 0, 0) == 0
import errno, fcntl
try:
    fcntl.ioctl(open("/proc/self/pagemap"), {PAGEMAP_SCAN}, bytearray(96))
except OSError as error:
    print(errno.errorcode[error.errno])
"""


@pytest.mark.skipif(sys.platform != "linux" or os.uname().machine != "x86_64", reason="the filter is one of Linux on x86-64")
def test_a_kernel_that_cannot_report_changed_pages_is_no_obstacle(program):
    out = program(
        FORMER_KERNEL
        + """
import memex
with memex.Sandbox(limits=memex.Limits(time="300ms")) as box, box.session(inputs={"x": list(range(100_000))}) as session:
    first = session.snapshot()
    print(session.run("x[5] = 'changed'\\nlen(x)").value)
    # What is undone has to be found.
    print(session.run("x[7] = 'lost'\\nwhile True: pass").limit.name, session.run("x[5], x[7]").value)
    session.rewind(first)
    print(session.run("x[5]").value)
"""
    )
    assert out.splitlines() == ["ENOTTY", "100000", "guest_time_ms ('changed', 'lost')", "5"]
