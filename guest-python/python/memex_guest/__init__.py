"""The guest's own Python: what runs turns inside the sandboxed interpreter.

The host runs each file of this package once, in a module of its own, in `ORDER`
(this file first), then calls `memex_guest.entry.install()`. Afterwards it calls
the functions of `entry` by address; nothing here is looked up by name again, and
nothing that this package says is trusted by the host.
"""

# A file imports only from files before it; tests/test_package.py holds that.
ORDER = (
    "isolation",
    "text",
    "channel",
    "streams",
    "sources",
    "traces",
    "outcome",
    "magics",
    "block",
    "tables",
    "records",
    "preview",
    "figures",
    "display",
    "loop",
    "columns",
    "arguments",
    "results",
    "calls",
    "definitions",
    "toolbox",
    "turn",
    "scope",
    "denials",
    "web",
    "bodies",
    "replies",
    "requests",
    "packages",
    "threads",
    "pools",
    "notebook",
    "shims",
    "settings",
    "warmup",
    "forks",
    "values",
    "containers",
    "kinds",
    "instances",
    "recorded",
    "arrays",
    "dtypes",
    "frames",
    "answers",
    "schemas",
    "agents",
    "entry",
)
