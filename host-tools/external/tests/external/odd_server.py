"""An MCP server whose tools, pages and answers are a little off, as public servers' are."""

import json
import sys

PLAIN = {"type": "object", "properties": {"text": {"type": "string"}}}


def of(schema):
    return {"type": "object", "properties": {"v": schema, "text": {"type": "string"}}}


TOOLS = [
    {"name": "good", "description": "A good tool.", "inputSchema": PLAIN},
    {"name": "null_words", "description": None, "title": None, "annotations": None, "inputSchema": {**of({"type": "string", "description": None, "enum": None, "items": None}), "required": None, "$defs": None}},
    {"name": "no_schema"},
    {"name": "null_schema", "inputSchema": None},
    {"name": "odd_description", "description": 7, "icons": "none", "inputSchema": PLAIN},
    {"name": "draft4", "inputSchema": of({"type": "number", "minimum": 0, "exclusiveMinimum": True})},
    {"name": "tuple", "inputSchema": of({"type": "array", "items": [{"type": "string"}, {"type": "integer"}]})},
    {"name": "pattern", "inputSchema": of({"type": "string", "pattern": "^[\\w-.]+$"})},
    {"name": "examples", "inputSchema": of({"type": "string", "examples": "abc"})},
    {"name": "dialect", "inputSchema": {**of({"$ref": "http://here/schema#/definitions/A"}), "$schema": "http://there/other", "$id": "http://here/schema", "definitions": {"A": {"type": "string"}}}},
    {"name": "twice", "inputSchema": {**PLAIN, "required": ["text", "text"]}},
    {"name": "default", "inputSchema": of({"enum": ["asc", "desc"], "default": "ascending"})},
    {"description": "It has no name.", "inputSchema": PLAIN},
    {"name": "列表", "inputSchema": PLAIN},
    {"name": "outside", "inputSchema": of({"$ref": "https://example.com/schema.json"})},
]
RAW = {
    "nan": '{"jsonrpc":"2.0","id":@,"result":{"content":[],"structuredContent":{"x":NaN}}}',
    "half": '{"jsonrpc":"2.0","id":@,"result":{"content":[{"type":"text","text":"cut \\ud83d"}]}}',
    "no message": '{"jsonrpc":"2.0","id":@,"error":{"code":-32000}}',
    "broken": '{"jsonrpc":"2.0","id":@,"result":{"content":[}}',
    "no result": '{"jsonrpc":"2.0","id":@}',
    "text id": '{"jsonrpc":"2.0","id":"@","result":{"content":[{"type":"text","text":"there"}]}}',
    "unpadded": '{"jsonrpc":"2.0","id":@,"result":{"content":[{"type":"image","data":"iVBORw0KGgo","mimeType":"image/png"},{"type":"text","text":"a caption"}]}}',
    "in lines": '{"jsonrpc":"2.0","id":@,"result":{"content":[{"type":"image","data":"iVBO\\nRw0K\\nGgo=\\n","mimeType":"image/png"}]}}',
    "null": '{"jsonrpc":"2.0","id":@,"result":{"content":null}}',
    "unknown": '{"jsonrpc":"2.0","id":@,"result":{"content":[{"type":"hologram","x":1},{"type":"text","text":"also"}]}}',
    "annotated": '{"jsonrpc":"2.0","id":@,"result":{"content":[{"type":"text","text":"hi","annotations":{"priority":"high"}}]}}',
    "json": '{"jsonrpc":"2.0","id":@,"result":{"content":[{"type":"text","text":"[{\\"name\\": \\"a\\"}]"}]}}',
    "number": '{"jsonrpc":"2.0","id":@,"result":{"content":[{"type":"text","text":"12"}]}}',
}

for line in sys.stdin:
    message = json.loads(line)
    id, method = message.get("id"), message.get("method")
    if id is None:
        continue
    if method == "initialize":
        result = {"protocolVersion": message["params"]["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": {"name": "odd", "version": "1"}}
    elif method == "tools/list":
        # The second page comes again and again.
        is_first = not (message.get("params") or {}).get("cursor")
        result = {"tools": TOOLS if is_first else [{"name": "second", "inputSchema": PLAIN}], "nextCursor": "p1"}
    elif method == "tools/call":
        said = message["params"].get("arguments", {}).get("text", "")
        if said in RAW:
            print(RAW[said].replace("@", str(id)), flush=True)
            continue
        result = {"content": [{"type": "text", "text": json.dumps(message["params"].get("arguments"))}]}
    else:
        result = {}
    print(json.dumps({"jsonrpc": "2.0", "id": id, "result": result}), flush=True)
