"""A shell over a session's files: no process, no container, all of it Python in the sandbox.

>>> import memex
>>> from memex.shell import Shell
>>> with memex.Sandbox() as box, box.session() as session:
...     shell = Shell(session)
...     shell.run("printf 'b\\na\\n' > letters && sort letters | head -n 1").stdout
'a\\n'

Frameworks whose doors are shaped like a shell run commands through it. What a command
may do is what code in the session may do; `docs/python/shell.md` lists what there is.
"""

from memex.shell._protocol import Entry, Ran
from memex.shell._shells import AsyncShell, Shell

__all__ = ["AsyncShell", "Entry", "Ran", "Shell"]
