"""Everything that makes code written for an ordinary Python behave well here."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import builtins

from memex_guest import denials, display, integers, magics, notebook, packages, pools, threads, toolbox, web


def install():
    """Installs all shims; the order does not matter."""
    denials.install()
    threads.install()
    pools.install()
    notebook.install()
    web.install()
    packages.install()
    integers.install()
    toolbox.install()
    builtins.display = builtins.show = display.display
    setattr(builtins, magics.HOOK, magics.shell)
