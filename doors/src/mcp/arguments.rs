//! What the tools take, and the schemas that say so.
//!
//! Schemas are written by hand: every word of them is read by a model on every request.

use rmcp::model::JsonObject;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Python {
    pub(super) code: String,
    pub(super) session_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fork {
    pub(super) session_id: Option<String>,
    pub(super) new_session_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reset {
    pub(super) session_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListFiles {
    pub(super) path: Option<String>,
    pub(super) session_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadFile {
    pub(super) path: String,
    #[serde(default)]
    pub(super) offset: u64,
    pub(super) session_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WriteFile {
    pub(super) path: String,
    pub(super) content: String,
    #[serde(default)]
    pub(super) base64: bool,
    pub(super) session_id: Option<String>,
}

/// The arguments of a call; what is wrong with them is for the model to read.
pub(super) fn read<T: DeserializeOwned>(arguments: JsonObject) -> Result<T, String> {
    serde_json::from_value(Value::Object(arguments)).map_err(|error| {
        format!("the arguments do not fit: {error}\nhint: send what the tool's schema lists")
    })
}

/// A schema of these properties.
pub(super) fn schema(mut properties: Value, required: &[&str], session: &str) -> JsonObject {
    if let Some(properties) = properties.as_object_mut() {
        properties.insert(
            "session_id".to_owned(),
            json!({ "type": "string", "description": session }),
        );
    }
    let schema = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    match schema {
        Value::Object(schema) => schema,
        _ => JsonObject::new(),
    }
}
