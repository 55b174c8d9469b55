//! A call of the guest, up to the tool: what is admitted is no larger than its
//! frame and has the parts that it names; what is refused is refused in words.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_channel::Frame;
use memex_host_tools::fuzzing::{Gated, gate};
use memex_host_tools::{Answer, Arguments, CallContext, Tool, ToolFuture, ToolSpec, Toolbox};
use memex_policies::ToolGrants;
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};

fuzz_target!(|bytes: &[u8]| {
    static SETUP: OnceLock<(Toolbox, ToolGrants)> = OnceLock::new();
    let (toolbox, grants) = SETUP.get_or_init(|| (toolbox(), grants()));
    match gate(toolbox, grants, bytes) {
        Gated::Admitted(arguments) => {
            let parts: usize = arguments.parts.iter().map(Vec::len).sum();
            let frame = Frame::decode(bytes).expect("it was admitted");
            assert_eq!(arguments.parts.len(), frame.parts.len());
            assert!(parts <= bytes.len());
            // A long text comes from one part, and no part counts twice.
            let texts = long_texts(&Value::Object(arguments.json));
            assert!(texts <= bytes.len());
        }
        Gated::Answered(reply) => assert!(reply.ok || !reply.head.is_empty()),
        Gated::Refused(reason) => assert!(!reason.is_empty()),
    }
});

fn long_texts(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(long_texts).sum(),
        Value::Object(map) => map.values().map(long_texts).sum(),
        _ => 0,
    }
}

fn grants() -> ToolGrants {
    ToolGrants {
        allow: vec!["*".to_owned()],
        deny: vec!["hidden".to_owned()],
    }
}

fn toolbox() -> Toolbox {
    let object = |properties: Value| json!({"type": "object", "properties": properties});
    let node = json!({
        "type": "object",
        "properties": {"node": {"$ref": "#/$defs/node"}},
        "$defs": {"node": {"type": "object", "properties": {
            "next": {"$ref": "#/$defs/node"},
            "value": {"anyOf": [{"type": "integer"}, {"type": "string", "maxLength": 8}]},
        }}},
    });
    let tools = [
        ("any", object(json!({}))),
        (
            "typed",
            json!({
                "type": "object",
                "properties": {
                    "n": {"type": "integer", "minimum": 0},
                    "s": {"type": "string", "pattern": "^a+$"},
                    "l": {"type": "array", "items": {"type": "number"}, "uniqueItems": true},
                    "e": {"enum": ["x", "y", 3]},
                },
                "required": ["n"],
                "additionalProperties": false,
            }),
        ),
        ("tree", node),
        ("hidden", object(json!({}))),
    ];
    let tools = tools.into_iter().map(|(name, parameters)| {
        let spec = ToolSpec {
            name: name.to_owned(),
            description: format!("Does {name}."),
            parameters,
            returns: None,
            timeout: None,
        };
        Arc::new(Silent(spec)) as Arc<dyn Tool>
    });
    Toolbox::builder().tools(tools).build().expect("a toolbox")
}

struct Silent(ToolSpec);

impl Tool for Silent {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn call(&self, _: CallContext, _: Arguments) -> ToolFuture {
        Box::pin(std::future::ready(Ok(Answer::default())))
    }
}
