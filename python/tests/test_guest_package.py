"""The guest from an installed package: its files are taken if they are the pinned ones, without a download."""

import os
import pathlib
import subprocess
import sys

import pytest

from memex import _host

# Where nothing can be downloaded, up to where the guest's files are there.
PROGRAM = """
import os, sys
sys.path.insert(0, sys.argv[1])
import memex
def follow(progress):
    if "rewriting" in progress.stage:
        print("the files are there", flush=True)
        os._exit(0)
try:
    memex.Sandbox(on_progress=follow).prepare()
except memex.MemexError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def guest(box):
    """The files of the guest that the tests use."""
    assert box.image
    cache = os.environ.get("MEMEX_CACHE") or _host._directory("XDG_CACHE_HOME", ".cache")
    # A cache keeps guests of other versions of memex.
    modules = pathlib.Path(cache).glob("guests/*/module/python.wasm")
    module = max(modules, key=lambda path: path.parent.parent.stat().st_mtime)
    [library] = module.parents[1].glob("lib/*.zip")
    return {"python.wasm": module, "python-stdlib.zip": library}


def prepared(site, cache):
    environment = {"PATH": "/nonexistent", "HOME": "/nonexistent", "MEMEX_CACHE": str(cache)}
    path = [os.path.dirname(os.path.dirname(_host.__file__)), *(one for one in sys.path if one)]
    environment["PYTHONPATH"] = os.pathsep.join(path)
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(site)], env=environment, capture_output=True, text=True, timeout=300)
    return done.stdout + done.stderr


def test_the_files_of_the_package_are_used_and_those_of_another_version_are_not(guest, tmp_path):
    artifacts = tmp_path / "site" / os.path.dirname(_host._GUEST_FILE)
    artifacts.mkdir(parents=True)
    assert "no Python interpreter was found" in prepared(tmp_path / "site", tmp_path / "nothing")
    for name, path in guest.items():
        (artifacts / name).symlink_to(path)
    assert "the files are there" in prepared(tmp_path / "site", tmp_path / "right")
    # One byte is another: the digest decides.
    (artifacts / "python.wasm").unlink()
    changed = bytearray(guest["python.wasm"].read_bytes())
    changed[1000] ^= 1
    (artifacts / "python.wasm").write_bytes(changed)
    assert "no Python interpreter was found" in prepared(tmp_path / "site", tmp_path / "wrong")
    assert not list((tmp_path / "wrong").glob("guests/*/module/python.wasm"))
