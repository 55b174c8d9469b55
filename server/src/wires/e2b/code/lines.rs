//! Lines of the code interpreter's answer: one JSON object each.

use std::collections::BTreeMap;

use axum::body::Bytes;
use memex_sessions::{Content, Display, Outcome};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::json::on_one_line;
use crate::wires::python::plain_name;
use crate::wires::shell::Exit;

/// One form of a display. JSON goes on as it is: values made of it could take a hundred times
/// its bytes.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(super) enum Form {
    Text(String),
    Json(Box<RawValue>),
}

/// One line.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Line {
    NumberOfExecutions {
        execution_count: u64,
    },
    Stdout {
        text: String,
        timestamp: String,
    },
    Stderr {
        text: String,
        timestamp: String,
    },
    Result {
        is_main_result: bool,
        #[serde(flatten)]
        forms: BTreeMap<&'static str, Form>,
        extra: BTreeMap<String, String>,
    },
    Error {
        name: String,
        value: String,
        traceback: String,
    },
    Keepalive,
    EndOfExecution,
}

impl Line {
    /// The line with its end.
    pub(super) fn bytes(&self) -> Bytes {
        let mut bytes = serde_json::to_vec(self).unwrap_or_else(|_| b"{}".to_vec());
        bytes.push(b'\n');
        Bytes::from(bytes)
    }
}

/// What an execution came to, as lines: displays in order, the value of the last
/// expression, the error.
pub(super) fn ending(outcome: &Outcome) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut has_main = false;
    for display in outcome.displays.iter().flatten() {
        let Display::Whole { main, data } = display else {
            continue;
        };
        let is_main = *main && !has_main;
        has_main |= is_main;
        let value = outcome.value.as_deref().filter(|_| is_main);
        lines.push(result(is_main, data, value));
    }
    if let Some(value) = outcome.value.as_deref().filter(|_| !has_main) {
        lines.push(result(true, &BTreeMap::new(), Some(value)));
    }
    lines.extend(error_of(outcome));
    lines
}

/// What a command came to, as lines.
pub(super) fn exited(exit: Exit) -> Vec<Line> {
    if exit.status == 0 {
        return Vec::new();
    }
    let value = format!("exit status {}", exit.status);
    let traceback = match exit.reason {
        Some(reason) => format!("{value}: {reason}"),
        None => value.clone(),
    };
    vec![Line::Error {
        name: "ExecutionError".to_owned(),
        value,
        traceback,
    }]
}

/// The line of a display. A main result without a text gets the preview of its
/// value.
fn result(is_main_result: bool, data: &BTreeMap<String, Content>, value: Option<&str>) -> Line {
    let (mut forms, mut extra) = (BTreeMap::new(), BTreeMap::new());
    for (mime, content) in data {
        let (Content::Text(text) | Content::Base64(text)) = content;
        let form = match key_of(mime) {
            Some("json") => on_one_line(text).map(|json| ("json", Form::Json(json))),
            Some(key) => Some((key, Form::Text(text.clone()))),
            None => None,
        };
        match form {
            Some((key, form)) => drop(forms.insert(key, form)),
            None => drop(extra.insert(mime.clone(), text.clone())),
        }
    }
    if let Some(value) = value {
        forms
            .entry("text")
            .or_insert_with(|| Form::Text(value.to_owned()));
    }
    Line::Result {
        is_main_result,
        forms,
        extra,
    }
}

/// The key under which clients know a MIME type.
fn key_of(mime: &str) -> Option<&'static str> {
    Some(match mime {
        "text/plain" => "text",
        "text/html" => "html",
        "text/markdown" => "markdown",
        "image/svg+xml" => "svg",
        "image/png" => "png",
        "image/jpeg" => "jpeg",
        "application/pdf" => "pdf",
        "text/latex" => "latex",
        "application/json" => "json",
        "application/javascript" => "javascript",
        _ => return None,
    })
}

/// The exception that ended an execution, or the limit that did.
fn error_of(outcome: &Outcome) -> Option<Line> {
    if outcome.is_ok() {
        return None;
    }
    let (name, value, traceback) = match (&outcome.error, &outcome.limit) {
        (Some(error), _) => (
            plain_name(&error.class).to_owned(),
            error.message.clone(),
            error.traceback.clone(),
        ),
        (None, Some(limit)) => {
            let what = format!("the limit {} was reached: {}", limit.name, limit.limit);
            ("LimitError".to_owned(), what, String::new())
        }
        (None, None) => {
            let what = "the sandbox ended the execution".to_owned();
            ("RuntimeError".to_owned(), what, String::new())
        }
    };
    // Clients print the traceback alone.
    let traceback = match traceback.is_empty() {
        true => format!("{name}: {value}"),
        false => traceback,
    };
    Some(Line::Error {
        name,
        value,
        traceback,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use memex_sessions::Exception;

    fn text(line: &Line) -> String {
        String::from_utf8(line.bytes().to_vec()).unwrap()
    }

    fn shown(main: bool, forms: &[(&str, Content)]) -> Display {
        let data = forms.iter().cloned();
        Display::Whole {
            main,
            data: data
                .map(|(mime, content)| (mime.to_owned(), content))
                .collect(),
        }
    }

    #[test]
    fn lines_have_the_keys_that_clients_read() {
        let count = Line::NumberOfExecutions { execution_count: 3 };
        assert_eq!(
            text(&count),
            "{\"type\":\"number_of_executions\",\"execution_count\":3}\n"
        );
        assert_eq!(text(&Line::Keepalive), "{\"type\":\"keepalive\"}\n");
        assert_eq!(
            text(&Line::EndOfExecution),
            "{\"type\":\"end_of_execution\"}\n"
        );
        let out = Line::Stdout {
            text: "hi\n".to_owned(),
            timestamp: "t".to_owned(),
        };
        assert_eq!(
            text(&out),
            "{\"type\":\"stdout\",\"text\":\"hi\\n\",\"timestamp\":\"t\"}\n"
        );
    }

    #[test]
    fn a_value_is_the_main_result_once() {
        let plain = Outcome {
            value: Some("2".to_owned()),
            ..Outcome::default()
        };
        let [line] = &ending(&plain)[..] else {
            panic!("one line");
        };
        assert_eq!(
            text(line),
            "{\"type\":\"result\",\"is_main_result\":true,\"text\":\"2\",\"extra\":{}}\n"
        );

        let html = ("text/html", Content::Text("<b>".to_owned()));
        let png = ("image/png", Content::Base64("iVBOR".to_owned()));
        let odd = ("application/x-odd", Content::Text("o".to_owned()));
        let json = ("application/json", Content::Text("{\"a\":1}".to_owned()));
        let broken = ("application/json", Content::Text("{".to_owned()));
        let lines = Content::Text("[\n1,\r\n\"a\\n\"]\n".to_owned());
        let lines = ("application/json", lines);
        let rich = Outcome {
            value: Some("frame".to_owned()),
            displays: Some(vec![
                shown(false, &[png, odd]),
                shown(true, &[html, json]),
                shown(true, &[broken]),
                shown(false, &[lines]),
                Display::Written("a.png".to_owned()),
            ]),
            ..Outcome::default()
        };
        let lines: Vec<_> = ending(&rich)
            .iter()
            .map(|line| serde_json::to_value(line).unwrap())
            .collect();
        let expected = serde_json::json!([
            {"type": "result", "is_main_result": false, "png": "iVBOR",
             "extra": {"application/x-odd": "o"}},
            {"type": "result", "is_main_result": true, "html": "<b>", "json": {"a": 1},
             "text": "frame", "extra": {}},
            {"type": "result", "is_main_result": false, "extra": {"application/json": "{"}},
            {"type": "result", "is_main_result": false, "json": [1, "a\n"], "extra": {}},
        ]);
        assert_eq!(serde_json::Value::from(lines), expected);
        for line in ending(&rich) {
            assert_eq!(text(&line).lines().count(), 1);
        }
    }

    #[test]
    fn an_error_is_the_exception_or_the_limit() {
        let raised = Outcome {
            status: memex_runtime::Status::Exception,
            error: Some(Exception {
                class: "NameError".to_owned(),
                message: "name 'x' is not defined".to_owned(),
                traceback: "Traceback…".to_owned(),
            }),
            ..Outcome::default()
        };
        let [line] = &ending(&raised)[..] else {
            panic!("one error");
        };
        assert_eq!(
            text(line),
            "{\"type\":\"error\",\"name\":\"NameError\",\"value\":\"name 'x' is not \
             defined\",\"traceback\":\"Traceback…\"}\n"
        );

        let limited = Outcome {
            status: memex_runtime::Status::Limit,
            limit: Some(memex_runtime::LimitHit {
                name: "guest_time_ms".to_owned(),
                limit: 10,
                actual: 11,
            }),
            ..Outcome::default()
        };
        let [
            Line::Error {
                name,
                value,
                traceback,
            },
        ] = &ending(&limited)[..]
        else {
            panic!("one error");
        };
        assert_eq!(name, "LimitError");
        assert_eq!(value, "the limit guest_time_ms was reached: 10");
        assert_eq!(
            traceback,
            "LimitError: the limit guest_time_ms was reached: 10"
        );
    }
}
