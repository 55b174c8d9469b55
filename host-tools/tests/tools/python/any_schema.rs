//! Any schema is valid Python.

use super::check;
use crate::support::echo_of;
use memex_host_tools::{Tool, ToolSpec, Toolbox};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z_]{1,3}",
        ".{0,4}",
        Just("class".to_owned()),
        Just("_call".to_owned()),
        Just("\"\"\"".to_owned()),
        Just("\\".to_owned()),
        Just("x".to_owned()),
    ]
}

fn schema() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|b| json!(b)),
        any::<i64>().prop_map(|n| json!(n)),
        (-1e9..1e9).prop_map(|n: f64| json!(n)),
        word().prop_map(|s| json!(s)),
        Just(json!([])),
        Just(json!({})),
    ];
    let leaf = prop_oneof![
        Just(json!(true)),
        Just(json!({})),
        prop::sample::select(vec![
            "string", "integer", "number", "boolean", "null", "array", "object"
        ])
        .prop_map(|kind| json!({ "type": kind })),
        prop::sample::select(vec!["date", "date-time", "binary", "uuid", "table", "zzz"])
            .prop_map(|format| json!({ "type": "string", "format": format })),
        prop::collection::vec(scalar.clone(), 0..12).prop_map(|values| json!({ "enum": values })),
        scalar.clone().prop_map(|value| json!({ "const": value })),
        prop::sample::select(vec!["#/$defs/A", "#/$defs/B"]).prop_map(|to| json!({ "$ref": to })),
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        let some = prop::collection::vec(inner.clone(), 0..4);
        let named = prop::collection::btree_map(word(), inner.clone(), 0..4);
        prop_oneof![
            (named, prop::collection::vec(word(), 0..2), word(), any::<bool>()).prop_map(|(p, r, t, o)| {
                json!({ "type": "object", "properties": p, "required": r, "title": t, "description": t,
                    "additionalProperties": o })
            }),
            inner.clone().prop_map(|s| json!({ "type": "array", "items": s })),
            some.clone().prop_map(|s| json!({ "prefixItems": s })),
            inner.clone().prop_map(|s| json!({ "additionalProperties": s })),
            // References stand below a property or an item only, where they end.
            (some, prop::sample::select(vec!["anyOf", "oneOf", "allOf"]))
                .prop_map(|(s, key)| json!({ "items": { key: s } })),
            (inner, scalar.clone(), word()).prop_map(|(mut s, d, w)| {
                if let Some(s) = s.as_object_mut() {
                    s.insert("default".to_owned(), d);
                    s.insert("description".to_owned(), json!(w));
                    s.insert("nullable".to_owned(), json!(true));
                }
                s
            }),
        ]
    })
}

fn tool() -> impl Strategy<Value = Option<ToolSpec>> {
    let name = prop_oneof![
        "[a-z]{1,5}",
        "[a-zA-Z0-9_.:/-]{1,6}",
        Just("class".to_owned())
    ];
    let properties = prop::collection::btree_map(word(), schema(), 0..8);
    let required = prop::collection::vec(word(), 0..3);
    let definitions = (schema(), schema());
    (name, properties, required, definitions, schema(), word()).prop_map(
        |(name, properties, required, (a, b), returns, description)| {
            let definitions = json!({
                "A": { "type": "object", "properties": { "inner": a } },
                "B": { "type": "array", "items": b },
            });
            let parameters = json!({
                "type": "object", "properties": properties, "required": required, "$defs": definitions,
            });
            let mut returns = match returns {
                Value::Object(returns) => Value::Object(returns),
                _ => json!({}),
            };
            returns["$defs"] = definitions;
            let spec = ToolSpec { name, description, parameters, returns: Some(returns), timeout: None };
            // Schemas that never end are refused, which is tested elsewhere.
            let built = Toolbox::builder().tool(echo_of(spec.clone())).build();
            built.is_ok().then_some(spec)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_schema_is_valid_python(tools in prop::collection::vec(tool(), 40)) {
        let tools: Vec<Arc<dyn Tool>> = tools.into_iter().flatten().map(echo_of).collect();
        prop_assert!(tools.len() > 20, "most schemas are good ones");
        check(&tools);
    }
}
