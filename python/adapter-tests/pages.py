"""The programs of the adapters' pages, run as they stand."""

import linecache
import pathlib
import re

PAGES = pathlib.Path(__file__).parents[2] / "docs/python/adapters"


def run(name, **given):
    """Runs the blocks of a page one after the other, with these names defined; returns all names."""
    blocks = re.findall(r"^```python\n(.*?)^```", (PAGES / f"{name}.md").read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    scope = {"__name__": "page", **given}
    for number, block in enumerate(blocks, 1):
        # Some frameworks look at the source of a function.
        file = f"{name}.md, block {number}"
        linecache.cache[file] = (len(block), None, block.splitlines(keepends=True), file)
        exec(compile(block, file, "exec"), scope)
    return scope
