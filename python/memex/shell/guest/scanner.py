"""Characters to words and operators: quoting, `$`, comments, here-documents."""

from __future__ import annotations

from typing import Any, Callable

from .syntax import Arithmetic, Redirect, Substitution, SyntaxFault, Text, Variable, Word

_META = frozenset(" \t\n;&|<>()")
# The longest first.
_OPERATORS = ("<<<", "<<-", "&>>", "&&", "||", ";;", "<<", ">>", ">&", "<&", "&>", ">|", ";", "&", "|", "<", ">", "(", ")", "\n")
_NAME_START = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_NAME = _NAME_START | frozenset("0123456789")
_SPECIAL = frozenset("?#@*$!-0123456789")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b", "\\": "\\", "'": "'", '"': '"', "?": "?"}
_PARAMETER_OPERATORS = (":-", ":=", ":?", ":+", "##", "%%", "//", "-", "=", "?", "+", "#", "%", "/", ":")


class Scanner:
    """A position in a command line. `nested` parses a list up to a closing character."""

    def __init__(self, text: str, nested: Callable[["Scanner", str], Any]) -> None:
        self.text = text
        self.at = 0
        self._nested = nested
        # Here-documents whose text begins after the line.
        self._awaited: list[tuple[Redirect, str, bool, bool]] = []

    def fault(self, what: str) -> SyntaxFault:
        line = self.text.count("\n", 0, self.at) + 1
        return SyntaxFault(f"line {line}: {what}")

    def skip(self) -> None:
        """Moves past blanks, continued lines and comments."""
        text = self.text
        while self.at < len(text):
            if text[self.at] in " \t":
                self.at += 1
            elif text.startswith("\\\n", self.at):
                self.at += 2
            elif text[self.at] == "#":
                end = text.find("\n", self.at)
                self.at = len(text) if end < 0 else end
            else:
                return

    def operator(self) -> str:
        """The operator here, which is not taken; empty if there is none."""
        self.skip()
        return next((one for one in _OPERATORS if self.text.startswith(one, self.at)), "")

    def take(self, operator: str) -> bool:
        """Takes the operator if it is the one here."""
        if self.operator() != operator:
            return False
        self.at += len(operator)
        if operator == "\n":
            self._documents()
        return True

    def ended(self) -> bool:
        self.skip()
        return self.at >= len(self.text)

    def keyword(self) -> str:
        """The plain word here, which is not taken."""
        self.skip()
        end = self.at
        while end < len(self.text) and self.text[end] not in _META:
            end += 1
        return self.text[self.at : end]

    def number_before_redirect(self) -> int | None:
        """The digits of `2>`, taken."""
        self.skip()
        end = self.at
        while end < len(self.text) and self.text[end].isascii() and self.text[end].isdigit():
            end += 1
        if end == self.at or end - self.at > 3 or end >= len(self.text) or self.text[end] not in "<>":
            return None
        number, self.at = int(self.text[self.at : end]), end
        return number

    def await_document(self, redirect: Redirect, delimiter: Word, tabs: bool) -> None:
        quoted = any(getattr(part, "quoted", False) for part in delimiter)
        name = "".join(part.text for part in delimiter if isinstance(part, Text))
        self._awaited.append((redirect, name, quoted, tabs))

    def _documents(self) -> None:
        awaited, self._awaited = self._awaited, []
        for redirect, name, quoted, tabs in awaited:
            lines = []
            while self.at < len(self.text):
                end = self.text.find("\n", self.at)
                end = len(self.text) if end < 0 else end
                line, self.at = self.text[self.at : end], min(end + 1, len(self.text))
                if tabs:
                    line = line.lstrip("\t")
                if line == name:
                    break
                lines.append(line + "\n")
            body = "".join(lines)
            redirect.target = [Text(body, True)] if quoted else Scanner(body, self._nested).document()

    def document(self) -> Word:
        """The whole text as the inside of a here-document."""
        return self._expandable("")

    # Words

    def word(self) -> Word | None:
        """The word here; `None` if there is none."""
        self.skip()
        parts: Word = []
        text, began = self.text, self.at
        while self.at < len(text) and text[self.at] not in _META:
            char = text[self.at]
            if char == "'":
                end = text.find("'", self.at + 1)
                if end < 0:
                    raise self.fault("a ' is not closed")
                parts.append(Text(text[self.at + 1 : end], True))
                self.at = end + 1
            elif char == '"':
                self.at += 1
                parts.append(Text("", True))
                parts.extend(self._expandable('"'))
            elif char == "\\":
                self.at += 2
                if text[self.at - 1 : self.at] != "\n":
                    parts.append(Text(text[self.at - 1 : self.at], True))
            elif char == "$" and text.startswith("$'", self.at):
                parts.append(Text(self._escaped(), True))
            elif char in "$`":
                parts.append(self._dollar(False))
            else:
                end = self.at
                while end < len(text) and text[end] not in _META and text[end] not in "'\"\\$`":
                    end += 1
                parts.append(Text(text[self.at : end]))
                self.at = end
        self.at = min(self.at, len(text))
        return parts if self.at > began else None

    def _expandable(self, closing: str) -> Word:
        """What lies in double quotes, or in a here-document: all of it counts as quoted."""
        parts: Word = []
        plain: list[str] = []
        text = self.text

        def flush() -> None:
            if plain:
                parts.append(Text("".join(plain), True))
                plain.clear()

        while True:
            if self.at >= len(text):
                if closing:
                    raise self.fault(f"a {closing} is not closed")
                flush()
                return parts
            char = text[self.at]
            if char == closing:
                self.at += 1
                flush()
                return parts
            if char == "\\" and self.at + 1 < len(text):
                following = text[self.at + 1]
                self.at += 2
                if following != "\n":
                    plain.append(following if following in "$`\\" or (following == '"' and closing) else "\\" + following)
            elif char in "$`":
                part = self._dollar(True)
                if isinstance(part, Text):
                    plain.append(part.text)
                else:
                    flush()
                    parts.append(part)
            else:
                end = self.at + 1
                while end < len(text) and text[end] not in "\\$`" and text[end] != closing:
                    end += 1
                plain.append(text[self.at : end])
                self.at = end

    def _escaped(self) -> str:
        """`$'…'`."""
        self.at += 2
        found: list[str] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            if char == "'":
                return "".join(found)
            if char == "\\" and self.at < len(self.text):
                char = self.text[self.at]
                self.at += 1
                if char == "x":
                    digits = self.text[self.at : self.at + 2]
                    try:
                        found.append(chr(int(digits, 16)))
                        self.at += 2
                        continue
                    except ValueError:
                        pass
                found.append(_ESCAPES.get(char, "\\" + char))
            else:
                found.append(char)
        raise self.fault("a $' is not closed")

    def _dollar(self, quoted: bool) -> Any:
        text = self.text
        if text[self.at] == "`":
            return self._backquoted(quoted)
        self.at += 1
        following = text[self.at : self.at + 1]
        if text.startswith("((", self.at):
            return self._arithmetic(quoted)
        if following == "(":
            self.at += 1
            return Substitution(self._nested(self, ")"), quoted)
        if following == "{":
            self.at += 1
            return self._braced(quoted)
        if following and following in _NAME_START:
            end = self.at
            while end < len(text) and text[end] in _NAME:
                end += 1
            name, self.at = text[self.at : end], end
            return Variable(name, quoted=quoted)
        if following and following in _SPECIAL:
            self.at += 1
            return Variable(following, quoted=quoted)
        return Text("$", quoted)

    def _backquoted(self, quoted: bool) -> Any:
        self.at += 1
        inner = []
        while self.at < len(self.text) and self.text[self.at] != "`":
            if self.text[self.at] == "\\" and self.text[self.at + 1 : self.at + 2] in ("`", "\\", "$"):
                self.at += 1
            inner.append(self.text[self.at])
            self.at += 1
        if self.at >= len(self.text):
            raise self.fault("a ` is not closed")
        self.at += 1
        return Substitution(self._nested(Scanner("".join(inner), self._nested), ""), quoted)

    def _arithmetic(self, quoted: bool) -> Any:
        begin = self.at + 2
        depth, end = 2, begin
        while end < len(self.text) and depth:
            depth += {"(": 1, ")": -1}.get(self.text[end], 0)
            end += 1
        if depth or not self.text.startswith("))", end - 2):
            raise self.fault("a $(( is not closed")
        self.at = end
        return Arithmetic(Scanner(self.text[begin : end - 2], self._nested).document(), quoted)

    def _braced(self, quoted: bool) -> Any:
        text = self.text
        length = text.startswith("#", self.at) and text[self.at + 1 : self.at + 2] not in ("}", "")
        if length:
            self.at += 1
        end = self.at
        if text[end : end + 1] in _SPECIAL and text[end : end + 1]:
            end += 1
        else:
            while end < len(text) and text[end] in _NAME:
                end += 1
        name = text[self.at : end]
        if not name:
            raise self.fault("${ needs a name")
        self.at = end
        if text.startswith("}", self.at):
            self.at += 1
            return Variable(name, "length" if length else "", quoted=quoted)
        operator = next((one for one in _PARAMETER_OPERATORS if text.startswith(one, self.at)), None)
        if operator is None or length:
            raise self.fault(f"${{{name}… is not understood")
        self.at += len(operator)
        return Variable(name, operator, self._until_brace(), quoted)

    def _until_brace(self) -> Word:
        parts: Word = []
        text = self.text
        while self.at < len(text) and text[self.at] != "}":
            char = text[self.at]
            if char == "'":
                end = text.find("'", self.at + 1)
                if end < 0:
                    break
                parts.append(Text(text[self.at + 1 : end], True))
                self.at = end + 1
            elif char == '"':
                self.at += 1
                parts.append(Text("", True))
                parts.extend(self._expandable('"'))
            elif char == "\\":
                parts.append(Text(text[self.at + 1 : self.at + 2], True))
                self.at += 2
            elif char in "$`":
                parts.append(self._dollar(False))
            else:
                parts.append(Text(char))
                self.at += 1
        if self.at >= len(text):
            raise self.fault("a ${ is not closed")
        self.at += 1
        return parts
