"""The half of the shell that runs in the sandbox: sent there as sources, in the order of `MODULES`.

Nothing of it starts a process, here or there; what it may do is what code in the
session may do, and so are its limits.
"""

MODULES = (
    "bounds",
    "syntax",
    "scanner",
    "grammar",
    "patterns",
    "arithmetic",
    "expansion",
    "state",
    "streams",
    "invocation",
    "redirecting",
    "machine",
    "options",
    "testing",
    "regular",
    "sedscript",
    "commands.basic",
    "commands.builtin",
    "commands.files",
    "commands.lines",
    "commands.finding",
    "commands.grep",
    "commands.programs",
    "commands.python",
    "commands.sed",
    "commands.sorting",
    "commands",
    "serving",
)
