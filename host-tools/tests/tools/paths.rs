//! Schemas through which there are too many paths: nothing walks them.

use crate::support::{Session, echo, head};
use memex_channel::OP_CALL;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Far less than what walking all paths takes, and more than a slow machine needs.
const SOON: Duration = Duration::from_secs(10);

fn called(schema: &Value, argument: &Value) -> Result<Value, String> {
    let mut session = Session::new(vec![echo("t", schema.clone(), None)]);
    let call = json!({ "tool": "t", "arguments": { "a": argument } }).to_string();
    head(&session.frame(OP_CALL, call.as_bytes(), &[]))
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!([]), |inner, _| json!([inner]))
}

#[test]
fn paths_that_double_with_each_level_are_not_walked() {
    let again = |more: &str| {
        let mut schema = json!({ "items": { "$ref": "#/$defs/t" } });
        schema[more] = json!(1);
        schema
    };
    let recursive = json!({
        "properties": { "a": { "$ref": "#/$defs/t" } },
        "$defs": { "t": {
            "type": "array", "minItems": 1, "anyOf": [again("maxItems"), again("minItems")],
        } },
    });
    // Each definition leads to the next one twice, and none to itself.
    let mut definitions = serde_json::Map::new();
    for n in 0..60 {
        let next = json!({ "items": { "$ref": format!("#/$defs/{}", n + 1) } });
        definitions.insert(n.to_string(), json!({ "allOf": [next, next] }));
    }
    definitions.insert("60".to_owned(), json!({}));
    let chain = json!({
        "properties": { "a": { "$ref": "#/$defs/0" } }, "$defs": definitions,
    });
    let began = Instant::now();
    for schema in [&recursive, &chain] {
        let refused = called(schema, &nested(60)).unwrap_err();
        assert_eq!(
            refused,
            "ValueError: t: it takes more than 8000000 steps to hold the arguments against their \
             schema; pass less at a time, or nest it less deeply"
        );
    }
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    // The control: where there are fewer paths, they are walked, and a fault has its place.
    assert!(called(&chain, &nested(12)).is_ok());
    let fault = called(&recursive, &nested(3)).unwrap_err();
    assert!(fault.starts_with("ValueError: t: a[0][0][0]: "), "{fault}");
}

#[test]
fn faults_of_alternatives_are_gathered_up_to_a_bound() {
    let schema = json!({ "properties": { "a": { "anyOf": [
        { "type": "array", "items": { "type": "integer" } },
        { "type": "null" },
    ] } } });
    let texts = |count: usize| json!(vec!["x"; count]);
    assert_eq!(
        called(&schema, &texts(100)).unwrap_err(),
        "TypeError: t: a[0]: expected int, got str \"x\""
    );
    assert_eq!(
        called(&schema, &texts(200_000)).unwrap_err(),
        "ValueError: t: arguments: they fit none of the allowed forms, and are too many to say \
         where; pass less at a time"
    );
    // What fits is as long as it may be.
    assert!(called(&schema, &json!(vec![1; 200_000])).is_ok());
}

#[test]
fn references_lead_by_paths_from_the_root_alone() {
    let refused = |schema: Value| {
        let tools = vec![echo("t", schema, None)];
        let built = memex_host_tools::Toolbox::builder().tools(tools).build();
        built.unwrap_err().to_string()
    };
    for key in ["$dynamicRef", "$recursiveRef"] {
        let error = refused(json!({ "properties": { "a": { key: "#" } } }));
        assert!(
            error.contains("it is not supported; write `$ref`"),
            "{error}"
        );
    }
    // A name of a part does not change where a path leads.
    let schema = json!({
        "properties": { "a": {
            "$id": "https://example.com/part", "$ref": "#/$defs/t", "$defs": { "t": false },
        } },
        "$defs": { "t": { "type": "integer" } },
    });
    assert!(called(&schema, &json!(1)).is_ok());
    assert!(called(&schema, &json!("x")).is_err());
}
