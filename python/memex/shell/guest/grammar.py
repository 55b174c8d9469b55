"""Words and operators to commands."""

from __future__ import annotations

import re
from typing import Any

from .scanner import Scanner
from .syntax import Block, Case, Chain, Condition, For, Function, If, Pipeline, Redirect, Simple, SyntaxFault, Text, While, Word

# How deep commands may lie in each other.
_DEPTH_MAX = 40
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=")
_FUNCTION = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)[ \t]*\(\s*\)")
_REDIRECTS = ("<<<", "<<-", "&>>", "<<", ">>", ">&", "<&", "&>", ">|", "<", ">")
# The parser has a method of this name.
_Redirects = list[Redirect]
_ENDS = frozenset(("then", "elif", "else", "fi", "do", "done", "esac", "}", "in"))


def parsed(text: str) -> Block:
    """The list of a whole command line. Raises `SyntaxFault`."""
    return _Parser(Scanner(text, _nested(0)), 0).whole("")


def _nested(depth: int) -> Any:
    return lambda scanner, closing: _Parser(scanner, depth + 1).whole(closing)


class _Parser:
    def __init__(self, scanner: Scanner, depth: int) -> None:
        self.scanner = scanner
        self.depth = depth
        if depth > _DEPTH_MAX:
            raise scanner.fault("commands are nested too deeply")
        scanner._nested = _nested(depth)

    def whole(self, closing: str) -> Block:
        body = self.list(())
        scanner = self.scanner
        if closing:
            if not scanner.take(closing):
                raise self.unexpected()
        elif not scanner.ended():
            raise self.unexpected()
        scanner._nested = _nested(max(self.depth - 1, 0))
        return body

    def unexpected(self) -> SyntaxFault:
        scanner = self.scanner
        if scanner.ended():
            return scanner.fault("the command ends too early")
        return scanner.fault(f"unexpected {(scanner.operator() or scanner.keyword())!r}")

    def list(self, ends: tuple[str, ...]) -> Block:
        """Chains up to one of some keywords, or to what no chain begins with."""
        items: list[Any] = []
        scanner = self.scanner
        while True:
            while scanner.take("\n"):
                pass
            if scanner.ended() or scanner.operator() in (")", ";;") or scanner.keyword() in (ends or _ENDS):
                return Block(items)
            items.append(self.chain())
            if scanner.operator() == "&":
                raise scanner.fault("nothing runs in the background here: leave out `&`")
            if not (scanner.take(";") or scanner.operator() == "\n"):
                return Block(items)

    def body(self, *ends: str) -> Block:
        found = self.list(ends)
        if not found.items:
            raise self.unexpected()
        return found

    def expect(self, keyword: str) -> None:
        if self.scanner.keyword() != keyword:
            raise self.unexpected()
        self.scanner.at += len(keyword)

    def chain(self) -> Chain:
        links = [("", self.pipeline())]
        scanner = self.scanner
        while scanner.operator() in ("&&", "||"):
            operator = scanner.operator()
            scanner.take(operator)
            while scanner.take("\n"):
                pass
            links.append((operator, self.pipeline()))
        return Chain(links)

    def pipeline(self) -> Pipeline:
        negated = False
        while self.scanner.keyword() == "!":
            self.scanner.at += 1
            negated = not negated
        commands = [self.command()]
        while self.scanner.operator() == "|":
            self.scanner.take("|")
            while self.scanner.take("\n"):
                pass
            commands.append(self.command())
        return Pipeline(commands, negated)

    def command(self) -> Any:
        scanner = self.scanner
        keyword = scanner.keyword()
        if scanner.operator() == "(":
            return self.deeper(self.subshell)
        compound = {"{": self.group, "if": self.conditional, "for": self.loop, "while": self.repeated, "until": self.repeated, "case": self.case}
        if keyword in compound:
            scanner.at += len(keyword)
            return self.deeper(compound[keyword], keyword)
        if keyword == "[[":
            scanner.at += 2
            return self.condition()
        if keyword == "function":
            scanner.at += len(keyword)
            name = scanner.keyword()
            scanner.at += len(name)
            if scanner.take("(") and not scanner.take(")"):
                raise self.unexpected()
            return self.function(name)
        named = _FUNCTION.match(scanner.text, scanner.at)
        if named:
            scanner.at = named.end()
            return self.function(named[1])
        return self.simple()

    def deeper(self, read: Any, *given: Any) -> Any:
        self.depth += 1
        if self.depth > _DEPTH_MAX:
            raise self.scanner.fault("commands are nested too deeply")
        try:
            return read(*given)
        finally:
            self.depth -= 1

    def function(self, name: str) -> Function:
        while self.scanner.take("\n"):
            pass
        body = self.command()
        if isinstance(body, (Simple, Function)):
            raise self.scanner.fault(f"the body of the function {name} is {{ … }}")
        return Function(name, body)

    def subshell(self) -> Block:
        self.scanner.take("(")
        found = self.list(())
        if not self.scanner.take(")"):
            raise self.unexpected()
        found.apart = True
        found.redirects = self.redirects()
        return found

    def group(self, _keyword: str) -> Block:
        found = self.body("}")
        self.expect("}")
        found.redirects = self.redirects()
        return found

    def conditional(self, _keyword: str) -> If:
        branches = []
        otherwise = None
        while True:
            condition = self.body("then")
            self.expect("then")
            branches.append((condition, self.body("elif", "else", "fi")))
            keyword = self.scanner.keyword()
            if keyword == "elif":
                self.expect("elif")
                continue
            if keyword == "else":
                self.expect("else")
                otherwise = self.body("fi")
            self.expect("fi")
            return If(branches, otherwise, self.redirects())

    def loop(self, _keyword: str) -> For:
        scanner = self.scanner
        name = scanner.keyword()
        if not name.isidentifier():
            raise scanner.fault("`for` needs a name")
        scanner.at += len(name)
        while scanner.take("\n"):
            pass
        words = None
        if scanner.keyword() == "in":
            self.expect("in")
            words = []
            while (word := scanner.word()) is not None:
                words.append(word)
        body = self.done()
        return For(name, words, body, self.redirects())

    def repeated(self, keyword: str) -> While:
        condition = self.body("do")
        body = self.done()
        return While(condition, body, keyword == "until", self.redirects())

    def done(self) -> Block:
        self.scanner.take(";")
        while self.scanner.take("\n"):
            pass
        self.expect("do")
        body = self.body("done")
        self.expect("done")
        return body

    def case(self, _keyword: str) -> Case:
        scanner = self.scanner
        word = scanner.word()
        if word is None:
            raise self.unexpected()
        while scanner.take("\n"):
            pass
        self.expect("in")
        arms: list[tuple[list[Word], Block]] = []
        while True:
            while scanner.take("\n"):
                pass
            if scanner.keyword() == "esac":
                self.expect("esac")
                return Case(word, arms, self.redirects())
            scanner.take("(")
            patterns = []
            while True:
                pattern = scanner.word()
                if pattern is None:
                    raise self.unexpected()
                patterns.append(pattern)
                if not scanner.take("|"):
                    break
            if not scanner.take(")"):
                raise self.unexpected()
            body = self.list(("esac",))
            arms.append((patterns, body))
            if not scanner.take(";;") and scanner.keyword() != "esac":
                raise self.unexpected()

    def condition(self) -> Condition:
        scanner = self.scanner
        words: list[Word] = []
        while scanner.keyword() != "]]":
            operator = scanner.operator()
            if scanner.ended() or operator in ("\n", ";"):
                raise scanner.fault("[[ is not closed")
            if operator in ("&&", "||", "<", ">", "(", ")"):
                scanner.take(operator)
                words.append([Text(operator)])
                continue
            word = scanner.word()
            if word is None:
                raise self.unexpected()
            words.append(word)
        scanner.at += 2
        return Condition(words, self.redirects())

    def simple(self) -> Simple:
        assignments: list[tuple[str, Word]] = []
        words: list[Word] = []
        redirects: list[Redirect] = []
        while True:
            redirect = self.redirect()
            if redirect is not None:
                redirects.append(redirect)
                continue
            word = self.scanner.word()
            if word is None:
                break
            first = word[0]
            found = _ASSIGNMENT.match(first.text) if isinstance(first, Text) and not first.quoted else None
            if found and not words:
                value: Word = [Text(first.text[found.end() :]), *word[1:]]
                if not value[0].text and not self.scanner.text.startswith("(", self.scanner.at):
                    value = value[1:]
                elif self.scanner.text.startswith("(", self.scanner.at) and not value[0].text and len(value) == 1:
                    raise self.scanner.fault("there are no arrays here")
                if found[2]:
                    from .syntax import Variable

                    value.insert(0, Variable(found[1], quoted=True))
                assignments.append((found[1], value))
            else:
                words.append(word)
        if not (assignments or words or redirects):
            raise self.unexpected()
        return Simple(assignments, words, redirects)

    def redirects(self) -> _Redirects:
        found: _Redirects = []
        while (one := self.redirect()) is not None:
            found.append(one)
        return found

    def redirect(self) -> Redirect | None:
        scanner = self.scanner
        number = scanner.number_before_redirect()
        operator = scanner.operator()
        if operator not in _REDIRECTS:
            return None
        scanner.take(operator)
        target = scanner.word()
        if target is None:
            raise scanner.fault(f"{operator} needs a name")
        made = Redirect((0 if operator[0] == "<" else 1) if number is None else number, operator, target)
        if operator in ("<<", "<<-"):
            scanner.await_document(made, target, operator == "<<-")
            made.target = []
        return made
