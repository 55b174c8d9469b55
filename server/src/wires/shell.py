"""Runs command lines for a client: what they print goes out as it is printed.

The shell itself is loaded before this, as the package `memex_shell`.
"""

import base64
import io
import json
import os
import sys

from memex_shell.bounds import Exhausted
from memex_shell.commands import COMMANDS
from memex_shell.invocation import Exit, Jump
from memex_shell.machine import Machine
from memex_shell.state import State
from memex_shell.streams import PipeClosed, Streams


class Through:
    """One of the session's own streams."""

    def __init__(self, stream):
        self._stream = stream

    def write(self, data):
        self._stream.buffer.write(data)
        self._stream.flush()


def run(text):
    """Runs the command that a JSON text describes, and returns its status."""
    request = json.loads(text)
    errors = Through(sys.__stderr__)
    folder = request["folder"]
    if not os.path.isdir(folder):
        errors.write(("bash: %s: No such file or directory\n" % folder).encode("utf-8", "surrogateescape"))
        return 1
    environment = dict(os.environ)
    environment.update(request["variables"])
    streams = Streams({0: io.BytesIO(base64.b64decode(request["input"])), 1: Through(sys.__stdout__), 2: errors})
    machine = Machine(State(folder, environment), COMMANDS)
    try:
        if request["line"] is not None:
            return machine.line(request["line"], streams) & 255
        return machine.command(request["arguments"], streams) & 255
    except Exit as ended:
        return ended.status & 255
    except Jump as jump:
        return jump.status & 255
    except PipeClosed:
        return 141
    except Exhausted as error:
        errors.write(("bash: %s\n" % error).encode("utf-8", "surrogateescape"))
        return 2
    except RecursionError:
        errors.write(b"bash: commands are nested too deeply\n")
        return 2
