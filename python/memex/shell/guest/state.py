"""What a shell remembers from command to command."""

from __future__ import annotations

import os
import re
from typing import Any

from .bounds import COMMANDS_MAX, VARIABLE_CHARACTERS, Exhausted

HOME = "/home/user"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Budget:
    """What all shells of one command line have left together."""

    def __init__(self) -> None:
        self.commands = COMMANDS_MAX

    def spend(self) -> None:
        self.commands -= 1
        if self.commands < 0:
            raise Exhausted(f"a command line runs at most {COMMANDS_MAX} commands")


class State:
    """Variables, functions, options and the folder."""

    def __init__(self, folder: str, environment: dict[str, str]) -> None:
        self.folder = folder
        self.variables = dict(environment)
        self.variables.setdefault("HOME", HOME)
        self.variables.setdefault("PATH", "/usr/local/bin:/usr/bin:/bin")
        self.exported = set(self.variables)
        self.functions: dict[str, Any] = {}
        self.arguments: list[str] = []
        self.name = "bash"
        self.status = 0
        self.options = {"e": False, "u": False, "x": False, "f": False, "pipefail": False}
        self.depth = 0
        self.budget = Budget()

    def copy(self) -> State:
        """For a subshell: what it changes is gone with it."""
        made = State.__new__(State)
        made.__dict__.update(self.__dict__)
        made.variables = dict(self.variables)
        made.exported = set(self.exported)
        made.functions = dict(self.functions)
        made.arguments = list(self.arguments)
        made.options = dict(self.options)
        return made

    def get(self, name: str, default: str = "") -> str:
        return self.variables.get(name, default)

    def set(self, name: str, value: str) -> None:
        if not _NAME.match(name):
            raise ValueError(f"{name}: not a name for a variable")
        if len(value) > VARIABLE_CHARACTERS:
            raise Exhausted(f"a variable has more than {VARIABLE_CHARACTERS} characters")
        self.variables[name] = value

    def parameter(self, name: str) -> str | None:
        """The value of a variable or a special parameter; `None` if it is not set."""
        if name == "?":
            return str(self.status)
        if name == "#":
            return str(len(self.arguments))
        if name in ("@", "*"):
            return " ".join(self.arguments)
        if name == "$":
            return "1"
        if name == "-":
            return "".join(letter for letter, on in self.options.items() if on and len(letter) == 1)
        if name == "!":
            return None
        if name.isdigit():
            number = int(name[:9])
            if number == 0:
                return self.name
            return self.arguments[number - 1] if number <= len(self.arguments) else None
        if name == "PWD":
            return self.folder
        if name == "RANDOM":
            import random

            return str(random.randrange(32768))
        return self.variables.get(name)

    def environment(self) -> dict[str, str]:
        """What commands are given."""
        found = {name: self.variables[name] for name in self.exported if name in self.variables}
        found["PWD"] = self.folder
        return found

    def path(self, given: str) -> str:
        """A path as the files have it."""
        return os.path.normpath(os.path.join(self.folder, given)) if given else ""
