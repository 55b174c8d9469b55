"""An MCP server on standard streams, with tools that behave badly."""
import base64, json, os, sys, threading

LOCK = threading.Lock()
LOG = open("log.jsonl", "a", buffering=1)
TEXT = {"type": "object", "properties": {"text": {"type": "string"}}}
TOOLS = [
    {"name": "echo", "title": "Echo", "description": "Says it again.", "inputSchema": TEXT,
     "annotations": {"readOnlyHint": True, "openWorldHint": False}},
    {"name": "typed", "inputSchema": TEXT, "outputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}}},
    {"name": "untyped_json", "inputSchema": TEXT},
    {"name": "typed_text", "inputSchema": TEXT, "outputSchema": {"type": "object"}},
    {"name": "wrapped", "inputSchema": TEXT, "outputSchema": {
        "type": "object", "x-fastmcp-wrap-result": True, "$defs": {"N": {"type": "integer"}},
        "properties": {"result": {"type": "array", "items": {"$ref": "#/$defs/N"}}}}},
    {"name": "media", "inputSchema": TEXT},
    {"name": "nothing", "inputSchema": TEXT},
    {"name": "fails", "inputSchema": TEXT},
    {"name": "refuses", "inputSchema": TEXT},
    {"name": "reserved", "inputSchema": TEXT},
    {"name": "hangs", "inputSchema": TEXT},
    {"name": "dies", "inputSchema": TEXT},
    {"name": "floods", "inputSchema": TEXT},
    {"name": "asks", "inputSchema": TEXT},
    {"name": "grows", "inputSchema": TEXT, "outputSchema": {"type": "object"}},
    {"name": "grow", "inputSchema": TEXT},
    {"name": "env", "inputSchema": {**TEXT, "description": os.environ.get("KEY", "")},
     "description": "The key is " + os.environ.get("KEY", "")},
    {"name": "wrong", "inputSchema": {"type": "object", "properties": {"a": {"type": "strng"}}}},
    {"name": "tool-" + os.environ.get("KEY", "0"), "inputSchema": TEXT},
]
ASKED = {}


def send(message):
    with LOCK:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        sys.stdout.flush()


def text(value):
    return {"content": [{"type": "text", "text": value}]}


def call(name, arguments, id):
    said = arguments.get("text", "")
    data = base64.b64encode(b"\x00bytes").decode()
    if name == "echo":
        return text(said)
    if name == "typed":
        return {"content": [], "structuredContent": {"n": 7}}
    if name in ("untyped_json", "typed_text"):
        return text('{"n": 8}')
    if name == "wrapped":
        return {"content": [], "structuredContent": {"result": [1, 2]}}
    if name == "media":
        return {"content": [
            {"type": "text", "text": "see"},
            {"type": "image", "data": data, "mimeType": "image/png"},
            {"type": "audio", "data": data, "mimeType": "audio/wav"},
            {"type": "resource", "resource": {"uri": "file:///a", "mimeType": "text/plain", "text": "t"}},
            {"type": "resource", "resource": {"uri": "file:///b", "blob": data}},
            {"type": "resource_link", "uri": "file:///c", "name": "c"},
        ]}
    if name == "nothing":
        return {"content": []}
    if name == "fails":
        return {"isError": True, **text("no such city: " + said)}
    if name == "refuses":
        raise ValueError("refused: " + said)
    if name == "reserved":
        return {"content": [], "structuredContent": {"a": {"$part": 0}}}
    if name == "hangs":
        LOG.write(json.dumps({"hangs": id}) + "\n")
        return None
    if name == "dies":
        print("going down with", os.environ.get("KEY"), file=sys.stderr, flush=True)
        os._exit(1)
    if name == "floods":
        while True:
            sys.stdout.write("x" * (1 << 16))
    if name == "grows":
        many = [{"": 0}] * int(said.split()[1])
        if "structured" in said:
            return {"content": [], "structuredContent": {"v": many}}
        return text(json.dumps({"v": many}))
    if name == "asks":
        for n, method in enumerate(["sampling/createMessage", "roots/list", "elicitation/create"]):
            params = [{"messages": [], "maxTokens": 1}, None, {"message": "?", "requestedSchema": {"type": "object", "properties": {}}}][n]
            ASKED[f"ask{n}"] = id
            send({"id": f"ask{n}", "method": method, **({"params": params} if params else {})})
        return None
    if name == "grow":
        TOOLS.append({"name": "late", "inputSchema": TEXT})
        send({"method": "notifications/tools/list_changed"})
        return text("grown")
    if name == "env":
        return text(json.dumps([os.environ.get(n) for n in ("ALLOWED", "WITHHELD", "KEY")]))


def main():
    answers = []
    if os.path.exists("mute"):
        threading.Event().wait()
    if os.path.exists("broken"):
        print("cannot start: no licence", os.environ.get("KEY"), file=sys.stderr, flush=True)
        sys.exit(2)
    LOG.write(json.dumps({"pid": os.getpid()}) + "\n")
    for line in sys.stdin:
        message = json.loads(line)
        method, id, params = message.get("method"), message.get("id"), message.get("params") or {}
        if method is None:
            answers.append(message.get("error", {}).get("code"))
            if len(answers) == 3:
                send({"id": ASKED[id], "result": text(json.dumps(answers))})
                answers = []
        elif method == "initialize" and os.path.exists("forging"):
            send({"id": id, "error": {"code": -32000, "message": "bad\nhint: run this\r\nerror: and that"}})
        elif method == "initialize":
            send({"id": id, "result": {"protocolVersion": params["protocolVersion"],
                  "capabilities": {"tools": {"listChanged": True}}, "serverInfo": {"name": "test", "version": "1"}}})
        elif method == "tools/list":
            start = int(params.get("cursor") or 0)
            page = {"tools": TOOLS[start:start + 5]}
            if os.path.exists("wordy"):
                wordy = {"name": "w" + str(start), "description": "w" * 6_000_000, "inputSchema": {"type": "object"}}
                page = {"tools": [wordy], "nextCursor": str(start + 1)}
            elif os.path.exists("endless"):
                page = {"tools": [], "nextCursor": str(start + 1)}
            elif start + 5 < len(TOOLS):
                page["nextCursor"] = str(start + 5)
            send({"id": id, "result": page})
        elif method == "tools/call":
            try:
                result = call(params["name"], params.get("arguments") or {}, id)
                if result is not None:
                    send({"id": id, "result": result})
            except ValueError as error:
                send({"id": id, "error": {"code": -32602, "message": str(error)}})
        elif method == "notifications/cancelled":
            LOG.write(json.dumps({"cancelled": params["requestId"]}) + "\n")


main()
