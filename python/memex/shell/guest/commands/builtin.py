"""Commands that change the shell itself."""

from __future__ import annotations

import os

from ..bounds import DEPTH_MAX, Exhausted
from ..invocation import Command, Exit, Jump, UsageFault
from ..machine import Machine
from ..options import number
from ..streams import decoded


def cd(run: Command) -> int:
    state = run.state
    given = [one for one in run.arguments if one not in ("-L", "-P", "--")]
    if len(given) > 1:
        raise UsageFault("too many arguments")
    target = given[0] if given else state.get("HOME")
    if target == "-":
        target = state.get("OLDPWD", state.folder)
        run.out(target + "\n")
    path = state.path(target)
    if not os.path.isdir(path):
        return run.complain(f"{target}: {'Not a directory' if os.path.lexists(path) else 'No such file or directory'}")
    state.set("OLDPWD", state.folder)
    state.folder = path
    return 0


def export(run: Command) -> int:
    state = run.state
    if not run.arguments or run.arguments == ["-p"]:
        for name in sorted(state.exported):
            run.out(f'declare -x {name}="{state.get(name)}"\n')
        return 0
    for one in run.arguments:
        if one == "-n" or one.startswith("-"):
            raise UsageFault(f"{one}: there is no such option here")
        name, equals, value = one.partition("=")
        if equals:
            state.set(name, value)
        state.exported.add(name)
    return 0


def declared(run: Command) -> int:
    """`local`, `declare`, `readonly`: plain assignments."""
    for one in run.arguments:
        if one.startswith("-") and set(one[1:]) <= set("xrig"):
            continue
        if one.startswith("-"):
            raise UsageFault(f"{one}: there is no such option here")
        name, equals, value = one.partition("=")
        run.state.set(name, value if equals else run.state.get(name))
    return 0


def unset(run: Command) -> int:
    for name in run.arguments:
        if name in ("-v", "-f"):
            continue
        run.state.variables.pop(name, None)
        run.state.exported.discard(name)
        run.state.functions.pop(name, None)
    return 0


_LONG = {"errexit": "e", "nounset": "u", "xtrace": "x", "noglob": "f", "pipefail": "pipefail"}


def set_(run: Command) -> int:
    options = run.state.options
    given = iter(run.arguments)
    if not run.arguments:
        for name in sorted(run.state.variables):
            run.out(f"{name}={run.state.get(name)}\n")
        return 0
    for one in given:
        if one == "--" or one[:1] not in ("-", "+"):
            run.state.arguments = ([] if one == "--" else [one]) + list(given)
            return 0
        for letter in one[1:]:
            name = next(given, "") if letter == "o" else letter
            name = _LONG.get(name, name)
            if name not in options:
                raise UsageFault(f"{one[0]}{letter} {name if letter == 'o' else ''}: there is no such option here")
            options[name] = one[0] == "-"
    return 0


def shift(run: Command) -> int:
    count = number(run.arguments[0], "arguments") if run.arguments else 1
    if not 0 <= count <= len(run.state.arguments):
        return 1
    del run.state.arguments[:count]
    return 0


def exit_(run: Command) -> int:
    raise Exit(number(run.arguments[0], "statuses") & 255 if run.arguments else run.state.status)


def return_(run: Command) -> int:
    raise Jump("return", status=number(run.arguments[0], "statuses") & 255 if run.arguments else run.state.status)


def jump(run: Command) -> int:
    if not run.machine.loops:
        return run.complain("only meaningful in a loop")
    raise Jump(run.name, max(number(run.arguments[0], "loops"), 1) if run.arguments else 1)


def read(run: Command) -> int:
    names = []
    raw = False
    given = iter(run.arguments)
    for one in given:
        if one == "-r":
            raw = True
        elif one == "-p":
            next(given, None)
        elif one.startswith("-"):
            raise UsageFault(f"{one}: there is no such option here")
        else:
            names.append(one)
    line = decoded(run.streams.input.readline())
    ended = not line.endswith("\n")
    line = line.removesuffix("\n")
    if not raw:
        line = line.replace("\\", "")
    state = run.state
    names = names or ["REPLY"]
    separators = state.get("IFS", " \t\n")
    rest = line.strip(" \t") if separators.strip(" \t\n") != separators else line
    for name in names[:-1]:
        cut = next((at for at, char in enumerate(rest) if char in separators), len(rest))
        state.set(name, rest[:cut])
        rest = rest[cut + 1 :]
        if separators.isspace():
            rest = rest.lstrip(separators)
    state.set(names[-1], rest)
    # A last line without an end counts as the end, although it was read.
    return 1 if ended else 0


def eval_(run: Command) -> int:
    return _nested(run, " ".join(run.arguments))


def source(run: Command) -> int:
    if not run.arguments:
        raise UsageFault("needs the name of a file")
    return _nested(run, decoded(run.content(run.arguments[0])))


def _nested(run: Command, text: str) -> int:
    from .. import grammar

    state = run.state
    state.depth += 1
    try:
        if state.depth > DEPTH_MAX:
            raise Exhausted(f"`eval` and `source` are nested more than {DEPTH_MAX} deep")
        return run.machine.run(grammar.parsed(text), run.streams)
    except grammar.SyntaxFault as error:
        run.complain(f"syntax error: {error}")
        return 2
    finally:
        state.depth -= 1


def bash(run: Command) -> int:
    """`bash -c TEXT`, `bash FILE`, `bash < FILE`: a shell in a state of its own."""
    text = None
    state = run.state.copy()
    given = list(run.arguments)
    while given and given[0][:1] == "-" and text is None:
        one = given.pop(0)
        if one in ("--login", "--norc", "--noprofile", "--"):
            continue
        if not set(one[1:]) <= set("lceuxi"):
            raise UsageFault(f"{one}: there is no such option here")
        for letter in one[1:]:
            if letter in "eux":
                state.options[letter] = True
        if "c" in one:
            if not given:
                raise UsageFault("-c needs a command")
            text = given.pop(0)
    if text is None:
        text = decoded(run.content(given[0]) if given else run.read())
    state.variables = state.environment()
    state.functions, state.arguments, state.name = {}, given[1:], given[0] if given else "bash"
    state.depth += 1
    if state.depth > DEPTH_MAX:
        raise Exhausted(f"shells are nested more than {DEPTH_MAX} deep")
    return Machine(state, run.machine.commands).line(text, run.streams)


def command(run: Command) -> int:
    """`command -v NAME`, `command NAME …`, `type NAME`, `which NAME`."""
    given = run.arguments
    if run.name == "command" and given[:1] not in (["-v"], ["-V"]):
        return run.run(given) if given else 0
    status = 0
    for name in given:
        if name.startswith("-"):
            continue
        short = name.rpartition("/")[2]
        if name in run.state.functions:
            run.out(name + "\n")
        elif short in run.machine.commands and short[0].isalnum():
            builtin = run.name != "which" and short in COMMANDS
            run.out((short if builtin else f"/usr/bin/{short}") + "\n")
        else:
            status = 1
    return status


def exec_(run: Command) -> int:
    """`exec COMMAND`: the shell ends with it."""
    if not run.arguments:
        raise UsageFault("needs a command: redirects stay for one command only")
    raise Exit(run.run(run.arguments))


def true(run: Command) -> int:
    return 0


COMMANDS = {
    "cd": cd, "export": export, "local": declared, "declare": declared, "readonly": declared, "unset": unset, "set": set_,
    "shift": shift, "exit": exit_, "return": return_, "break": jump, "continue": jump, "read": read, "eval": eval_, "exec": exec_,
    "source": source, ".": source, "bash": bash, "sh": bash, "command": command, "type": command, "which": command, ":": true,
    "true": true,
}  # fmt: skip
