"""The command `memex`: the script of that name, and `python -m memex` where that is not on the path."""

from __future__ import annotations

import sys


def main() -> int:
    """Runs the command; returns its exit status."""
    from memex import _command, _memex
    from memex._host import guest_package

    return _command.run(_memex, guest_package())


if __name__ == "__main__":
    sys.exit(main())
