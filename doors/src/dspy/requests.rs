//! What a client asks for.

use serde::Deserialize;
use serde_json::Value;

use super::codes::{INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, error};
use super::values::value_of;

/// A request, or a notification where `id` is null.
pub(super) struct Request {
    pub(super) id: Value,
    pub(super) asked: Asked,
}

pub(super) enum Asked {
    Execute(Execute),
    Register(Register),
    InjectVar(InjectVar),
    MountFile(MountFile),
    SyncFile(MountFile),
    Shutdown,
}

#[derive(Deserialize)]
pub(super) struct Execute {
    #[serde(default)]
    pub(super) code: String,
}

#[derive(Deserialize)]
pub(super) struct Register {
    #[serde(default)]
    pub(super) tools: Vec<RegisteredTool>,
    pub(super) outputs: Option<Vec<Field>>,
}

/// A tool, by its name alone as older clients have it, or with its parameters.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum RegisteredTool {
    Name(String),
    Whole {
        name: String,
        #[serde(default)]
        parameters: Vec<Parameter>,
    },
}

#[derive(Deserialize)]
pub(super) struct Parameter {
    pub(super) name: String,
    /// `null` is a default; none is none.
    #[serde(default, deserialize_with = "present")]
    pub(super) default: Option<Value>,
}

#[derive(Deserialize)]
pub(super) struct Field {
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct InjectVar {
    pub(super) name: String,
    pub(super) value: String,
}

#[derive(Deserialize)]
pub(super) struct MountFile {
    pub(super) host_path: Option<String>,
    pub(super) virtual_path: Option<String>,
}

/// Reads a request; what is none is answered with this error.
pub(super) fn read(line: &[u8]) -> Result<Request, (Value, Value)> {
    let frame = value_of(line).map_err(|what| (Value::Null, error(PARSE_ERROR, what)))?;
    if frame.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        let what = "it is no message of JSON-RPC 2.0";
        return Err((Value::Null, error(INVALID_REQUEST, what)));
    }
    let id = frame.get("id").cloned().unwrap_or_default();
    let method = frame.get("method").and_then(Value::as_str);
    let params = match frame.get("params") {
        None | Some(Value::Null) => Value::Object(serde_json::Map::new()),
        Some(params) => params.clone(),
    };
    let asked = match method {
        Some("execute") => serde_json::from_value(params).map(Asked::Execute),
        Some("register") => serde_json::from_value(params).map(Asked::Register),
        Some("inject_var") => serde_json::from_value(params).map(Asked::InjectVar),
        Some("mount_file") => serde_json::from_value(params).map(Asked::MountFile),
        Some("sync_file") => serde_json::from_value(params).map(Asked::SyncFile),
        Some("shutdown") => Ok(Asked::Shutdown),
        Some(other) => {
            let other: String = other.chars().take(100).collect();
            let what = format!("there is no method {other:?}");
            return Err((id, error(METHOD_NOT_FOUND, what)));
        }
        None => return Err((id, error(INVALID_REQUEST, "it names no method"))),
    };
    match asked {
        Ok(asked) => Ok(Request { id, asked }),
        Err(cause) => Err((id, error(INVALID_REQUEST, cause.to_string()))),
    }
}

fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(line: &str) -> Option<i64> {
        read(line.as_bytes()).err()?.1["code"].as_i64()
    }

    #[test]
    fn what_is_no_request_is_answered_with_its_error() {
        for (line, code) in [
            ("{", PARSE_ERROR),
            ("[]", INVALID_REQUEST),
            (r#"{"method":"execute","id":1}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1}"#, INVALID_REQUEST),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"boom"}"#,
                METHOD_NOT_FOUND,
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"execute","params":{"code":7}}"#,
                INVALID_REQUEST,
            ),
        ] {
            assert_eq!(code_of(line), Some(code), "{line}");
        }
        let deep = "[".repeat(200_000);
        assert_eq!(code_of(&deep), Some(PARSE_ERROR));
    }

    #[test]
    fn a_default_of_none_is_a_default() {
        let line = br#"{"jsonrpc":"2.0","id":1,"method":"register","params":{"tools":
            ["plain",{"name":"f","parameters":[{"name":"a"},{"name":"b","default":null}]}]}}"#;
        let Ok(Request {
            asked: Asked::Register(register),
            ..
        }) = read(line)
        else {
            panic!("it is a request");
        };
        let Some(RegisteredTool::Whole { parameters, .. }) = register.tools.get(1) else {
            panic!("there are two tools");
        };
        assert_eq!(parameters[0].default, None);
        assert_eq!(parameters[1].default, Some(Value::Null));
    }
}
