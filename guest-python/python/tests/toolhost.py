"""A host with tools, as the guest sees one: descriptions in, calls recorded, replies scripted."""

import json

import harness
from harness import frame_of
from memex_guest import channel, definitions

SEARCH = '''
class SearchHit(Record):
    """One hit."""
    title: str
    score: float | None = None
    kind: Color | Literal["any"] = "any"
    found: date | None = None
    items: list[SearchHit] = []
    orig_name: str = field("orig-name", None)

class Color(Enum):
    RED = "red"
    BLUE = "blue"

def search(query: str, limit: int = 10, *, color: Color | Literal["any"] = "any", since: date | None = None, cursor: str = ...) -> list[SearchHit]:
    """Searches.

    Args:
        query: what for
    """
    return _call("search", {"query": query, "limit": limit, "color": color, "since": since, "cursor": cursor}, search)
'''

TREE = '''
class Leaf(Record):
    type: Literal["leaf"]
    value: Decimal | None = None

class Branch(Record):
    type: Literal["branch"]
    children: list["Node"] = []

class Node(Record):
    name: str
    next: Node | None = None
    at: datetime | None = None
    ids: dict[str, UUID] = {}
    pair: tuple[int, Branch | Leaf] = ...
    data: bytes = b""

def grow(depth: int = 1) -> Branch | Leaf | Node | None:
    """Grows."""
    return _call("grow", {"depth": depth}, grow)
'''


def simple(name, parameters="value", returns="Any", tool=None):
    """The description of a tool that takes a few values."""
    names = [part.split(":")[0].split("=")[0].strip() for part in parameters.split(",") if part.strip(" *")]
    given = ", ".join('"' + one + '": ' + one for one in names)
    return (
        "def " + name + "(" + parameters + ") -> " + returns + ":\n"
        '    """Does ' + name + '."""\n'
        "    return _call(" + json.dumps(tool or name) + ", {" + given + "}, " + name + ")\n"
    )


class Host:
    """Answers frames; `replies` are by tool, a head or a function of the arguments and parts."""

    def __init__(self, sources, replies, clients=()):
        self.sources = {name: (text if type(text) is tuple else (name, text)) for name, text in sources.items()}
        self.replies = replies
        self.clients = frozenset(clients)
        self.asked = []
        self.called = []
        self.tickets = {}

    def __call__(self, frame):
        op, head, parts = channel.parse(frame)
        if op == channel.TOOLBOX:
            self.asked.append(head)
            return self.toolbox(head)
        if op == channel.WAIT:
            # All answers are there at once.
            waited, self.tickets = self.tickets, {}
            return frame_of(0, None, (answers(waited),))
        self.called.append((head, parts))
        reply = self.replies.get(head["tool"], {"result": None})
        found = reply(head["arguments"], parts) if callable(reply) else reply
        status, answer, more = found if type(found) is tuple else (0, found, ())
        if head.get("await") and not answer.get("now"):
            ticket = len(self.tickets) + 1
            self.tickets[ticket] = frame_of(status, answer, more)
            return frame_of(0, {"ticket": ticket}, ())
        return frame_of(status, answer, more)

    def _named(self, names):
        """The identifiers of the tools that names mean: their own, or the tools'."""
        own = {name: identifier for identifier, (name, _) in self.sources.items()}
        return [name if name in self.sources else own[name] for name in names if name in self.sources or name in own]

    def toolbox(self, head):
        """Answers a question about the tools."""
        known = [
            {"name": name, "identifier": identifier, "summary": "Does " + name + ".", "signature": "()"}
            for identifier, (name, _) in sorted(self.sources.items())
        ]
        if head["ask"] == "resolve":
            found = [
                {
                    "name": self.sources[name][0],
                    "identifier": name,
                    "source": self.sources[name][1],
                    **({"client": True} if name in self.clients else {}),
                }
                for name in self._named(head["names"])
            ]
            return frame_of(0, {"tools": found}, ())
        if head["ask"] == "search":
            return frame_of(0, {"tools": [tool for tool in known if head["text"] in tool["name"]][: head["limit"]]}, ())
        if head["ask"] == "list":
            return frame_of(0, {"tools": known[head["offset"] :][: head["limit"]], "total": len(known)}, ())
        for tool in known:
            if head["name"] in (tool["name"], tool["identifier"]):
                return frame_of(0, {"stub": "def " + tool["name"] + "()"}, ())
        return frame_of(1, {"type": "KeyError", "message": "no tool is named " + head["name"] + "; close: search"}, ())


def serve(sources, replies, clients=()):
    """Makes the tools those of the session, with none of an earlier one left in the scope."""
    for name in [name for name in harness.scope if not name.startswith("__")]:
        del harness.scope[name]
    definitions.clients.clear()
    host = harness.tools = Host(sources, replies, clients)
    return host


def answers(replies):
    """The payload of a resume: replies by ticket."""
    packed = len(replies).to_bytes(4, "little")
    for ticket, reply in replies.items():
        packed += ticket.to_bytes(8, "little") + len(reply).to_bytes(4, "little") + reply
    return packed
