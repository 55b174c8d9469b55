//! The tools of a scratch.

use super::place::Scratch;
use super::store::own_parts;
use bytes::Bytes;
use memex_host_tools::function;
use memex_host_tools::{Answer, Arguments, CallContext, Tool, ToolError, ToolFuture, ToolSpec};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Most keys that are listed at once.
const LISTED_MAX: usize = 1_000;

/// `kv_get`, `kv_set`, `kv_delete` and `kv_list` on `scratch`.
pub fn scratch_tools(scratch: impl Into<Scratch>) -> Vec<Arc<dyn Tool>> {
    let scratch = scratch.into();
    let mut tools = scratch_read_tools(scratch.clone());
    tools.push(Arc::new(Set {
        spec: set_spec(),
        scratch: scratch.clone(),
    }));
    tools.push(Arc::new(function(
        "kv_delete",
        "Deletes a value from the shared scratch. Returns whether there was one.",
        move |_, key: Key| scratch.run(move |scratch| scratch.delete(&key.key)),
    )));
    tools
}

/// `kv_get` and `kv_list` on `scratch`, which nothing can be set with.
pub fn scratch_read_tools(scratch: impl Into<Scratch>) -> Vec<Arc<dyn Tool>> {
    let scratch = scratch.into();
    let get = Get {
        spec: get_spec(),
        scratch: scratch.clone(),
    };
    let list = function(
        "kv_list",
        "Lists the keys of the shared scratch in order, at most 1,000 at once.",
        move |_, listing: Listing| {
            let limit = listing.limit.min(LISTED_MAX);
            scratch
                .run(move |scratch| scratch.list(&listing.prefix, listing.after.as_deref(), limit))
        },
    );
    vec![Arc::new(get), Arc::new(list)]
}

#[derive(Deserialize, JsonSchema)]
struct Key {
    /// The name of the value.
    key: String,
}

#[derive(Deserialize, JsonSchema)]
struct Listing {
    /// Only keys that begin so.
    #[serde(default)]
    prefix: String,
    /// Only keys after this one.
    after: Option<String>,
    /// How many keys at most.
    #[serde(default = "listed_max")]
    limit: usize,
}

fn listed_max() -> usize {
    LISTED_MAX
}

/// Answers with whatever value was set: no schema says more.
struct Get {
    spec: ToolSpec,
    scratch: Scratch,
}

struct Set {
    spec: ToolSpec,
    scratch: Scratch,
}

fn get_spec() -> ToolSpec {
    ToolSpec {
        name: "kv_get".to_owned(),
        description: "The value of a key in the shared scratch, or the default without one."
            .to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {
                "key": { "type": "string", "description": "The name of the value." },
                "default": { "description": "What to return without a value.", "default": null },
            },
            "required": ["key"],
            "additionalProperties": false,
        }),
        returns: Some(Value::Bool(true)),
        timeout: None,
    }
}

fn set_spec() -> ToolSpec {
    ToolSpec {
        name: "kv_set".to_owned(),
        description: "Sets a value in the shared scratch: JSON, bytes or a DataFrame. \
            Other sessions that share the scratch see it."
            .to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {
                "key": { "type": "string", "description": "The name of the value." },
                "value": { "description": "The value." },
            },
            "required": ["key", "value"],
            "additionalProperties": false,
        }),
        returns: Some(json!({ "type": "null" })),
        timeout: None,
    }
}

impl Tool for Get {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, _: CallContext, mut arguments: Arguments) -> ToolFuture {
        self.scratch.run(move |scratch| {
            let key = text(&arguments, "key")?;
            Ok(match scratch.get(&key)? {
                Some(kept) => Answer {
                    json: serde_json::from_str(&kept.json).map_err(unreadable)?,
                    parts: kept.parts.into_iter().map(Vec::from).collect(),
                },
                None => Answer {
                    json: arguments.json.remove("default").unwrap_or_default(),
                    parts: arguments.parts,
                },
            })
        })
    }
}

impl Tool for Set {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, _: CallContext, mut arguments: Arguments) -> ToolFuture {
        self.scratch.run(move |scratch| {
            let key = text(&arguments, "key")?;
            let mut value = arguments.json.remove("value").unwrap_or_default();
            let parts: Vec<Bytes> = arguments.parts.into_iter().map(Bytes::from).collect();
            let parts = own_parts(&mut value, &parts);
            scratch.set(key, &value, parts)?;
            Ok(Answer::default())
        })
    }
}

fn text(arguments: &Arguments, key: &str) -> Result<String, ToolError> {
    match arguments.json.get(key) {
        Some(Value::String(text)) => Ok(text.clone()),
        _ => Err(ToolError::new("TypeError", format!("{key}: expected str"))),
    }
}

fn unreadable(error: serde_json::Error) -> ToolError {
    ToolError::new("RuntimeError", "kv_get: the value cannot be read")
        .with_detail(error.to_string())
}
