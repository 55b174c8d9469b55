"""From the text of a turn to code, with the value of a last expression kept.

Compiling is most of what a small turn costs, so the usual one-line turns compile
once: a guess picks the mode, and the code that results tells whether it was right.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import ast as _ast
import opcode as _opcode

from memex_guest import awaits, magics

# A last expression is assigned to this name, and taken out of the scope at once.
VALUE = "__memex_value__"

_FLAGS = _ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_TREE = _FLAGS | _ast.PyCF_ONLY_AST
_Expr = _ast.Expr
_Assign = _ast.Assign
_Name = _ast.Name
_Store = _ast.Store
_Module = _ast.Module
_If = _ast.If
_shifted = _ast.increment_lineno

# One line that begins with one of these has no value and is not worth a guess.
_STATEMENTS = frozenset(
    "import from def class if for while with try pass del raise assert global nonlocal async return break continue".split()
)
# Words that begin the last line of a definition, or of a block that ends with an import.
_ENDINGS = frozenset(("import", "from", "return", "pass", "raise", "yield", "del"))
_REWRITES_MAX = 200

# Where the last store of a block stands in its code: before an implicit `return None`.
_STORE_NAME = _opcode.opmap["STORE_NAME"]
_STORE_SUBSCR = _opcode.opmap["STORE_SUBSCR"]
_probe = compile("a = 1", "<probe>", "exec", 0, True).co_code
_NAME_AT = next(at for at in range(-2, -len(_probe), -2) if _probe[at] == _STORE_NAME)
_probe = compile("a[0] = 1", "<probe>", "exec", 0, True).co_code
_SUBSCR_AT = next(at for at in range(-2, -len(_probe), -2) if _probe[at] == _STORE_SUBSCR)


def compiled(source, name):
    """The code of a block and whether `VALUE` will hold its last expression's value.

    Code of an expression returns the value itself from `eval`.

    Raises `SyntaxError`, or what else `compile` raises, for a block that is not Python.
    """
    stripped = source.rstrip()
    if "\n" not in stripped:
        word = stripped.partition(" ")[0]
        if ";" in stripped:
            return _compiled_fully(source, name)
        is_statement = word in _STATEMENTS
        may_assign = "=" in stripped and "(" not in stripped.partition("=")[0]
        if not is_statement and not may_assign:
            try:
                return compile(source, name, "eval", _FLAGS, True), False
            except SyntaxError:
                return _compiled_fully(source, name)
        # A lone string is stored too, as the docstring, and is a value all the same.
        is_sure = is_statement or stripped[0] not in "\"'"
    else:
        is_statement = False
        is_sure = _ends_as_statement(stripped[stripped.rfind("\n") + 1 :])
    if is_sure:
        try:
            code = compile(source, name, "exec", _FLAGS, True)
        except SyntaxError:
            return _compiled_fully(source, name)
        # The store proves that it was no expression: `a == 1` looks like an assignment.
        if is_statement or _ends_with_store(code.co_code):
            return code, False
    return _compiled_fully(source, name)


def awaiting(source, name, tools):
    """As `compiled`, with plain calls of client tools as awaits where the code can await.

    `tools` gives the arguments of `awaits.rewrite` for a tree, or None. None when there is nothing
    to change, or the tree is too large to be looked at.
    """
    try:
        tree = _parsed(source, name)
        given = tools(tree)
        if given is None or not awaits.rewrite(tree, *given):
            return None
        return _with_value(tree, source, name)
    except (SyntaxError, RecursionError, MemoryError):
        # The block as it is written compiles.
        return None


def _parsed(source, name):
    try:
        return compile(source, name, "exec", _TREE, True)
    except SyntaxError as error:
        return _repaired(source, name, error)


def _ends_as_statement(line):
    """Whether a block's last line looks like the end of a statement that stores something.

    Constants compile to nothing, so the code after one looks as if the statement
    before it were the last: a line that may be part of a constant is no such line.
    """
    if '"' in line or "'" in line or "#" in line or ";" in line:
        return False
    left, equals, _ = line.partition("=")
    if equals:
        return "(" not in left and line[0] not in " \t"
    return line.strip().partition(" ")[0] in _ENDINGS


def _ends_with_store(ops):
    if ops[_NAME_AT] == _STORE_NAME:
        return True
    return len(ops) >= -_SUBSCR_AT and ops[_SUBSCR_AT] == _STORE_SUBSCR and not ops[_SUBSCR_AT + 2]


def _compiled_fully(source, name):
    try:
        tree = _parsed(source, name)
    except (RecursionError, MemoryError):
        # The tree as objects takes far more room than the compiler itself needs.
        return compile(source, name, "exec", _FLAGS, True), False
    return _with_value(tree, source, name)


def _with_value(tree, source, name):
    body = tree.body
    if body and type(body[-1]) is _Expr and not _is_silenced(body[-1], source):
        last = body[-1]
        where = {
            "lineno": last.lineno,
            "col_offset": last.col_offset,
            "end_lineno": last.end_lineno,
            "end_col_offset": last.end_col_offset,
        }
        body[-1] = _Assign([_Name(VALUE, _Store(), **where)], last.value, None, **where)
        return compile(tree, name, "exec", _FLAGS, True), True
    return compile(tree, name, "exec", _FLAGS, True), False


def _is_silenced(last, source):
    if ";" not in source:
        return False
    lines = source.split("\n")
    if last.end_lineno > len(lines):
        return False
    rest = lines[last.end_lineno - 1].encode("utf-8", "surrogatepass")[last.end_col_offset :]
    return rest.lstrip().startswith(b";")


def _repaired(source, name, error):
    """The tree of a block that only compiles once notebook lines or its indentation are undone."""
    cell = magics.refused_cell(source)
    if cell is not None:
        return compile(cell, name, "exec", _TREE, True)
    lines = source.split("\n")
    indented = False
    for _ in range(_REWRITES_MAX):
        number = (error.lineno or 0) - indented
        if not indented and isinstance(error, IndentationError) and _is_indented(lines):
            indented = True
        elif 0 < number <= len(lines) and (line := magics.rewritten(lines[number - 1])) is not None:
            lines[number - 1] = line
        else:
            break
        # An `if` around the block leaves its lines as they are, string literals too.
        text = ("if 1:\n" if indented else "") + "\n".join(lines) + ("\n" if indented else "")
        try:
            tree = compile(text, name, "exec", _TREE, True)
        except SyntaxError as next_error:
            error = next_error
            continue
        if not indented:
            return tree
        if len(tree.body) == 1 and type(tree.body[0]) is _If and not tree.body[0].orelse:
            return _shifted(_Module(tree.body[0].body, []), -1)
        break
    if indented:
        if not isinstance(error, IndentationError) and error.lineno is not None:
            error.lineno -= 1
            if error.end_lineno is not None:
                error.end_lineno -= 1
        else:
            compile(source, name, "exec", _TREE, True)
    raise error


def _is_indented(lines):
    for line in lines:
        shown = line.strip()
        if shown and not shown.startswith("#"):
            return line[0] in " \t"
    return False
