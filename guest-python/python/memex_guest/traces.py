"""Tracebacks of user code, built without `traceback` so that nothing a turn patches matters.

Frames of this package never appear; frames of the library are shown only when an
exception has no frame of the user's own. Everything is bounded: frames, chained
exceptions, groups, messages and the text as a whole.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import os
import sys
from itertools import islice as _islice

from memex_guest import sources, text

try:
    from _suggestions import _generate_suggestions as _suggest
except ImportError:
    _suggest = None

FRAMES_MAX = 40
SAME_FRAME_MAX = 3
CHAIN_MAX = 12
GROUP_MAX = 15
GROUP_DEPTH_MAX = 5
MESSAGE_MAX = 8 * 1024
TRACE_MAX = 24 * 1024
NOTES_MAX = 20

# The identities of this package's global scopes; `entry.install` fills it.
own_scopes = set()

LIBRARY = (os.path.dirname(os.__file__) + "/", "<frozen ", "<__array_function__")

# A subclass may define any of these names; the descriptors read the real fields.
_traceback = BaseException.__dict__["__traceback__"].__get__
_cause = BaseException.__dict__["__cause__"].__get__
_context = BaseException.__dict__["__context__"].__get__
_quiet = BaseException.__dict__["__suppress_context__"].__get__
_members = BaseExceptionGroup.__dict__["exceptions"].__get__
_group_message = BaseExceptionGroup.__dict__["message"].__get__
_syntax = {
    name: SyntaxError.__dict__[name].__get__
    for name in ("msg", "filename", "lineno", "offset", "text", "end_lineno", "end_offset")
}

_CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
_CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"


def describe(error):
    """The type, message, traceback, line and offset of an exception, as a tuple."""
    kind = text.type_path(type(error))
    line = offset = None
    if isinstance(error, SyntaxError):
        message = _syntax_message(error)
        line, offset = _position(error)
    else:
        message = text.safe_str(error, MESSAGE_MAX)
    if line is None:
        line = _turn_line(error)
    return kind, message, text.cut(_chain(error, 0, set()), TRACE_MAX), line, offset


def formatted(error):
    """The traceback alone."""
    return text.cut(_chain(error, 0, set()), TRACE_MAX)


def _turn_line(error):
    line = None
    for step in _steps(_traceback(error), False):
        if sources.is_turn(step.tb_frame.f_code.co_filename):
            line = step.tb_lineno
    return line


def _chain(error, depth, seen):
    parts = []
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        # What led to the shown exception inside a library is told by its headline.
        parts.append(_single(error, depth, seen, not parts and not depth))
        if len(parts) >= 2 * CHAIN_MAX - 1:
            # Between two exceptions stands a line that joins them.
            parts.append("\n… earlier exceptions left out …\n\n" if _cause(error) or _context(error) else "")
            break
        cause = _cause(error)
        if cause is not None and id(cause) not in seen:
            parts.append(_CAUSE)
            error = cause
        elif not _quiet(error) and _context(error) is not None and id(_context(error)) not in seen:
            parts.append(_CONTEXT)
            error = _context(error)
        else:
            break
    if parts and parts[-1] in (_CAUSE, _CONTEXT):
        parts.pop()
    parts.reverse()
    return "".join(parts)


def _single(error, depth, seen, outermost):
    lines = []
    steps = _steps(_traceback(error), outermost)
    if steps:
        lines.append("Traceback (most recent call last):\n")
        _frames(steps, lines)
    if isinstance(error, SyntaxError):
        _syntax_lines(error, lines)
    else:
        lines.append(_headline(error, steps))
    _notes(error, lines)
    if isinstance(error, BaseExceptionGroup):
        _group(error, depth, seen, lines)
    return "".join(lines)


def _steps(step, or_library):
    """The traceback entries to show: the user's, or the library's when there are none."""
    ours = own_scopes
    user = []
    other = []
    while step is not None:
        frame = step.tb_frame
        if id(frame.f_globals) not in ours:
            name = frame.f_code.co_filename
            is_library = name.startswith(LIBRARY) or name.endswith((".pyx", ".pxi"))
            (other if is_library else user).append(step)
        step = step.tb_next
    return user or (other if or_library else user)


def _frames(steps, lines):
    total = len(steps)
    half = FRAMES_MAX // 2
    shown = []
    run = 0
    for step in steps:
        code = step.tb_frame.f_code
        key = (code.co_filename, step.tb_lineno, code.co_name)
        run = run + 1 if shown and shown[-1][0] == key else 1
        if run <= SAME_FRAME_MAX:
            shown.append([key, step, 0])
        else:
            shown[-1][2] += 1
    count = len(shown)
    for index, (key, step, folded) in enumerate(shown):
        if count > FRAMES_MAX:
            if index == half:
                left_out = "  … " + str(count - FRAMES_MAX) + " of " + str(total) + " frames left out …\n"
                lines.append(left_out)
            if half <= index < count - half:
                continue
        _frame(step, key, lines)
        if folded:
            lines.append("  [the previous line is repeated " + str(folded) + " more times]\n")


def _frame_header(key, lines):
    filename, number, name = key
    lines.append('  File "' + filename + '", line ' + str(number) + ", in " + name + "\n")
    source = sources.line(filename, number) if type(number) is int else ""
    shown = source.strip()
    if shown:
        lines.append("    " + text.cut(shown, 400).replace("\n", " ") + "\n")
    return source, shown


def _frame(step, key, lines):
    source, shown = _frame_header(key, lines)
    if not shown or len(shown) > 400 or not source.isascii():
        return
    try:
        positions = step.tb_frame.f_code.co_positions()
        start, end, left, right = next(_islice(positions, step.tb_lasti // 2, None))
    except Exception:
        return
    if start != key[1] or end != start or left is None or right is None:
        return
    indent = len(source) - len(source.lstrip())
    left -= indent
    right -= indent
    if 0 <= left < right <= len(shown) and right - left < len(shown):
        lines.append("    " + " " * left + "^" * (right - left) + "\n")


def _headline(error, steps):
    name = text.type_path(type(error))
    if isinstance(error, BaseExceptionGroup):
        # `str` of a group counts its members at any depth only through user methods.
        try:
            message = text.plain(_group_message(error)) + " (" + str(len(_members(error))) + " sub-exceptions)"
        except Exception:
            message = text.safe_str(error, MESSAGE_MAX)
    else:
        message = text.safe_str(error, MESSAGE_MAX)
    hint = _hint(error, steps)
    if hint:
        message += ". Did you mean: '" + hint + "'?"
    return name + (": " + message if message else "") + "\n"


def _notes(error, lines):
    try:
        notes = error.__notes__
        if type(notes) not in (list, tuple):
            return
        for note in notes[:NOTES_MAX]:
            lines.append(text.safe_str(note, MESSAGE_MAX) + "\n")
    except Exception:
        return


def _group(error, depth, seen, lines):
    members = _members(error)
    if depth >= GROUP_DEPTH_MAX:
        lines.append("  … deeper groups left out …\n")
        return
    for index, member in enumerate(members[:GROUP_MAX]):
        lines.append("  +---------------- " + str(index + 1) + " ----------------\n")
        for line in _chain(member, depth + 1, seen).splitlines():
            lines.append("  | " + line + "\n")
    if len(members) > GROUP_MAX:
        lines.append("  … " + str(len(members) - GROUP_MAX) + " more sub-exceptions …\n")
    lines.append("  +-----------------------------------\n")


def _position(error):
    line = _syntax["lineno"](error)
    offset = _syntax["offset"](error)
    return (line if type(line) is int else None), (offset if type(offset) is int else None)


def _syntax_message(error):
    message = _syntax["msg"](error)
    return text.cut(text.plain(message), MESSAGE_MAX) if isinstance(message, str) else text.safe_str(error, MESSAGE_MAX)


def _syntax_lines(error, lines):
    filename = _syntax["filename"](error)
    number, offset = _position(error)
    if isinstance(filename, str) and number is not None:
        filename = text.plain(filename)
        lines.append('  File "' + filename + '", line ' + str(number) + "\n")
        source = _syntax["text"](error)
        source = text.plain(source) if isinstance(source, str) else sources.line(filename, number)
        source = source.split("\n", 1)[0].rstrip()
        shown = source.lstrip()
        if shown and len(shown) <= 400:
            lines.append("    " + shown + "\n")
            _syntax_caret(error, number, offset, len(source) - len(shown), len(shown), lines)
    lines.append(text.type_path(type(error)) + ": " + _syntax_message(error) + "\n")


def _syntax_caret(error, number, offset, indent, width, lines):
    if offset is None or offset < 1:
        return
    left = offset - 1 - indent
    right = left + 1
    end = _syntax["end_offset"](error)
    if _syntax["end_lineno"](error) == number and type(end) is int and end > offset:
        right = end - 1 - indent
    if 0 <= left <= width:
        lines.append("    " + " " * left + "^" * max(1, min(right, width + 1) - left) + "\n")


def _hint(error, steps):
    """A name that was probably meant, from dictionaries alone: no user code is called."""
    if _suggest is None:
        return None
    try:
        if type(error) is NameError:
            wrong = error.name
            frame = steps[-1].tb_frame
            known = [*frame.f_locals, *frame.f_globals, *__builtins__]
        elif type(error) is AttributeError:
            wrong = error.name
            known = _attributes(error.obj)
        else:
            return None
        if type(wrong) is not str:
            return None
        return _suggest([name for name in known if type(name) is str and not name.startswith("_")], wrong)
    except Exception:
        return None


def _attributes(value):
    known = []
    for base in type.__dict__["__mro__"].__get__(type(value)):
        known.extend(type.__dict__["__dict__"].__get__(base))
    if isinstance(value, type(sys)) or type(value).__getattribute__ is object.__getattribute__:
        known.extend(object.__getattribute__(value, "__dict__"))
    return known
