"""Writes tables with Python's csv module in the usual dialects, and what they say.

Usage: dialects.py FOLDER SEED COUNT. FOLDER gets N.csv for each table, and expected.json, a list
of {"header": […], "rows": [[…]]} in the order of the numbers.
"""

import csv
import io
import json
import random
import sys

folder, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
draw = random.Random(seed)
WORDS = ["Anna", "two words", "a, b", "x; y", "p|q", "t\tb", 'say "hi"', "line\nbreak", "Zürich", "O'Neil", "back\\slash", "5 % off", "", "NA", "it: is", "{'k': 1}"]


def text():
    return "".join(draw.choice(["a", "Q", "é"]) + draw.choice(WORDS) for _ in range(draw.randint(1, 2)))


def cell(kind):
    if draw.random() < 0.1:
        return ""
    if kind == "int":
        return draw.choice([0, 7, -12, 2**62 + 1, draw.randint(-(10**6), 10**6)])
    if kind == "float":
        return draw.choice([0.5, -1.25, draw.uniform(-1000, 1000)])
    return text()


expected = []
for number in range(count):
    kinds = ["text"] + [draw.choice(["int", "float", "text"]) for _ in range(draw.randint(1, 5))]
    header = [draw.choice(["id", "name", "the value", "Größe", "a-b", "x.y"]) + str(place) for place in range(len(kinds))]
    rows = [[cell(kind) for kind in kinds] for _ in range(draw.randint(2, 40))]
    # A column without a value has no type, and a last row without one is an empty line.
    rows.append([{"int": 1, "float": 0.5, "text": "end"}[kind] for kind in kinds])
    escapes = draw.random() < 0.2
    if escapes:
        # Without a quote within a text, nothing tells that backslashes are escapes.
        rows.insert(0, [{"int": 1, "float": 0.5, "text": 'say "hi" twice'}[kind] for kind in kinds])
    delimiter = draw.choice(",;\t|")
    out = io.StringIO()
    writer = csv.writer(
        out,
        delimiter=delimiter,
        quoting=csv.QUOTE_ALL if escapes else draw.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
        lineterminator=draw.choice(["\r\n", "\n"]),
        doublequote=not escapes,
        escapechar="\\" if escapes else None,
    )
    writer.writerow(header)
    writer.writerows(rows)
    written = out.getvalue()
    start = draw.choice(["", "", "", "sep=" + delimiter + "\n", "Report\n\n"])
    encoding = draw.choice(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
    with open(f"{folder}/{number}.csv", "w", encoding=encoding, newline="") as file:
        file.write(start + written)
    expected.append({"header": header, "rows": [[None if value == "" else value for value in row] for row in rows], "kinds": kinds, "how": repr((delimiter, escapes, start, encoding))})
with open(f"{folder}/expected.json", "w", encoding="utf-8") as file:
    json.dump(expected, file)
