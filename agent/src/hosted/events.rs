//! The end of a turn, from the stream of its events.

use memex_models::SseReader;
use memex_sessions::Outcome;
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::failure::{Failure, failure};

/// The longest event: an outcome with its pictures.
const EVENT_BYTES_MAX: usize = 256 << 20;

/// How far a turn is.
#[derive(Debug)]
pub(super) enum Step {
    /// It is over.
    Done(Box<Outcome>),
    /// It waits for answers to these.
    Waiting(Vec<Call>),
}

/// A call of a tool.
#[derive(Debug, Deserialize)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) tool: String,
    #[serde(default)]
    pub(super) arguments: Map<String, Value>,
    /// In base64.
    #[serde(default)]
    pub(super) parts: Vec<String>,
}

#[derive(Deserialize)]
struct Waiting {
    calls: Vec<Call>,
}

#[derive(Deserialize)]
struct Status {
    status: u16,
}

/// Reads a stream to the event that ends it; output on the way is in the outcome too.
pub(super) async fn last(mut answer: Response) -> Result<Step, Failure> {
    let mut reader = SseReader::new(EVENT_BYTES_MAX);
    loop {
        let piece = answer.chunk().await;
        let piece = piece.map_err(|error| Failure::Broken(error.without_url().to_string()))?;
        let Some(piece) = piece else {
            return Err(Failure::Broken(
                "the stream ended before the turn did".into(),
            ));
        };
        let events = reader.push(&piece);
        let events = events.map_err(|error| Failure::Refused(error.to_string()))?;
        for event in events {
            if let Some(step) = step(&event.name, &event.data)? {
                return Ok(step);
            }
        }
    }
}

fn step(name: &str, data: &str) -> Result<Option<Step>, Failure> {
    let unread =
        |error: serde_json::Error| Failure::Refused(format!("an event cannot be read: {error}"));
    match name {
        "done" => {
            let outcome = serde_json::from_str(data).map_err(unread)?;
            Ok(Some(Step::Done(Box::new(outcome))))
        }
        "waiting" => {
            let waiting: Waiting = serde_json::from_str(data).map_err(unread)?;
            Ok(Some(Step::Waiting(waiting.calls)))
        }
        "error" => {
            let status: Status = serde_json::from_str(data).map_err(unread)?;
            let status = StatusCode::from_u16(status.status);
            let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Err(failure(status, data.as_bytes(), None))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_event_is_the_step_and_others_are_none() {
        assert!(step("stdout", "{\"text\": \"x\"}").unwrap().is_none());
        let waiting = r#"{"status": "waiting", "calls": [{"id": "1", "tool": "f", "arguments": {"a": 1}, "parts": []}]}"#;
        let Some(Step::Waiting(calls)) = step("waiting", waiting).unwrap() else {
            panic!("it waits");
        };
        assert_eq!(
            (calls[0].tool.as_str(), &calls[0].arguments["a"]),
            ("f", &Value::from(1))
        );
        let gone = r#"{"status": 410, "code": "gone", "detail": "it ended", "remedy": "r"}"#;
        assert!(matches!(step("error", gone), Err(Failure::Gone(_))));
        for (name, data) in [("done", "1"), ("waiting", "{}"), ("error", "[")] {
            assert!(
                matches!(step(name, data), Err(Failure::Refused(_))),
                "{name}"
            );
        }
    }
}
