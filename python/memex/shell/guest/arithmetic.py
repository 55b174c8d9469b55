"""`$(( … ))`: whole numbers of 64 bits, as C has them."""

from __future__ import annotations

import re
from typing import Any

_TOKEN = re.compile(r"\s*(0[xX][0-9a-fA-F]+|\d+|[A-Za-z_]\w*|\$?\w+|\*\*|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%<>!~&|^?:()=])")
_LEVELS = (("||",), ("&&",), ("|",), ("^",), ("&",), ("==", "!="), ("<", "<=", ">", ">="), ("<<", ">>"), ("+", "-"), ("*", "/", "%"))
_DEPTH_MAX = 40


def value(text: str, state: Any) -> int:
    """The value of an expression. Raises `ValueError` for what is none."""
    tokens = []
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"{text.strip()}: not an expression of whole numbers")
        tokens.append(found[1])
        at = found.end()
    if not tokens:
        return 0
    reader = _Reader(tokens, state, text.strip())
    result = reader.assigned(0)
    if reader.at < len(tokens):
        raise reader.fault()
    return result


def _wrapped(number: int) -> int:
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


class _Reader:
    def __init__(self, tokens: list[str], state: Any, text: str) -> None:
        self.tokens, self.state, self.text, self.at = tokens, state, text, 0

    def fault(self) -> ValueError:
        return ValueError(f"{self.text}: not an expression of whole numbers")

    def here(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def assigned(self, depth: int) -> int:
        if depth > _DEPTH_MAX:
            raise ValueError("an expression is nested too deeply")
        name = self.here()
        following = self.tokens[self.at + 1 : self.at + 3]
        if name.isidentifier() and following[:1] == ["="]:
            self.at += 2
            result = self.assigned(depth + 1)
            self.state.set(name, str(result))
            return result
        if name.isidentifier() and len(following) == 2 and following[0] in "+-*/%" and following[1] == "=":
            self.at += 3
            result = self.applied(following[0], self.named(name), self.assigned(depth + 1))
            self.state.set(name, str(result))
            return result
        condition = self.level(0, depth)
        if self.here() != "?":
            return condition
        self.at += 1
        first = self.assigned(depth + 1)
        if self.here() != ":":
            raise self.fault()
        self.at += 1
        second = self.assigned(depth + 1)
        return first if condition else second

    def level(self, number: int, depth: int) -> int:
        if number == len(_LEVELS):
            return self.unary(depth)
        left = self.level(number + 1, depth)
        while self.here() in _LEVELS[number]:
            operator = self.here()
            self.at += 1
            left = self.applied(operator, left, self.level(number + 1, depth))
        return left

    def applied(self, operator: str, left: int, right: int) -> int:
        if operator in ("/", "%"):
            if right == 0:
                raise ValueError(f"{self.text}: division by 0")
            quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
            return _wrapped(quotient if operator == "/" else left - quotient * right)
        if operator == "**":
            if right < 0:
                raise ValueError(f"{self.text}: exponent less than 0")
            return _wrapped(pow(left, right, 1 << 64))
        if operator in ("<<", ">>"):
            shift = right & 63
            return _wrapped(left << shift if operator == "<<" else left >> shift)
        return _wrapped(int(_APPLY[operator](left, right)))

    def unary(self, depth: int) -> int:
        token = self.here()
        if depth > _DEPTH_MAX:
            raise ValueError("an expression is nested too deeply")
        if token in ("-", "+", "!", "~"):
            self.at += 1
            inner = self.unary(depth + 1)
            return _wrapped({"-": -inner, "+": inner, "!": int(not inner), "~": ~inner}[token])
        base = self.primary(depth)
        if self.here() == "**":
            self.at += 1
            return self.applied("**", base, self.unary(depth + 1))
        return base

    def primary(self, depth: int) -> int:
        token = self.here()
        self.at += 1
        if token == "(":
            inner = self.assigned(depth + 1)
            if self.here() != ")":
                raise self.fault()
            self.at += 1
            return inner
        if token[:1].isdigit():
            return self.number(token)
        name = token.lstrip("$")
        if name.isidentifier():
            found = self.named(name)
            if self.here() in ("+", "-") and self.tokens[self.at : self.at + 2] in (["+", "+"], ["-", "-"]):
                self.at += 2
                self.state.set(name, str(_wrapped(found + (1 if self.tokens[self.at - 1] == "+" else -1))))
            return found
        raise self.fault()

    def number(self, token: str) -> int:
        try:
            if token[:2].lower() == "0x":
                return _wrapped(int(token, 16))
            return _wrapped(int(token[:40], 8 if token.startswith("0") and len(token) > 1 else 10))
        except ValueError:
            raise self.fault() from None

    def named(self, name: str) -> int:
        text = (self.state.parameter(name) or "0").strip()
        if re.fullmatch(r"[-+]?\d{1,20}", text):
            return _wrapped(int(text))
        return 0


_APPLY = {
    "||": lambda a, b: bool(a or b), "&&": lambda a, b: bool(a and b), "|": lambda a, b: a | b, "^": lambda a, b: a ^ b,
    "&": lambda a, b: a & b, "==": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b, "+": lambda a, b: a + b,
    "-": lambda a, b: a - b, "*": lambda a, b: a * b,
}  # fmt: skip
