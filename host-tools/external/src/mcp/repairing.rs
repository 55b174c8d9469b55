//! Messages of servers that are a little off, before they are parsed.
//!
//! Python writes `NaN`, JavaScript cuts a text in the middle of a character, some servers leave
//! out the message of an error or write the number of a call as text. What a message means is
//! clear then. One that cannot be read at all is an error for its call, at once.

use std::borrow::Cow;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use memex_json::mended;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncRead, ReadBuf};

/// What is read at a time.
const PIECE_BYTES: usize = 16 << 10;
/// How far into a message that is no JSON its number is looked for.
const HEAD_BYTES: usize = 256;
/// Of what cannot be read.
const SHOWN_CHARS: usize = 200;

/// Lines of messages, repaired.
pub(super) struct Repaired<R> {
    inner: R,
    piece: Vec<u8>,
    /// What came of a line whose end has not come yet.
    begun: Vec<u8>,
    ready: Vec<u8>,
    given: usize,
}

impl<R> Repaired<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            piece: vec![0; PIECE_BYTES],
            begun: Vec::new(),
            ready: Vec::new(),
            given: 0,
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let Some(first) = lines.next() else {
            return;
        };
        self.begun.extend_from_slice(first);
        if !first.ends_with(b"\n") {
            return;
        }
        let begun = std::mem::take(&mut self.begun);
        self.ready.extend_from_slice(&repaired(&begun));
        for line in lines {
            match line.ends_with(b"\n") {
                true => self.ready.extend_from_slice(&repaired(line)),
                false => self.begun.extend_from_slice(line),
            }
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Repaired<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            let rest = this.ready.get(this.given..).unwrap_or_default();
            if !rest.is_empty() {
                let count = rest.len().min(buffer.remaining());
                buffer.put_slice(rest.get(..count).unwrap_or_default());
                this.given += count;
                return Poll::Ready(Ok(()));
            }
            this.ready = Vec::new();
            this.given = 0;
            let mut piece = std::mem::take(&mut this.piece);
            let mut read = ReadBuf::new(&mut piece);
            let outcome = Pin::new(&mut this.inner).poll_read(context, &mut read);
            let count = read.filled().len();
            if let Poll::Ready(Ok(())) = outcome {
                let taken = piece.get(..count).unwrap_or_default().to_vec();
                this.take(&taken);
            }
            this.piece = piece;
            ready!(outcome)?;
            if count == 0 {
                // The end; what has no end of line is no message.
                return Poll::Ready(Ok(()));
            }
        }
    }
}

/// What a message states beside its result.
#[derive(Deserialize)]
struct Envelope<'m> {
    jsonrpc: Option<Value>,
    #[serde(borrow, default, deserialize_with = "stated")]
    id: Option<&'m RawValue>,
    #[serde(borrow, default, deserialize_with = "stated")]
    method: Option<&'m RawValue>,
    #[serde(borrow, default, deserialize_with = "stated")]
    error: Option<&'m RawValue>,
    #[serde(borrow, default, deserialize_with = "stated")]
    result: Option<&'m RawValue>,
}

/// A value that is there, also where it is `null`.
fn stated<'m, D: Deserializer<'m>>(reader: D) -> Result<Option<&'m RawValue>, D::Error> {
    <&RawValue>::deserialize(reader).map(Some)
}

/// A message, repaired if it is off.
pub(super) fn repaired(message: &[u8]) -> Cow<'_, [u8]> {
    if message.trim_ascii().is_empty() {
        return Cow::Borrowed(message);
    }
    // Without the end of the line, which is part of no text even where one is not closed.
    let bytes = match mended(message.trim_ascii_end()) {
        Cow::Borrowed(_) => Cow::Borrowed(message),
        Cow::Owned(bytes) => Cow::Owned([bytes.as_slice(), b"\n"].concat()),
    };
    let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(&bytes) else {
        return match id_of_broken(&bytes) {
            // A log line among the messages, or something of another kind: the library drops it.
            None => Cow::Borrowed(message),
            Some(id) => line(unreadable(id, "the answer is no JSON", message)).into(),
        };
    };
    match put_right(&envelope) {
        Some(changed) => line(changed).into(),
        None => bytes,
    }
}

fn line(message: Value) -> Vec<u8> {
    let mut line = message.to_string().into_bytes();
    line.push(b'\n');
    line
}

fn unreadable(id: Value, reason: &str, message: &[u8]) -> Value {
    let text = String::from_utf8_lossy(message);
    let shown: String = text.trim().chars().take(SHOWN_CHARS).collect();
    let reason = format!("the server's answer cannot be read: {reason}: {shown}");
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32603, "message": reason}})
}

/// The message with what it lacks, if it lacks something.
fn put_right(envelope: &Envelope<'_>) -> Option<Value> {
    if envelope.method.is_some() {
        return None;
    }
    let stated = envelope
        .id
        .map(|id| serde_json::from_str(id.get()).unwrap_or(Value::Null));
    let id = match &stated {
        // The host's own are numbers.
        Some(Value::String(text)) => text.parse::<u64>().map(Value::from).ok(),
        Some(Value::Number(number)) if number.is_f64() => {
            let whole = number
                .as_f64()
                .filter(|id| *id >= 0.0 && id.fract() == 0.0 && *id < 1e15);
            whole.map(|id| Value::from(id as u64))
        }
        _ => None,
    };
    let is_changed = id.is_some();
    let id = id.or(stated)?;
    if id.is_null() {
        return None;
    }
    let lacks_version = envelope
        .jsonrpc
        .as_ref()
        .is_none_or(|version| version != "2.0");
    let error = envelope.error.filter(|error| error.get() != "null");
    if let Some(error) = error {
        let whole: Value = serde_json::from_str(error.get()).unwrap_or(Value::Null);
        let code = whole.get("code").and_then(Value::as_i64);
        let code = code.filter(|code| i32::try_from(*code).is_ok());
        let text = whole.get("message").and_then(Value::as_str);
        if code.is_some() && text.is_some() && !lacks_version && !is_changed {
            return None;
        }
        let message = text.map_or_else(|| without_message(&whole), str::to_owned);
        let mut right = Map::new();
        right.insert("code".to_owned(), Value::from(code.unwrap_or(-32603)));
        right.insert("message".to_owned(), Value::from(message));
        return Some(json!({"jsonrpc": "2.0", "id": id, "error": right}));
    }
    match envelope.result {
        Some(result) if lacks_version || is_changed || envelope.error.is_some() => {
            let result: Value = serde_json::from_str(result.get()).ok()?;
            Some(json!({"jsonrpc": "2.0", "id": id, "result": result}))
        }
        Some(_) => None,
        None => Some(unreadable(id, "it has no result", b"")),
    }
}

fn without_message(error: &Value) -> String {
    match error {
        Value::String(text) => text.clone(),
        Value::Null => "the server says nothing of the error".to_owned(),
        other => format!("the server's error has no message: {other}"),
    }
}

/// The number of a message that is no JSON.
fn id_of_broken(message: &[u8]) -> Option<Value> {
    let head = message.get(..HEAD_BYTES.min(message.len()))?;
    let head = String::from_utf8_lossy(head);
    if !head.trim_start().starts_with('{') || !head.contains("\"jsonrpc\"") {
        return None;
    }
    let (_, after) = head.split_once("\"id\"")?;
    let number = after.trim_start().strip_prefix(':')?.trim_start();
    let number = number.trim_start_matches('"');
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse::<u64>().ok().map(Value::from)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use tokio::io::AsyncReadExt;

    fn value(message: &str) -> Value {
        serde_json::from_slice(&repaired(message.as_bytes())).unwrap()
    }

    #[test]
    fn messages_that_are_right_stay_as_they_are() {
        for message in [
            r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"NaN 😀 \ud83d\ude00"}]}}"#,
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/message","params":{}}"#,
            r#"{"jsonrpc":"2.0","id":"x","method":"ping"}"#,
            "a line of a log",
            "a line with a \"quote that is not closed\n",
        ] {
            assert_eq!(
                *repaired(message.as_bytes()),
                *message.as_bytes(),
                "{message}"
            );
        }
    }

    #[test]
    fn what_is_a_little_off_is_put_right() {
        for (message, expected) in [
            (
                r#"{"jsonrpc":"2.0","id":1,"result":{"x":NaN,"y":[-Infinity],"NaN":"NaN"}}"#,
                json!({"jsonrpc": "2.0", "id": 1, "result": {"x": null, "y": [null], "NaN": "NaN"}}),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"result":"cut \ud83d"}"#,
                json!({"jsonrpc": "2.0", "id": 1, "result": "cut \u{fffd}"}),
            ),
            (
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"a\tb\"}",
                json!({"jsonrpc": "2.0", "id": 1, "result": "a\tb"}),
            ),
            (
                r#"{"jsonrpc":"2.0","id":"7","result":1}"#,
                json!({"jsonrpc": "2.0", "id": 7, "result": 1}),
            ),
            (
                r#"{"id":7.0,"result":1}"#,
                json!({"jsonrpc": "2.0", "id": 7, "result": 1}),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"result":1,"error":null}"#,
                json!({"jsonrpc": "2.0", "id": 1, "result": 1}),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"error":"boom"}"#,
                json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32603, "message": "boom"}}),
            ),
        ] {
            assert_eq!(value(message), expected, "{message}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error_of_its_call() {
        for (message, reason) in [
            (
                r#"{"jsonrpc":"2.0","id":5,"error":{"code":-32000}}"#,
                "has no message",
            ),
            (r#"{"jsonrpc":"2.0","id":5,"result":{"a":}}"#, "is no JSON"),
            (r#"{"jsonrpc":"2.0","id":5}"#, "has no result"),
        ] {
            let found = value(message);
            assert_eq!(found["id"], 5);
            let text = found["error"]["message"].as_str().unwrap();
            assert!(text.contains(reason), "{text}");
        }
    }

    #[tokio::test]
    async fn lines_are_repaired_wherever_they_are_cut() {
        let text = "{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"result\":NaN}\nlog\n".repeat(3000);
        let expected = "{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":null}\nlog\n".repeat(3000);
        let mut found = String::new();
        Repaired::new(text.as_bytes())
            .read_to_string(&mut found)
            .await
            .unwrap();
        let lines = |text: &str| -> Vec<Option<Value>> {
            text.lines()
                .map(|line| serde_json::from_str(line).ok())
                .collect()
        };
        assert_eq!(lines(&found), lines(&expected));
    }
}
