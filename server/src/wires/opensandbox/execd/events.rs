//! Events of an execution: server-sent events with a JSON object each.

use std::collections::BTreeMap;

use axum::body::Bytes;
use memex_sessions::{Content, Display, Outcome};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::wires::python::plain_name;
use crate::wires::shell::Exit;

/// One event, without its time.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Event {
    /// The id of the execution, by which it is interrupted.
    Init {
        text: String,
    },
    ExecutionCount {
        execution_count: u64,
    },
    Stdout {
        text: String,
    },
    Stderr {
        text: String,
    },
    Result {
        results: Map<String, Value>,
    },
    Error {
        error: Failure,
    },
    /// Keeps the connection open.
    Ping,
    ExecutionComplete {
        execution_time: u64,
    },
}

/// An exception, in Jupyter's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Failure {
    pub(super) ename: String,
    pub(super) evalue: String,
    pub(super) traceback: Vec<String>,
}

impl Event {
    /// The event as it goes over the wire, at a time in milliseconds since 1970.
    pub(super) fn bytes(&self, now_ms: u64) -> Bytes {
        #[derive(Serialize)]
        struct Timed<'a> {
            #[serde(flatten)]
            event: &'a Event,
            timestamp: u64,
        }
        let timed = Timed {
            event: self,
            timestamp: now_ms,
        };
        let mut bytes = b"data: ".to_vec();
        if serde_json::to_writer(&mut bytes, &timed).is_err() {
            bytes.extend_from_slice(b"{}");
        }
        bytes.extend_from_slice(b"\n\n");
        Bytes::from(bytes)
    }
}

/// What an execution came to: displays in order, the value of the last
/// expression, then the error or the end.
pub(super) fn ending(outcome: &Outcome) -> Vec<Event> {
    let mut events = Vec::new();
    let mut has_main = false;
    for display in outcome.displays.iter().flatten() {
        let Display::Whole { main, data } = display else {
            continue;
        };
        let is_main = *main && !has_main;
        has_main |= is_main;
        events.push(result(data, outcome.value.as_deref().filter(|_| is_main)));
    }
    if let Some(value) = outcome.value.as_deref().filter(|_| !has_main) {
        events.push(result(&BTreeMap::new(), Some(value)));
    }
    if let Some(error) = failure_of(outcome) {
        events.push(Event::Error { error });
    }
    events.push(Event::ExecutionComplete {
        execution_time: outcome.wall_us.div_ceil(1_000),
    });
    events
}

/// What a command came to: clients read a status other than 0 from the error.
pub(super) fn exited(exit: Exit, wall_us: u64) -> Vec<Event> {
    let mut events = Vec::new();
    if let Some(reason) = exit.reason {
        events.push(Event::Stderr {
            text: format!("memex: {reason}\n"),
        });
    }
    events.push(match exit.status {
        0 => Event::ExecutionComplete {
            execution_time: wall_us.div_ceil(1_000),
        },
        status => Event::Error {
            error: Failure {
                ename: "CommandExecError".to_owned(),
                evalue: status.to_string(),
                traceback: vec![format!("exit status {status}")],
            },
        },
    });
    events
}

/// A result by MIME type, and its text under `text` as well: one client reads
/// that key, another passes on all of them.
fn result(data: &BTreeMap<String, Content>, value: Option<&str>) -> Event {
    let mut results = Map::new();
    for (mime, content) in data {
        let (Content::Text(text) | Content::Base64(text)) = content;
        results.insert(mime.clone(), Value::from(text.as_str()));
    }
    if let Some(value) = value {
        results
            .entry("text/plain")
            .or_insert_with(|| Value::from(value));
    }
    if let Some(text) = results.get("text/plain").cloned() {
        results.insert("text".to_owned(), text);
    }
    Event::Result { results }
}

fn failure_of(outcome: &Outcome) -> Option<Failure> {
    if outcome.is_ok() {
        return None;
    }
    Some(match (&outcome.error, &outcome.limit) {
        (Some(error), _) => Failure {
            ename: plain_name(&error.class).to_owned(),
            evalue: error.message.clone(),
            traceback: error.traceback.lines().map(str::to_owned).collect(),
        },
        (None, Some(limit)) => Failure {
            ename: "LimitError".to_owned(),
            evalue: format!("the limit {} was reached: {}", limit.name, limit.limit),
            traceback: Vec::new(),
        },
        (None, None) => Failure {
            ename: "RuntimeError".to_owned(),
            evalue: "the sandbox ended the execution".to_owned(),
            traceback: Vec::new(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn value(event: &Event) -> Value {
        serde_json::to_value(event).unwrap()
    }

    #[test]
    fn an_event_is_one_line_of_json_with_its_time() {
        let event = Event::Stdout {
            text: "a\nb\n".to_owned(),
        };
        let bytes = event.bytes(7);
        let line = std::str::from_utf8(&bytes).unwrap();
        let json = line.strip_prefix("data: ").unwrap().strip_suffix("\n\n");
        let json: Value = serde_json::from_str(json.unwrap()).unwrap();
        assert_eq!(
            json,
            json!({"type": "stdout", "text": "a\nb\n", "timestamp": 7})
        );
        assert_eq!(line.matches('\n').count(), 2);
    }

    #[test]
    fn a_value_has_the_keys_that_both_clients_read() {
        let outcome = Outcome {
            value: Some("2".to_owned()),
            wall_us: 1_200,
            ..Outcome::default()
        };
        let events: Vec<_> = ending(&outcome).iter().map(value).collect();
        assert_eq!(
            events,
            [
                json!({"type": "result", "results": {"text": "2", "text/plain": "2"}}),
                json!({"type": "execution_complete", "execution_time": 2}),
            ]
        );
    }

    #[test]
    fn an_exception_comes_before_the_end() {
        let outcome = Outcome {
            status: memex_runtime::Status::Exception,
            error: Some(memex_sessions::Exception {
                class: "ValueError".to_owned(),
                message: "no".to_owned(),
                traceback: "a\nb".to_owned(),
            }),
            ..Outcome::default()
        };
        let events: Vec<_> = ending(&outcome).iter().map(value).collect();
        let failure = json!({"ename": "ValueError", "evalue": "no", "traceback": ["a", "b"]});
        assert_eq!(
            events,
            [
                json!({"type": "error", "error": failure}),
                json!({"type": "execution_complete", "execution_time": 0}),
            ]
        );
    }
}
