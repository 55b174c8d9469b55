"""`python -m memex`: what containers and CI need of the package itself."""

from __future__ import annotations

import argparse
import sys

import memex
from memex._terminal import harmless


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m memex",
        description="What the Python package does from the command line. "
        "The command `memex` of the Rust build does more; it is not a part of the package.",
    )
    parser.add_argument("--version", action="version", version=f"memex {memex.__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    image = commands.add_parser("image", help="the image that sessions start from")
    actions = image.add_subparsers(dest="action", required=True)
    build = actions.add_parser("build", help="fetch and build it, and print its name")
    build.add_argument("--preload", action="append", default=[], metavar="MODULE", help="import this module too")
    build.add_argument("--package", action="append", default=[], metavar="NAME==VERSION", help="add this package")
    run = commands.add_parser("run", help="run blocks in one session, and print what they came to")
    run.add_argument("-c", "--code", action="append", required=True, metavar="CODE", help="a block; may be given again")
    run.add_argument("--json", action="store_true", help="print one JSON object for each block")
    given = parser.parse_args(arguments)
    try:
        if given.command == "image":
            with memex.Sandbox(preload=given.preload, packages=given.package) as box:
                print(box.image)
            return 0
        return _run(given.code, given.json)
    except memex.MemexError as error:
        print(f"memex: {error}", file=sys.stderr)
        return 2


def _run(blocks: list[str], as_json: bool) -> int:
    worst = 0
    with memex.Sandbox() as box, box.session() as session:
        for block in blocks:
            result = session.run(block)
            worst = max(worst, 0 if result.ok else 1)
            if as_json:
                print(result.to_json(), flush=True)
                continue
            sys.stdout.write(harmless(result.stdout))
            sys.stderr.write(harmless(result.stderr))
            if result.text:
                print(harmless(result.text))
            if result.error is not None:
                sys.stderr.write(harmless(result.error.traceback or f"{result.error.name}: {result.error.message}\n"))
    return worst


if __name__ == "__main__":
    sys.exit(main())
