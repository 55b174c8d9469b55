"""The tour in docs/python.md, run block after block."""

import re

from conftest import ROOT

TOUR = ROOT / "docs" / "python.md"


def test_the_tour_runs(program):
    text = TOUR.read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) > 8
    code = "\n".join(blocks) + "\nprint('end of the tour')"
    # Dataclasses look for their module.
    assert program(code) == "end of the tour\n"
