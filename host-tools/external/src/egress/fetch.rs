//! `fetch`: the tool by which guest code makes HTTP requests.

use serde_json::{Map, Value, json};
use std::time::Duration;

use super::broker::Egress;
use super::error::{HttpError, excerpt};
use super::messages::{HttpRequest, HttpResponse};
use memex_host_tools::{
    Answer, Arguments, CallContext, PART_KEY, Tool, ToolError, ToolFuture, ToolSpec,
};

const DESCRIPTION: &str = "\
Makes an HTTP request and returns the response.

Only what the policy of this session grants can be reached; PermissionError names what is missing. \
Redirects are followed, and every hop must be granted. The body is decompressed. A status such as 404 is a \
response, not an exception. Raises PermissionError, TimeoutError, ConnectionError or ValueError.";

/// The tool `fetch` on an [`Egress`].
#[derive(Debug)]
pub struct Fetch {
    spec: ToolSpec,
    egress: Egress,
}

impl Fetch {
    /// The tool. Requests count for the session that calls.
    #[must_use]
    pub fn new(egress: Egress) -> Self {
        let spec = ToolSpec {
            name: "fetch".to_owned(),
            description: DESCRIPTION.to_owned(),
            parameters: parameters(),
            returns: Some(returns()),
            // A little more than the egress takes, so that its own message comes first.
            timeout: Some(egress.limits().total_timeout() + Duration::from_secs(1)),
        };
        Self { spec, egress }
    }
}

impl Tool for Fetch {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, context: CallContext, arguments: Arguments) -> ToolFuture {
        let egress = self.egress.clone();
        Box::pin(async move {
            let mut request = request_of(arguments)?;
            request.deadline = Some(context.deadline);
            let response = egress.request(&context.session, request).await?;
            Ok(answer_of(response))
        })
    }
}

fn parameters() -> Value {
    json!({
        "type": "object",
        "properties": {
            "url": {"type": "string", "description": "An http or https URL."},
            "method": {"type": "string", "default": "GET", "description": "GET, POST, …"},
            "headers": {
                "anyOf": [
                    {"type": "object", "additionalProperties": {"type": "string"}},
                    {"type": "null"}
                ],
                "default": null,
                "description": "Headers to set. Those that frame the message, and those that the host adds, may not be set."
            },
            "body": {
                "anyOf": [
                    {"type": "string", "format": "binary"},
                    {"type": "string"},
                    {"type": "null"}
                ],
                "default": null,
                "description": "Bytes, or text that is sent as UTF-8. Set a content-type with it."
            },
            "timeout_s": {
                "anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "null"}],
                "default": null,
                "description": "Seconds after which TimeoutError is raised; the host has a limit of its own."
            },
            "follow_redirects": {
                "type": "boolean",
                "default": true,
                "description": "Whether redirects are followed or returned."
            }
        },
        "required": ["url"],
        "additionalProperties": false
    })
}

fn returns() -> Value {
    json!({
        "title": "HttpResponse",
        "description": "A response to an HTTP request.",
        "type": "object",
        "properties": {
            "status": {"type": "integer", "description": "Such as 200."},
            "reason": {"type": "string", "description": "Such as OK."},
            "url": {"type": "string", "description": "The URL that answered, after redirects."},
            "headers": {
                "type": "array",
                "items": {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2},
                "description": "Pairs of a name in lower case and a value."
            },
            "body": {"type": "string", "format": "binary", "description": "The decompressed body."}
        },
        "required": ["status", "reason", "url", "headers", "body"]
    })
}

/// The schema has been checked, but the tool does not rely on it.
fn request_of(arguments: Arguments) -> Result<HttpRequest, ToolError> {
    let Arguments { json, mut parts } = arguments;
    let url = match json.get("url") {
        Some(Value::String(url)) => url.clone(),
        _ => return Err(wrong_type("url", "a string")),
    };
    let mut request = HttpRequest::new("GET", url);
    match json.get("method") {
        None => {}
        Some(Value::String(method)) => request.method.clone_from(method),
        Some(_) => return Err(wrong_type("method", "a string")),
    }
    match json.get("headers") {
        None | Some(Value::Null) => {}
        Some(Value::Object(headers)) => request.headers = pairs_of(headers)?,
        Some(_) => return Err(wrong_type("headers", "a dict of strings or None")),
    }
    match json.get("body") {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) => request.body = text.clone().into_bytes(),
        Some(body) => {
            let index = body.get(PART_KEY).and_then(Value::as_u64);
            let part = index.and_then(|index| parts.get_mut(usize::try_from(index).ok()?));
            let part = part.ok_or_else(|| wrong_type("body", "bytes, a string or None"))?;
            request.body = std::mem::take(part);
        }
    }
    match json.get("timeout_s") {
        None | Some(Value::Null) => {}
        Some(Value::Number(seconds)) => request.timeout = Some(timeout_of(seconds)?),
        Some(_) => return Err(wrong_type("timeout_s", "a number or None")),
    }
    match json.get("follow_redirects") {
        None => {}
        Some(Value::Bool(follows)) => request.follow_redirects = *follows,
        Some(_) => return Err(wrong_type("follow_redirects", "a bool")),
    }
    Ok(request)
}

fn pairs_of(headers: &Map<String, Value>) -> Result<Vec<(String, String)>, ToolError> {
    headers
        .iter()
        .map(|(name, value)| match value {
            Value::String(text) => Ok((name.clone(), text.clone())),
            _ => Err(wrong_type(
                &format!("headers.{}", excerpt(name)),
                "a string",
            )),
        })
        .collect()
}

fn timeout_of(seconds: &serde_json::Number) -> Result<Duration, ToolError> {
    let refusal = || HttpError::Invalid {
        what: "timeout_s".to_owned(),
        reason: "it must be a positive number of seconds".to_owned(),
    };
    let seconds = seconds.as_f64().ok_or_else(refusal)?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(timeout) if !timeout.is_zero() => Ok(timeout),
        // More than a clock can hold is as good as no timeout.
        Err(_) if seconds.is_finite() && seconds > 0.0 => Ok(Duration::MAX),
        _ => Err(refusal().into()),
    }
}

fn wrong_type(field: &str, wanted: &str) -> ToolError {
    ToolError::new("TypeError", format!("fetch: {field}: must be {wanted}"))
}

fn answer_of(response: HttpResponse) -> Answer {
    Answer {
        json: json!({
            "status": response.status,
            "reason": response.reason,
            "url": response.url,
            "headers": response.headers,
            "body": {PART_KEY: 0},
        }),
        parts: vec![response.body],
    }
}
