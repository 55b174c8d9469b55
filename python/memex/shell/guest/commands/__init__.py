"""The commands there are, by their names."""

from __future__ import annotations

from . import basic, builtin, files, finding, grep, lines, programs, python, sed, sorting

COMMANDS = {
    name: run
    for module in (basic, builtin, files, finding, grep, lines, programs, python, sed, sorting)
    for name, run in module.COMMANDS.items()
}
