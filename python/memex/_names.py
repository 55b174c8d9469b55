"""The names that a block binds at its top level."""

from __future__ import annotations

import ast


def bound_names(code: str) -> list[str]:
    """Names bound by assignments, definitions, imports, loops and the like, in order."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found: dict[str, None] = {}
    # A block can be nested more deeply than Python may call itself.
    waiting: list[ast.AST] = tree.body[::-1]  # type: ignore[assignment]
    while waiting:
        waiting.extend(reversed(_visited(waiting.pop(), found)))
    return [name for name in found if not name.startswith("_")]


def _visited(node: ast.AST, found: dict[str, None]) -> list[ast.AST]:
    """Adds the name that a node binds; returns the nodes in it that may bind others."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        found.setdefault(node.name)
        return []
    if isinstance(node, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        # Scopes of their own.
        return []
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        found.setdefault(node.id)
    elif isinstance(node, ast.alias):
        if node.name != "*":
            found.setdefault(node.asname or node.name.split(".")[0])
    elif isinstance(node, ast.ExceptHandler) and node.name:
        # Unbound again when the handler ends.
        return list(node.body)
    elif isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name:
        found.setdefault(node.name)
    elif isinstance(node, ast.MatchMapping) and node.rest:
        found.setdefault(node.rest)
    return list(ast.iter_child_nodes(node))
