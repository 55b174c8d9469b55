//! The two streams of the client: lines of bounded length in, one frame a line out.

use std::io::{self, BufRead, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::values::value_of;

/// The longest line of a client. DSPy sends a variable as a part of its line.
pub(super) const LINE_BYTES_MAX: usize = 256 << 20;

/// The streams. Whoever reads holds the input until it has its answer, so that frames of
/// tools and of blocks do not mix.
pub(super) struct Wire {
    input: Mutex<Box<dyn BufRead + Send>>,
    output: Mutex<Box<dyn Write + Send>>,
    calls: AtomicU64,
}

/// What the client sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Whole(Vec<u8>),
    /// Longer than a line may be; it was left out.
    TooLong,
    /// The client is gone.
    End,
}

/// What became of a call of a client's tool.
pub(super) enum Answer {
    Value(Value),
    Failed(String),
    /// The client is gone.
    Gone,
}

impl Wire {
    pub(super) fn new(input: Box<dyn BufRead + Send>, output: Box<dyn Write + Send>) -> Self {
        Self {
            input: Mutex::new(input),
            output: Mutex::new(output),
            calls: AtomicU64::new(0),
        }
    }

    /// The next line of the client.
    pub(super) fn next(&self) -> io::Result<Line> {
        read_line(&mut *self.input.lock(), LINE_BYTES_MAX)
    }

    /// Sends a result.
    pub(super) fn result(&self, id: &Value, result: &Value) -> io::Result<()> {
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "result": result }))
    }

    /// Sends an error.
    pub(super) fn error(&self, id: &Value, error: &Value) -> io::Result<()> {
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "error": error }))
    }

    /// Asks the client to call one of its tools, and waits for what came of it.
    pub(super) fn call(&self, name: &str, kwargs: &Value) -> io::Result<Answer> {
        let mut input = self.input.lock();
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let id = format!("call-{number}");
        self.send(&json!({
            "jsonrpc": "2.0",
            "id": id,
            "method": "tool_call",
            "params": { "name": name, "kwargs": kwargs },
        }))?;
        match read_line(&mut *input, LINE_BYTES_MAX)? {
            Line::End => Ok(Answer::Gone),
            Line::TooLong => Ok(Answer::Failed(format!(
                "{name}: the answer has more than {LINE_BYTES_MAX} bytes"
            ))),
            Line::Whole(line) => Ok(answer(name, &id, &line)),
        }
    }

    fn send(&self, frame: &Value) -> io::Result<()> {
        let mut line = serde_json::to_vec(frame)?;
        line.push(b'\n');
        let mut output = self.output.lock();
        output.write_all(&line)?;
        output.flush()
    }
}

/// What a line answers to the call `id`.
fn answer(name: &str, id: &str, line: &[u8]) -> Answer {
    let frame = match value_of(line) {
        Ok(frame) => frame,
        Err(what) => return Answer::Failed(format!("{name}: the client's answer: {what}")),
    };
    if frame.get("id").and_then(Value::as_str) != Some(id) {
        return Answer::Failed(format!("{name}: the client answered something else"));
    }
    if let Some(error) = frame.get("error") {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let class = error.get("data").and_then(|data| text(data.get("type")));
        let message = text(error.get("message")).unwrap_or_else(|| "it failed".to_owned());
        let class = class.unwrap_or_else(|| "ToolError".to_owned());
        return Answer::Failed(format!("{class}: {message}"));
    }
    let result = frame.get("result");
    let kind = result.and_then(|result| result.get("type")?.as_str());
    let value = result.and_then(|result| result.get("value"));
    match (kind, value) {
        (Some("json"), Some(Value::String(text))) => match value_of(text.as_bytes()) {
            Ok(value) => Answer::Value(value),
            Err(what) => Answer::Failed(format!("{name}: the answer: {what}")),
        },
        (_, Some(value)) => Answer::Value(value.clone()),
        _ => Answer::Failed(format!("{name}: the answer has no value")),
    }
}

/// Reads up to the next line break, which is no part of what is returned.
fn read_line(input: &mut dyn BufRead, most: usize) -> io::Result<Line> {
    let mut line = Vec::new();
    let mut is_long = false;
    let mut is_empty = true;
    loop {
        let found = match input.fill_buf() {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if found.is_empty() {
            return Ok(match (is_empty, is_long) {
                (true, _) => Line::End,
                (false, true) => Line::TooLong,
                (false, false) => Line::Whole(line),
            });
        }
        is_empty = false;
        let end = found.iter().position(|byte| *byte == b'\n');
        let piece = found.get(..end.unwrap_or(found.len())).unwrap_or_default();
        is_long |= line.len().saturating_add(piece.len()) > most;
        match is_long {
            true => line = Vec::new(),
            false => line.extend_from_slice(piece),
        }
        let read = piece.len() + usize::from(end.is_some());
        input.consume(read);
        if end.is_some() {
            return Ok(match is_long {
                true => Line::TooLong,
                false => Line::Whole(line),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    #[test]
    fn lines_are_whole_or_left_out() {
        // A buffer that is smaller than the lines.
        let mut input = BufReader::with_capacity(3, &b"12345\n123456\n\n12"[..]);
        let mut next = || read_line(&mut input, 5).unwrap();
        assert_eq!(next(), Line::Whole(b"12345".to_vec()));
        assert_eq!(next(), Line::TooLong);
        assert_eq!(next(), Line::Whole(Vec::new()));
        assert_eq!(next(), Line::Whole(b"12".to_vec()));
        assert_eq!(next(), Line::End);
    }

    #[test]
    fn answers_are_values_texts_or_failures() {
        let told = |line: &str| match answer("f", "call-1", line.as_bytes()) {
            Answer::Value(value) => value.to_string(),
            Answer::Failed(what) => what,
            Answer::Gone => "gone".to_owned(),
        };
        for (line, want) in [
            (
                r#"{"id":"call-1","result":{"type":"json","value":"[1,2]"}}"#,
                "[1,2]",
            ),
            (
                r#"{"id":"call-1","result":{"type":"string","value":"a"}}"#,
                "\"a\"",
            ),
            (
                r#"{"id":"call-1","result":{"type":"json","value":"[1,"}}"#,
                "no JSON",
            ),
            (r#"{"id":"call-1","result":{}}"#, "no value"),
            (
                r#"{"id":"call-2","result":{"type":"string","value":"a"}}"#,
                "something else",
            ),
            (
                r#"{"id":"call-1","error":{"message":"no","data":{"type":"KeyError"}}}"#,
                "KeyError: no",
            ),
            (r#"{"id":"call-1","error":7}"#, "ToolError: it failed"),
            ("[", "no JSON"),
        ] {
            assert!(told(line).contains(want), "{line}: {}", told(line));
        }
    }
}
