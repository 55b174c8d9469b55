"""Everything that makes code written for an ordinary Python behave well here."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import builtins

from memex_guest import (
    alarms,
    decimals,
    denials,
    display,
    integers,
    keys,
    later,
    likeness,
    machine,
    magics,
    maps,
    notebook,
    notices,
    packages,
    parquet,
    pictures,
    pools,
    remedies,
    threads,
    toolbox,
    web,
    webp,
)


def install():
    """Installs all shims; of the finders, the one that finds nothing comes last."""
    likeness.remember()
    denials.install()
    notices.install()
    machine.install()
    maps.install()
    alarms.install()
    threads.install()
    pools.install()
    notebook.install()
    web.install()
    packages.install()
    later.install()
    integers.install()
    pictures.install()
    webp.install()
    parquet.install()
    keys.install()
    decimals.install()
    toolbox.install()
    builtins.display = builtins.show = display.display
    setattr(builtins, magics.HOOK, magics.shell)
    remedies.install()
    likeness.take_over()
