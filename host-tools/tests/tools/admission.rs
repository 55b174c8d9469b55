//! What is let through: names, grants, budgets, arguments.

use crate::plain::Fixed;
use crate::support::{Session, echo, head, head as head_of, runtime, toolbox};
use memex_channel::OP_CALL;
use memex_host_tools::{Broker, Budget};
use memex_policies::ToolGrants;
use serde_json::json;

#[test]
fn unknown_tools_are_told_with_near_names_that_are_granted() {
    let tools = ["search_web", "search_mail", "secret_search"];
    let tools: Vec<_> = tools.map(|name| Fixed::tool(name, json!(1), vec![])).into();
    let runtime = runtime();
    let grants = ToolGrants {
        allow: vec!["search_*".to_owned()],
        deny: vec!["search_mail".to_owned()],
    };
    let broker = Broker::builder(toolbox(tools), grants, runtime.handle().clone()).build();
    let mut session = Session::around(broker, runtime);
    assert_eq!(session.call("search_web", json!({})), Ok(json!(1)));
    let cases = [
        (
            "search_wep",
            "NameError: there is no tool called \"search_wep\"; did you mean search_web?",
        ),
        ("zzz", "NameError: there is no tool called \"zzz\""),
        (
            "search_mail",
            "PermissionError: search_mail: the policy of this session does not grant this tool",
        ),
        (
            "secret_search",
            "PermissionError: secret_search: the policy of this session does not grant this tool",
        ),
    ];
    for (name, expected) in cases {
        assert_eq!(session.call(name, json!({})).unwrap_err(), expected);
    }
}

#[test]
fn calls_of_a_session_are_counted() {
    let budget = Budget {
        calls: 2,
        ..Budget::default()
    };
    let mut session = Session::with_budget(vec![Fixed::tool("one", json!(1), vec![])], budget);
    assert!(session.call("one", json!({})).is_ok());
    assert!(session.call("nothing", json!({})).is_err());
    assert!(session.call("one", json!({})).is_ok());
    assert_eq!(
        session.call("one", json!({})).unwrap_err(),
        "PermissionError: one: this session has made its 2 tool calls"
    );
}

#[test]
fn integers_that_do_not_fit_are_refused_by_name() {
    let any =
        json!({ "type": "object", "properties": { "n": {}, "whole": { "type": "integer" } } });
    let mut session = Session::new(vec![echo("t", any, None)]);
    let mut call = |arguments: &str| {
        let head = format!(r#"{{"tool":"t","arguments":{arguments}}}"#);
        let reply = session.frame(OP_CALL, head.as_bytes(), &[]);
        head_of(&reply)
    };
    // The control: what fits comes back as it was.
    for fits in [
        "18446744073709551615",
        "-9223372036854775808",
        "1e+25",
        "0.5",
    ] {
        let back = call(&format!(r#"{{"n":[{fits}]}}"#)).unwrap();
        assert_eq!(back["result"]["n"][0].to_string(), fits);
    }
    for (arguments, name, digits) in [
        (r#"{"n":18446744073709551616}"#, "n", "18446744073709551616"),
        (
            r#"{"whole":-9223372036854775809}"#,
            "whole",
            "-9223372036854775809",
        ),
        (
            r#"{"whole":1,"n":[0,{"a":10000000000000000000000000}]}"#,
            "n",
            "10000000000000000000000000",
        ),
    ] {
        let expected = format!(
            "ValueError: t: {name}: the integer {digits} has more than 64 bits, and would become another number; pass it as text: str(…)"
        );
        assert_eq!(call(arguments), Err(expected));
    }
}

#[test]
fn calls_are_bounded_in_bytes() {
    let budget = Budget {
        answer_bytes: 100,
        ..Budget::default()
    };
    let mut session = Session::with_budget(vec![Fixed::tool("one", json!(1), vec![])], budget);
    let call = br#"{"tool":"one","arguments":{}}"#;
    let fits = vec![0; 100 - call.len()];
    assert!(session.frame(OP_CALL, call, &[&fits]).ok);
    let large = vec![0; 101 - call.len()];
    assert_eq!(
        head(&session.frame(OP_CALL, call, &[&large])).unwrap_err(),
        "PermissionError: one: the call has 101 bytes, of 100 allowed; send less at a time"
    );
}

/// The text `{"":0}` takes hundreds of bytes as a value. It is refused before it is parsed.
#[test]
fn a_call_is_bounded_by_what_it_takes_as_values() {
    let mut session = Session::new(vec![Fixed::tool("one", json!(1), vec![])]);
    let call = |count: usize| {
        let values = vec!["{\"\":0}"; count].join(",");
        format!(r#"{{"tool":"one","arguments":{{"v":[{values}]}}}}"#).into_bytes()
    };
    assert!(session.frame(OP_CALL, &call(10_000), &[]).ok);
    let refused = head(&session.frame(OP_CALL, &call(400_000), &[])).unwrap_err();
    assert!(
        refused.starts_with("ValueError: the call takes 3"),
        "{refused}"
    );
    assert!(
        refused.ends_with(" bytes as values, of 268435456 allowed; send less at a time"),
        "{refused}"
    );
}

#[test]
fn arguments_must_fit_the_schema() {
    let schema = json!({
        "type": "object",
        "properties": {
            "query": { "type": "string", "minLength": 1, "maxLength": 5 },
            "limit": { "type": "integer", "minimum": 1, "maximum": 10 },
            "mode": { "enum": ["fast", "slow"] },
            "code": { "type": "string", "pattern": "^[a-z]+$" },
            "many": { "type": "array", "items": { "type": "integer" }, "maxItems": 2 },
            "deep": { "$ref": "#/$defs/Deep" },
            "either": { "anyOf": [{ "type": "integer" }, { "type": "null" }] },
            "slow": { "type": "string", "pattern": "^(?=(a+)+$)(a+)+b$" },
            "data": { "type": "string", "format": "binary" },
            "old": { "type": "string", "contentEncoding": "base64" },
            "frame": { "type": "object", "x-memex-type": "table", "required": ["rows"] },
            "day": { "type": "string", "format": "date" },
            "other": { "type": "string", "format": "of-nobody" },
        },
        "required": ["query"],
        "additionalProperties": false,
        "$defs": {
            "Deep": {
                "type": "object",
                "properties": {
                    "path": { "type": "array", "items": { "$ref": "#/$defs/Leaf" } },
                },
                "additionalProperties": false,
            },
            "Leaf": { "type": "object", "properties": { "x": { "type": "number" } }, "required": ["x"] },
        },
    });
    let mut session = Session::new(vec![echo("echo", schema, None)]);
    let cases = [
        (
            json!({}),
            "TypeError: echo: query: it is required and missing",
        ),
        (
            json!({ "querry": "a" }),
            "TypeError: echo: querry: there is no such field",
        ),
        (
            json!({ "query": 1 }),
            "TypeError: echo: query: expected str, got int 1",
        ),
        (
            json!({ "query": null }),
            "TypeError: echo: query: expected str, got None",
        ),
        (
            json!({ "query": { "$part": 0 } }),
            "TypeError: echo: query: expected str, got bytes",
        ),
        (
            json!({ "query": "" }),
            "ValueError: echo: query: it must have at least 1 character",
        ),
        (
            json!({ "query": "123456" }),
            "ValueError: echo: query: it must have at most 5 characters",
        ),
        (
            json!({ "query": "a", "limit": 0 }),
            "ValueError: echo: limit: 0 is not at least 1",
        ),
        (
            json!({ "query": "a", "limit": 11 }),
            "ValueError: echo: limit: 11 is not at most 10",
        ),
        (
            json!({ "query": "a", "limit": 1.5 }),
            "TypeError: echo: limit: expected int, got float 1.5",
        ),
        (
            json!({ "query": "a", "mode": "x" }),
            "ValueError: echo: mode: \"x\" is not one of \"fast\", \"slow\"",
        ),
        (
            json!({ "query": "a", "code": "A" }),
            "ValueError: echo: code: \"A\" does not match \"^[a-z]+$\"",
        ),
        (
            json!({ "query": "a", "many": [1, "2"] }),
            "TypeError: echo: many[1]: expected int, got str \"2\"",
        ),
        (
            json!({ "query": "a", "many": [1, 2, 3] }),
            "ValueError: echo: many: it must have at most 2 items",
        ),
        (
            json!({ "query": "a", "deep": { "path": [{ "x": 1 }, {}] } }),
            "TypeError: echo: deep.path[1].x: it is required and missing",
        ),
        (
            json!({ "query": "a", "deep": { "pith": 1 } }),
            "TypeError: echo: deep.pith: there is no such field",
        ),
        (
            json!({ "query": "a", "either": "x" }),
            "TypeError: echo: either: expected int or None, got str \"x\"",
        ),
        (
            json!({ "query": "a", "slow": format!("{}!", "a".repeat(5_000)) }),
            "ValueError: echo: slow: ",
        ),
        (
            json!({ "query": "a", "day": "2023-02-29" }),
            "ValueError: echo: day: \"2023-02-29\" is not a date such as 2024-12-31",
        ),
        (
            json!({ "query": "a", "data": 1 }),
            "TypeError: echo: data: expected dict or str, got int 1",
        ),
    ];
    for (arguments, expected) in cases {
        let call = json!({ "tool": "echo", "arguments": arguments }).to_string();
        let refusal = head(&session.frame(OP_CALL, call.as_bytes(), &[b"x"])).unwrap_err();
        assert!(refusal.starts_with(expected), "{arguments}: {refusal}");
        assert!(refusal.len() < 1_000, "{refusal}");
    }
    let column = json!({ "name": "a", "type": "int8", "data": 0 });
    let fitting = [
        json!({ "query": "a", "either": null, "many": [1, 2], "mode": "fast", "limit": 10 }),
        json!({ "query": "a", "data": { "$part": 0 }, "old": { "$part": 1 } }),
        json!({ "query": "a", "data": "text", "old": "eA==" }),
        json!({ "query": "a", "frame": { "$table": { "rows": 1, "columns": [column] } } }),
        json!({ "query": "a", "frame": { "rows": [] } }),
        json!({ "query": "a", "day": "2024-02-29", "other": "any text" }),
    ];
    for arguments in fitting {
        let call = json!({ "tool": "echo", "arguments": arguments }).to_string();
        let reply = session.frame(OP_CALL, call.as_bytes(), &[b"x", b"y"]);
        assert_eq!(head(&reply), Ok(json!({ "result": arguments })));
    }
}

#[test]
fn parts_must_be_there() {
    let mut session = Session::new(vec![echo("echo", json!({}), None)]);
    for arguments in [
        json!({ "a": { "$part": 1 } }),
        json!({ "a": [[{ "$part": -1 }]] }),
        json!({ "a": { "$part": 1e30 } }),
        json!({ "a": { "$table": { "columns": [{ "data": 7 }] } } }),
        json!({ "a": { "$table": 3 } }),
    ] {
        let call = json!({ "tool": "echo", "arguments": arguments }).to_string();
        let refusal = head(&session.frame(OP_CALL, call.as_bytes(), &[b"x"])).unwrap_err();
        assert!(refusal.starts_with("ValueError: echo: {\"$"), "{refusal}");
    }
}

#[test]
fn a_schema_that_cannot_be_compiled_fails_the_call_alone() {
    let broken = json!({ "properties": { "a": { "type": "string", "pattern": "(" } } });
    let tools = toolbox(vec![echo("echo", broken.clone(), None)]);
    let error = tools.compile().unwrap_err().to_string();
    let start = "the parameters schema of the tool `echo` cannot be used: ";
    assert!(error.starts_with(start), "{error}");
    let mut session = Session::new(vec![
        echo("echo", broken, None),
        Fixed::tool("one", json!(1), vec![]),
    ]);
    assert_eq!(
        session.call("echo", json!({ "a": "x" })).unwrap_err(),
        "RuntimeError: echo: the schema of this tool cannot be used"
    );
    assert!(session.call("one", json!({})).is_ok());
}

#[test]
fn deep_arguments_against_deep_schemas_fit_a_small_stack() {
    // As many schemas for each value as a toolbox takes, and as deep as arguments go.
    let mut definitions = serde_json::Map::new();
    for n in 0..7 {
        let next = json!({ "$ref": format!("#/$defs/{}", n + 1) });
        definitions.insert(n.to_string(), json!({ "allOf": [next] }));
    }
    let items = json!({ "type": "array", "items": { "$ref": "#/$defs/0" } });
    definitions.insert("7".to_owned(), items);
    let schema = json!({
        "properties": { "a": { "$ref": "#/$defs/0" } }, "$defs": definitions,
    });
    let tool = echo("echo", schema, None);
    let run = move || {
        let mut session = Session::new(vec![tool]);
        let a = format!("{}{}", "[".repeat(65), "]".repeat(65));
        let call = format!(r#"{{"tool":"echo","arguments":{{"a":{a}}}}}"#);
        assert_eq!(
            head(&session.frame(OP_CALL, call.as_bytes(), &[])).unwrap_err(),
            "ValueError: echo: values are nested too deeply"
        );
        for (inner, fits) in [("[]", true), ("1", false)] {
            let a = format!("{}{inner}{}", "[".repeat(63), "]".repeat(63));
            let call = format!(r#"{{"tool":"echo","arguments":{{"a":{a}}}}}"#);
            let reply = session.frame(OP_CALL, call.as_bytes(), &[]);
            assert_eq!(reply.ok, fits, "{:?}", head(&reply));
        }
    };
    let thread = std::thread::Builder::new().stack_size(1 << 20);
    thread.spawn(run).unwrap().join().unwrap();
}

#[test]
fn nulls_stand_for_fields_that_may_be_left_out() {
    let item = json!({ "type": "object", "required": ["x"], "properties": {
        "x": { "type": "number" }, "label": { "type": "string" } } });
    let schema = json!({
        "type": "object",
        "properties": {
            "query": { "type": "string" },
            "limit": { "type": "integer" },
            "null": { "type": "string", "nullable": true },
            "mode": { "enum": ["fast", "slow"], "type": "string", "nullable": true },
            "owner": { "$ref": "#/$defs/Owner", "nullable": true },
            "items": { "type": "array", "items": item },
            "either": { "anyOf": [item, { "type": "integer" }] },
            "open": {},
        },
        "required": ["query"],
        "additionalProperties": false,
        "$defs": { "Owner": { "type": "object", "required": ["name"],
            "properties": { "name": { "type": "string" }, "mail": { "type": "string" } } } },
    });
    let mut session = Session::new(vec![echo("echo", schema, None)]);
    let many: Vec<_> = (0..1_000)
        .map(|x| json!({ "x": x, "label": null }))
        .collect();
    let fewer: Vec<_> = (0..1_000).map(|x| json!({ "x": x })).collect();
    let admitted = [
        (
            json!({ "query": "a", "limit": null }),
            json!({ "query": "a" }),
        ),
        (
            json!({ "query": "a", "items": many, "limit": null }),
            json!({ "query": "a", "items": fewer }),
        ),
        (
            json!({ "query": "a", "either": { "x": 1, "label": null } }),
            json!({ "query": "a", "either": { "x": 1 } }),
        ),
        (
            json!({ "query": "a", "owner": { "name": "b", "mail": null } }),
            json!({ "query": "a", "owner": { "name": "b" } }),
        ),
    ];
    for (given, expected) in admitted {
        assert_eq!(session.call("echo", given), Ok(expected));
    }
    // What the schema admits arrives.
    let nulls =
        json!({ "query": "a", "null": null, "mode": null, "owner": null, "open": { "a": null } });
    assert_eq!(session.call("echo", nulls.clone()), Ok(nulls));
    let refused = [
        (
            json!({ "query": null }),
            "TypeError: echo: query: expected str, got None",
        ),
        (
            json!({ "query": "a", "items": [null] }),
            "TypeError: echo: items[0]: expected dict, got None",
        ),
        (
            json!({ "query": "a", "items": [{ "x": null, "label": null }] }),
            "TypeError: echo: items[0].x: expected float, got None",
        ),
        (
            json!({ "query": "a", "other": null }),
            "TypeError: echo: other: there is no such field",
        ),
        (
            json!({ "query": "a", "null": 1 }),
            "TypeError: echo: null: expected None or str, got int 1",
        ),
    ];
    for (given, expected) in refused {
        assert_eq!(session.call("echo", given).unwrap_err(), expected);
    }
}
