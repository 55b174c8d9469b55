"""Numbers, times, and commands that run others."""

from __future__ import annotations

import re
import time

from ..invocation import Command, UsageFault
from ..options import number, parsed
from ..streams import decoded


def seq(run: Command) -> int:
    options, rest = parsed([f"\0{one}" if re.fullmatch(r"-\d+", one) else one for one in run.arguments], "w", "s")
    numbers = [number(one.strip("\0"), "steps") for one in rest]
    if not 1 <= len(numbers) <= 3:
        raise UsageFault("takes one to three numbers")
    first, step, last = (1, 1, numbers[0]) if len(numbers) == 1 else (numbers[0], 1 if len(numbers) == 2 else numbers[1], numbers[-1])
    if step == 0:
        raise UsageFault("a step is not 0")
    found = range(first, last + (1 if step > 0 else -1), step)
    separator = options.get("s", ["\n"])[-1]
    if not len(found):
        return 0
    width = max(len(str(found[0])), len(str(found[-1]))) if "w" in options else 0
    for place, one in enumerate(found):
        run.out((separator if place else "") + str(one).zfill(width))
    run.out("\n")
    return 0


def date(run: Command) -> int:
    options, rest = parsed(run.arguments, "uR", "dI", {"utc": "u", "iso-8601": "I"})
    if "d" in options:
        raise UsageFault("-d: there is no such option here; use python3 and datetime")
    form = rest[0][1:] if rest and rest[0].startswith("+") else "%a %b %e %H:%M:%S UTC %Y"
    now = time.gmtime()
    run.out(time.strftime(form.replace("%s", str(int(time.time()))).replace("%N", "000000000"), now) + "\n")
    return 0


def sleep(run: Command) -> int:
    total = 0.0
    for one in run.arguments:
        found = re.fullmatch(r"(\d+\.?\d*|\.\d+)([smhd]?)", one)
        if found is None:
            raise UsageFault(f"{one}: not a time")
        total += float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]]
    time.sleep(total)
    return 0


def whoami(run: Command) -> int:
    run.out("user\n")
    return 0


def xargs(run: Command) -> int:
    given = list(run.arguments)
    zero, count, replaced, quiet = False, 0, None, False
    while given and given[0].startswith("-"):
        one = given.pop(0)
        if one in ("-0", "--null"):
            zero = True
        elif one in ("-r", "--no-run-if-empty"):
            quiet = True
        elif one.startswith("-n"):
            count = max(number(one[2:] or (given.pop(0) if given else ""), "arguments"), 1)
        elif one.startswith("-I"):
            replaced = one[2:] or (given.pop(0) if given else "")
        elif one.startswith("-P"):
            if one == "-P" and given:
                given.pop(0)
        else:
            raise UsageFault(f"{one}: there is no such option here")
    text = decoded(run.read())
    if zero:
        items = text.removesuffix("\0").split("\0") if text else []
    elif replaced:
        items = [line.strip() for line in text.splitlines() if line.strip()]
    else:
        import shlex

        try:
            items = shlex.split(text)
        except ValueError as error:
            return run.complain(str(error))
    command = given or ["echo"]
    status = 0
    if replaced:
        calls = [[word.replace(replaced, item) for word in command] for item in items]
    elif not items:
        calls = [] if quiet else [command]
    else:
        size = count or len(items)
        calls = [[*command, *items[at : at + size]] for at in range(0, len(items), size)]
    for call in calls:
        if run.run(call):
            status = 123
    return status


COMMANDS = {"seq": seq, "date": date, "sleep": sleep, "whoami": whoami, "xargs": xargs}
