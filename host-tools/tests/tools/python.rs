//! Schemas as Python: always valid, and readable where they are good.

mod any_schema;

use crate::support::{echo, echo_of, toolbox};
use memex_host_tools::{Blob, Form, Table, Tool, ToolError, ToolSpec, immediate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Executes sources as the guest does and resolves every annotation; calls each
/// function without arguments where it can be.
const CHECK: &str = r#"
import ast, json, sys, types, typing
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from uuid import UUID
import __future__
flags = __future__.annotations.compiler_flag
class Record: pass
class DataFrame: pass
REQUIRED = object()
def field(name, default=REQUIRED):
    assert type(name) is str
    return default
for tool, identifier, keys, source, compact, full in json.load(sys.stdin):
    try:
        calls = []
        names = dict(Record=Record, field=field, Enum=Enum, Literal=typing.Literal, Any=typing.Any,
            date=date, datetime=datetime, time=time, Decimal=Decimal, UUID=UUID, DataFrame=DataFrame,
            _call=lambda *arguments: calls.append(arguments))
        before = set(names)
        exec(compile(source, "tool", "exec", flags, dont_inherit=True), names)
        function = names[identifier]
        assert isinstance(function, types.FunctionType)
        for defined in [names[name] for name in names if name not in before | {"__builtins__"}]:
            assert isinstance(defined, type) or defined is function, defined
            if isinstance(defined, type) and issubclass(defined, Record):
                for annotation in defined.__annotations__.values():
                    eval(annotation, dict(names))
        for annotation in function.__annotations__.values():
            eval(annotation, dict(names))
        code = function.__code__
        count = code.co_argcount + code.co_kwonlyargcount
        assert code.co_argcount <= 5
        function(**{name: index for index, name in enumerate(code.co_varnames[:count])})
        (name, arguments, called), = calls
        assert name == tool and called is function
        assert sorted(arguments) == sorted(keys), (arguments, keys)
        assert sorted(arguments.values()) == list(range(count))
        for stub in compact, full:
            body = ast.parse(stub).body
            assert isinstance(body[-1], ast.FunctionDef) and body[-1].name == identifier
            assert [type(node) for node in body[:-1]].count(ast.ClassDef) == len(body) - 1
    except BaseException as error:
        print(source, "\n----\n", full)
        raise
print("checked")
"#;

fn check(tools: &[Arc<dyn Tool>]) {
    let cases: Vec<Value> = tools
        .iter()
        .map(|tool| {
            let toolbox = toolbox(vec![Arc::clone(tool)]);
            let entry = toolbox.iter().next().unwrap();
            let spec = entry.spec();
            let mut keys: Vec<&str> = Vec::new();
            if let Some(properties) = spec.parameters["properties"].as_object() {
                keys.extend(properties.keys().map(String::as_str));
            }
            let required = spec.parameters["required"].as_array();
            keys.extend(required.into_iter().flatten().filter_map(Value::as_str));
            keys.sort_unstable();
            keys.dedup();
            json!([
                spec.name,
                entry.identifier(),
                keys,
                entry.source(),
                entry.stub(Form::Compact),
                entry.stub(Form::Full),
            ])
        })
        .collect();
    let mut python = Command::new("python3")
        .args(["-c", CHECK])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let input = Value::from(cases).to_string();
    let mut stdin = python.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = python.wait_with_output().unwrap();
    // A check that fails early does not read on; its output says more.
    let _ = writer.join().unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success() && out.ends_with("checked\n"),
        "{out}{err}"
    );
}

#[derive(Deserialize, Serialize, JsonSchema)]
struct Search {
    /// What to look for.
    query: String,
    /// How many hits at most.
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 100))]
    limit: u32,
    /// Where to look.
    place: Option<Place>,
    #[serde(rename = "from")]
    since: Option<String>,
    tags: Vec<String>,
    near: Option<(f64, f64)>,
    #[serde(default)]
    filters: BTreeMap<String, Filter>,
    image: Option<Blob>,
}

fn ten() -> u32 {
    10
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Place {
    Web,
    Mail,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
enum Filter {
    Exact(String),
    Range { min: f64, max: f64 },
}

/// One thing that was found.
#[derive(Serialize, JsonSchema)]
struct Hit {
    /// Its title.
    title: String,
    score: Option<f64>,
    place: Place,
    #[serde(rename = "see-also")]
    see_also: Vec<Hit>,
    table: Option<Table>,
}

fn search() -> Arc<dyn Tool> {
    Arc::new(immediate(
        "search",
        "Searches the web and the mailbox. Takes a while.\n\nResults are ranked \"best first\".",
        |_, _: Search| Ok::<Vec<Hit>, ToolError>(Vec::new()),
    ))
}

fn forms(tool: Arc<dyn Tool>) -> String {
    check(std::slice::from_ref(&tool));
    let toolbox = toolbox(vec![tool]);
    let entry = toolbox.iter().next().unwrap();
    format!(
        "{}\n# ---- compact\n{}\n# ---- full\n{}",
        entry.source(),
        entry.stub(Form::Compact),
        entry.stub(Form::Full)
    )
}

#[test]
fn a_typed_function() {
    insta::assert_snapshot!(forms(search()));
}

#[test]
fn a_schema_as_servers_write_them() {
    let parameters = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "create_issueArguments",
        "type": "object",
        "properties": {
            "repo": { "type": "string", "title": "Repo", "description": "owner/name" },
            "body": { "anyOf": [{ "type": "string" }, { "type": "null" }], "default": null },
            "class": { "type": "string", "default": null },
            "labels": { "type": "array", "items": { "type": "string" }, "default": [] },
            "state": { "type": "string", "enum": ["open", "closed"], "default": "open" },
            "language": { "enum": ["c", "c++", "go", "java", "name", "python", "rust", "Rust", "1c", "", "_x_"] },
            "assignee": { "allOf": [{ "$ref": "#/definitions/User" }], "description": "Whose it is." },
            "due-date": { "type": "string", "format": "date-time", "nullable": true },
            "size": { "type": ["integer", "string", "null"] },
            "point": { "type": "array", "items": [{ "type": "number" }, { "type": "number" }] },
            "either": { "oneOf": [
                { "type": "object", "title": "ByName", "properties": { "name": { "type": "string" } }, "required": ["name"] },
                { "type": "object", "title": "ById", "properties": { "id": { "type": "integer" } }, "required": ["id"] },
            ] },
            "extra": { "type": "object", "additionalProperties": { "type": "number" } },
            "version": { "const": 2, "default": 2 },
            "anything": true,
        },
        "required": ["repo", "token"],
        "definitions": {
            "User": {
                "type": "object",
                "description": "A person.",
                "properties": {
                    "login": { "type": "string", "description": "The handle." },
                    "manager": { "$ref": "#/definitions/User" },
                    "_call": { "type": "boolean" },
                    "two words": { "type": "string" },
                },
                "required": ["login", "two words"],
            },
        },
    });
    let returns = json!({
        "allOf": [
            { "type": "object", "properties": { "id": { "type": "integer" } }, "required": ["id"] },
            { "properties": { "author": { "$ref": "#/$defs/User" }, "when": { "type": "string", "format": "date" } } },
        ],
        "description": "The issue as it was made.",
        "$defs": { "User": { "type": "object", "properties": { "name": { "type": "string" } } } },
    });
    let tool: Arc<dyn Tool> = echo("create-issue", parameters, Some(returns));
    insta::assert_snapshot!(forms(tool));
}

#[test]
fn types_of_schemas() {
    let cases = [
        (json!({}), "Any"),
        (json!(true), "Any"),
        (json!({ "type": "string" }), "str"),
        (json!({ "type": "integer", "nullable": true }), "int | None"),
        (json!({ "type": ["null", "number"] }), "float | None"),
        (json!({ "type": "string", "format": "uuid" }), "UUID"),
        (json!({ "type": "string", "format": "time" }), "time"),
        (json!({ "type": "string", "format": "decimal" }), "Decimal"),
        (json!({ "type": "string", "format": "email" }), "str"),
        (json!({ "type": "string", "format": "binary" }), "bytes"),
        (
            json!({ "type": "string", "contentEncoding": "base64" }),
            "bytes",
        ),
        (
            json!({ "type": "array", "x-memex-type": "table" }),
            "DataFrame",
        ),
        (json!({ "type": "object", "format": "table" }), "DataFrame"),
        (json!({ "type": "array" }), "list[Any]"),
        (json!({ "items": { "type": "integer" } }), "list[int]"),
        (
            json!({ "prefixItems": [{ "type": "integer" }, {}], "items": false }),
            "tuple[int, Any]",
        ),
        (
            json!({ "prefixItems": [{ "type": "integer" }], "items": { "type": "string" } }),
            "list[int | str]",
        ),
        (json!({ "prefixItems": [] }), "tuple[()]"),
        (json!({ "type": "object" }), "dict[str, Any]"),
        (
            json!({ "additionalProperties": { "type": "boolean" } }),
            "dict[str, bool]",
        ),
        (
            json!({ "type": "object", "patternProperties": { "^x": { "type": "integer" } } }),
            "dict[str, int]",
        ),
        (
            json!({ "enum": ["a", "b", null] }),
            "Literal[\"a\", \"b\"] | None",
        ),
        (json!({ "enum": [1, true, "x"] }), "Literal[1, True, \"x\"]"),
        (json!({ "enum": [1.5, 2.5] }), "float"),
        (json!({ "const": null }), "None"),
        (
            json!({ "anyOf": [{ "type": "integer" }, { "type": "integer" }] }),
            "int",
        ),
        (json!({ "anyOf": [{ "type": "integer" }, {}] }), "Any"),
        (
            json!({ "oneOf": [{ "type": "null" }, { "type": "string" }] }),
            "str | None",
        ),
        (
            json!({ "allOf": [{ "type": "string" }, { "minLength": 1 }] }),
            "str",
        ),
    ];
    for (schema, expected) in cases {
        let tool = echo("t", json!({}), Some(schema.clone()));
        check(std::slice::from_ref(&tool));
        let toolbox = toolbox(vec![tool]);
        let signature = toolbox.get("t").unwrap().definition().signature();
        assert_eq!(signature, format!("def t() -> {expected}"), "{schema}");
    }
}

#[test]
fn hostile_and_enormous_schemas_become_valid_python() {
    let nasty = [
        "\"\"\"; import os; os.system('x')\n\"\"\"",
        "'''\\",
        "ends with \"",
        "back\\slash \\N{BULLET} \\x \\u12 \\",
        "nul \0 bell \u{7} esc \u{1b}[31m del \u{7f} nel \u{85}",
        "\u{202e}rtl\u{2066} \u{2028}\u{2029} \u{feff} \u{e0041}",
        "\r\nline\rline\u{b}line\u{c}",
        "{x} %s ${y} #comment",
        "日本語 ünïcödé 🎉",
        "",
        "    ",
        "\\\n\"\"\"\\\"",
    ];
    let mut tools: Vec<Arc<dyn Tool>> = Vec::new();
    for text in nasty {
        let inner = json!({ "type": "object", "title": text, "description": text,
            "properties": { text: { "type": "string", "description": text, "default": text } } });
        let names: Vec<String> = (0..9).map(|n| format!("{text}{n}")).collect();
        tools.push(echo_of(ToolSpec {
            name: "x".to_owned(),
            description: text.to_owned(),
            parameters: json!({
                "properties": {
                    text: { "description": text, "default": text, "type": "string" },
                    "record": inner, "literal": { "const": text }, "many": { "enum": names },
                },
                "required": [format!("{text}!")],
            }),
            returns: Some(json!({ "description": text, "enum": [text] })),
            timeout: None,
        }));
    }
    let python_names = [
        "x",
        "_call",
        "self",
        "None",
        "def",
        "__class__",
        "__x",
        "_",
        "__",
        "str",
        "Record",
        "field",
        "Enum",
        "arguments",
        "mro",
        "name",
        "value",
        "match",
        "print",
        "x_2",
        "x-2",
        "X 2",
        "1",
        "é",
        "_1",
    ];
    let properties: serde_json::Map<String, Value> = python_names
        .iter()
        .map(|name| {
            let property = json!({ "title": name, "type": "object",
                "properties": { *name: { "enum": python_names } } });
            ((*name).to_owned(), property)
        })
        .collect();
    tools.push(echo(
        "x",
        json!({ "properties": properties }),
        Some(json!({ "properties": properties })),
    ));
    for name in ["Any", "Record", "ValueError", "str", "class", "x-y"] {
        let schema = json!({ "properties": { name: { "$ref": format!("#/$defs/{name}") } },
            "$defs": { name: { "type": "object", "properties": { name: { "$ref": format!("#/$defs/{name}") } } } } });
        tools.push(echo(name, schema.clone(), Some(schema)));
    }
    let many: serde_json::Map<String, Value> = (0..5_000)
        .map(|n| {
            (
                format!("p{n}"),
                json!({ "properties": { "a": { "type": "string" } } }),
            )
        })
        .collect();
    tools.push(echo(
        "x",
        json!({ "properties": many }),
        Some(json!({ "properties": many })),
    ));
    let values: Vec<String> = (0..1_000).map(|n| format!("v{n}")).collect();
    tools.push(echo("x", json!({}), Some(json!({ "enum": values }))));
    let mut deep = json!({ "type": "string" });
    for _ in 0..30 {
        deep = json!({ "type": "array", "items": deep });
    }
    tools.push(echo("x", json!({}), Some(deep)));
    let looped = json!({ "$ref": "#/$defs/A", "$defs": {
        "A": { "type": "array", "items": { "$ref": "#/$defs/B" } },
        "B": { "anyOf": [{ "type": "object", "additionalProperties": { "$ref": "#/$defs/A" } }, { "type": "null" }] } } });
    tools.push(echo("x", json!({}), Some(looped)));
    check(&tools);
}

#[test]
fn other_arguments_are_taken_by_name() {
    let open = json!({ "properties": { "a": { "type": "integer" } }, "additionalProperties": { "type": "string" } });
    let toolbox = toolbox(vec![echo("t", open, None)]);
    let source = toolbox.get("t").unwrap().source();
    assert!(
        source.starts_with("def t(a: int = None, **arguments: str):\n"),
        "{source}"
    );
    assert!(
        source.contains("_call(\"t\", {\"a\": ... if a is None else a, **arguments}, t)"),
        "{source}"
    );
}

#[test]
fn arguments_of_several_forms_are_all_optional() {
    let forms = json!({ "oneOf": [
        { "properties": { "id": { "type": "integer" } }, "required": ["id"] },
        { "$ref": "#/$defs/Named" },
    ], "$defs": { "Named": { "properties": { "name": { "type": "string" } }, "required": ["name"] } } });
    let toolbox = toolbox(vec![echo("t", forms, None)]);
    let signature = toolbox.get("t").unwrap().definition().signature();
    assert_eq!(signature, "def t(id: int = None, name: str = None)");
}
