//! Toolboxes: what they refuse, and what they cost.

use crate::plain::Fixed;
use crate::support::{echo, toolbox};
use memex_host_tools::{Form, Tool, Toolbox};
use serde_json::{Value, json};
use std::sync::Arc;

fn refusal(tools: Vec<Arc<dyn Tool>>) -> String {
    Toolbox::builder()
        .tools(tools)
        .build()
        .unwrap_err()
        .to_string()
}

#[test]
fn bad_names_are_refused() {
    let long = "x".repeat(129);
    for (name, reason) in [
        ("", "it is empty"),
        (long.as_str(), "it is longer than 128 bytes"),
        (
            "a b",
            "a tool's name is made of ASCII letters, digits and `_ - . : /`",
        ),
        (
            "naïve",
            "a tool's name is made of ASCII letters, digits and `_ - . : /`",
        ),
        (
            "a*",
            "a tool's name is made of ASCII letters, digits and `_ - . : /`",
        ),
    ] {
        let error = refusal(vec![echo(name, json!({}), None)]);
        assert!(error.ends_with(reason), "{error}");
    }
    assert_eq!(
        refusal(vec![echo("a", json!({}), None), echo("a", json!({}), None)]),
        "the toolbox has two tools called `a`; rename or remove one of them"
    );
}

#[test]
fn bad_schemas_are_refused_by_place() {
    let mut deep = json!({});
    for _ in 0..70 {
        deep = json!({ "items": deep });
    }
    let wide: Vec<Value> = (0..60_000).map(|n| json!(n)).collect();
    let mut doubling = serde_json::Map::new();
    for n in 0..7 {
        let next = json!({ "$ref": format!("#/$defs/{}", n + 1) });
        doubling.insert(n.to_string(), json!({ "anyOf": [next, next, next, next] }));
    }
    doubling.insert("7".to_owned(), json!({}));
    let mut chain = serde_json::Map::new();
    for n in 0..200 {
        chain.insert(
            n.to_string(),
            json!({ "$ref": format!("#/$defs/{}", n + 1) }),
        );
    }
    chain.insert("200".to_owned(), json!({}));
    let cases = [
        (
            json!(1),
            "at its root: the arguments of a tool are an object",
        ),
        (
            json!({ "type": "array" }),
            "at `/type`: the arguments of a tool are an object",
        ),
        (
            json!({ "properties": [] }),
            "at `/properties`: it is no object of schemas",
        ),
        (
            json!({ "properties": { "a/b": 3 } }),
            "at `/properties/a~1b`: a schema is an object or a boolean",
        ),
        (
            json!({ "properties": { "a": { "type": "text" } } }),
            "at `/properties/a/type`: \"text\" is no type",
        ),
        (
            json!({ "properties": { "a": { "required": true } } }),
            "at `/properties/a/required`: it is a boolean; list the names of required properties in the object instead",
        ),
        (
            json!({ "anyOf": {} }),
            "at `/anyOf`: it is no array of schemas",
        ),
        (
            json!({ "properties": { "a": { "enum": "x" } } }),
            "at `/properties/a/enum`: it is no array of values",
        ),
        (
            json!({ "properties": { "a": { "pattern": 1 } } }),
            "at `/properties/a/pattern`: it is no text",
        ),
        (
            json!({ "properties": { "a": { "$ref": "#/$defs/A" } } }),
            "at `/properties/a/$ref`: \"#/$defs/A\" leads nowhere",
        ),
        (
            json!({ "properties": { "a": { "$ref": "https://example.com/a.json" } } }),
            "at `/properties/a/$ref`: \"https://example.com/a.json\" leads out of the schema; put what it names into `$defs`",
        ),
        (
            json!({ "properties": { "a": { "$ref": "file:///etc/passwd" } } }),
            "leads out of the schema; put what it names into `$defs`",
        ),
        (
            json!({ "$ref": "#" }),
            "at its root: it refers to itself without end",
        ),
        (
            json!({ "$defs": { "A": { "anyOf": [{ "$ref": "#/$defs/A" }] } } }),
            "at `/$defs/A`: it refers to itself without end",
        ),
        (
            deep,
            "at its root: it is nested deeper than 64; use `$defs` and `$ref`",
        ),
        (
            json!({ "properties": { "\u{1b}[31m": 3 } }),
            "at `/properties/\\u{1b}[31m`: a schema is an object or a boolean",
        ),
        (
            json!({ "type": "object", "items": { "type": "strng" } }),
            "at `/items/type`: \"strng\" is no type; did you mean `string`?",
        ),
        (
            json!({ "enum": wide }),
            "at its root: it has more than 50000 values",
        ),
        (
            json!({ "$ref": "#/$defs/0", "$defs": doubling }),
            "more than 10000 schemas apply to one value",
        ),
        (
            json!({ "$ref": "#/$defs/0", "$defs": chain }),
            "more than 16 schemas refer to each other",
        ),
    ];
    for (schema, expected) in cases {
        let error = refusal(vec![echo("t", schema.clone(), None)]);
        let start = "the parameters schema of the tool `t` cannot be used: ";
        assert!(
            error.starts_with(start) && error.ends_with(expected),
            "{error}"
        );
    }
    let error = refusal(vec![echo("t", json!({}), Some(json!({ "type": 3 })))]);
    assert_eq!(
        error,
        "the returns schema of the tool `t` cannot be used: at `/type`: 3 is no type"
    );
}

#[test]
fn recursion_through_values_is_fine() {
    let tree = json!({
        "properties": { "tree": { "$ref": "#/$defs/A%20tree" } },
        "$defs": { "A tree": {
            "type": "object",
            "properties": { "children": { "type": "array", "items": { "$ref": "#/$defs/A%20tree" } } },
        } },
    });
    let tools = toolbox(vec![echo("t", tree, None)]);
    tools.compile().unwrap();
    let signature = tools.get("t").unwrap().definition().signature();
    assert_eq!(signature, "def t(tree: ATree = None)");
}

#[test]
fn identifiers_are_valid_and_unique() {
    let names = [
        "x-y",
        "x_y",
        "x.y",
        "class",
        "class_",
        "9lives",
        "a/b:c",
        "None",
        "__debug__",
    ];
    let tools = toolbox(
        names
            .iter()
            .map(|name| echo(name, json!({}), None))
            .collect(),
    );
    let identifiers: Vec<&str> = tools.iter().map(|entry| entry.identifier()).collect();
    assert_eq!(
        identifiers,
        [
            "x_y_2",
            "x_y",
            "x_y_3",
            "class__2",
            "class_",
            "_9lives",
            "a_b_c",
            "None_",
            "__debug___"
        ]
    );
    for entry in &tools {
        let found = tools.by_identifier(entry.identifier()).unwrap();
        assert_eq!(found.spec().name, entry.spec().name);
    }
    assert!(tools.get("x-z").is_none());
    assert!(tools.by_identifier("x-y").is_none());
}

#[test]
fn large_toolboxes_are_searched_and_written_out() {
    let tools = (0..2_000).map(|n| Fixed::tool(&format!("tool_{n}"), json!(n), vec![]));
    let tools = toolbox(tools.collect());
    let found = tools.search("tool 1234", 3, |_| true);
    assert_eq!(found[0].spec().name, "tool_1234");
    assert_eq!(found.len(), 3);
    assert_eq!(tools.search("tool", 5, |name| name == "tool_7").len(), 1);
    assert!(tools.search("", 5, |_| true).is_empty());
    assert_eq!(
        tools
            .stub(Form::Compact)
            .lines()
            .filter(|l| l.starts_with("def "))
            .count(),
        2_000
    );
    assert_eq!(tools.close_matches("tool_12345", |_| true)[0], "tool_1234");
    assert_eq!(tools.clone().len(), 2_000);
}
