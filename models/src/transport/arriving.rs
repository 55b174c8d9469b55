//! The body of an answer while it arrives.

use bytes::Bytes;
use reqwest::Response;

use super::Transport;
use super::outgoing::Outgoing;
use crate::{DeltaSink, ModelError, Reply, TimeoutPhase};

/// How large an answer may be on the wire.
const ANSWER_BYTES_MAX: u64 = 128 << 20;
/// How lines of a stream of events begin. Nothing that is JSON does.
const EVENT_LINES: [&[u8]; 5] = [b"data:", b"event:", b"id:", b"retry:", b":"];
/// How much is looked at to tell a stream from JSON: blanks, and the longest of these.
const LOOKED_AT_BYTES: usize = 1_024;

/// An answer of which a part has come.
pub(super) struct Arriving<'a> {
    transport: &'a Transport,
    outgoing: &'a Outgoing<'a>,
    response: Response,
    /// What has come and was looked at only.
    begun: Vec<u8>,
    /// How much has come.
    taken: u64,
    phase: TimeoutPhase,
}

/// How the body goes on.
enum Next {
    Bytes(Bytes),
    End,
    /// The connection broke.
    Lost,
}

impl<'a> Arriving<'a> {
    pub(super) fn new(
        transport: &'a Transport,
        outgoing: &'a Outgoing<'a>,
        response: Response,
    ) -> Self {
        Self {
            transport,
            outgoing,
            response,
            begun: Vec::new(),
            taken: 0,
            phase: TimeoutPhase::FirstByte,
        }
    }

    /// Whether the body is a stream of events, whatever its type says.
    ///
    /// # Errors
    /// As those of the body.
    pub(super) async fn begins_as_events(&mut self) -> Result<bool, ModelError> {
        loop {
            match begins_as_events(&self.begun) {
                Some(is_stream) => return Ok(is_stream),
                None if self.begun.len() >= LOOKED_AT_BYTES => return Ok(false),
                None => {}
            }
            match self.next().await? {
                Next::Bytes(chunk) => self.begun.extend_from_slice(&chunk),
                Next::End => return Ok(false),
                Next::Lost => return Err(self.cut()),
            }
        }
    }

    /// The reply of a stream.
    ///
    /// # Errors
    /// As those of the body and its protocol.
    pub(super) async fn streamed(mut self, sink: &mut dyn DeltaSink) -> Result<Reply, ModelError> {
        let mut stream = self.outgoing.protocol.stream();
        let mut chunk = Bytes::from(std::mem::take(&mut self.begun));
        loop {
            if stream.push(&chunk, sink)? {
                return stream.finish(sink);
            }
            // A connection that breaks ends the stream like one that is closed:
            // what has come tells whether it was whole.
            let Next::Bytes(next) = self.next().await? else {
                return stream.finish(sink);
            };
            chunk = next;
        }
    }

    /// The reply that the whole body is.
    ///
    /// # Errors
    /// As those of the body and its protocol.
    pub(super) async fn whole(mut self) -> Result<Reply, ModelError> {
        loop {
            match self.next().await? {
                Next::Bytes(chunk) => self.begun.extend_from_slice(&chunk),
                Next::End => return self.outgoing.protocol.decode(&self.begun),
                Next::Lost => return Err(self.cut()),
            }
        }
    }

    async fn next(&mut self) -> Result<Next, ModelError> {
        let response = &mut self.response;
        let chunk = self.transport.timeouts.wait(self.phase, async {
            Ok(match response.chunk().await {
                Ok(Some(chunk)) => Next::Bytes(chunk),
                Ok(None) => Next::End,
                Err(_) => Next::Lost,
            })
        });
        let chunk = chunk.await?;
        self.phase = TimeoutPhase::Idle;
        if let Next::Bytes(chunk) = &chunk {
            self.taken = self.taken.saturating_add(chunk.len() as u64);
            if self.taken > ANSWER_BYTES_MAX {
                return Err(ModelError::TooLarge {
                    what: "the answer",
                    limit: ANSWER_BYTES_MAX,
                });
            }
        }
        Ok(chunk)
    }

    fn cut(&self) -> ModelError {
        ModelError::Cut {
            protocol: self.outgoing.protocol.name(),
            bytes: self.taken,
        }
    }
}

/// Whether bytes are the beginning of a stream of events; `None` if more must come.
pub(super) fn begins_as_events(bytes: &[u8]) -> Option<bool> {
    let text = bytes
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(bytes)
        .trim_ascii_start();
    if EVENT_LINES.iter().any(|line| text.starts_with(line)) {
        return Some(true);
    }
    let may_become = |line: &&[u8]| line.starts_with(text) || b"\xef\xbb\xbf".starts_with(text);
    (!EVENT_LINES.iter().any(may_become)).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::begins_as_events;

    #[test]
    fn a_stream_is_told_from_json_by_its_first_bytes() {
        for text in [
            "data: {}",
            "\r\n\n: ping",
            "event: x",
            "\u{feff}data:",
            "id: 1",
            ":",
        ] {
            assert_eq!(begins_as_events(text.as_bytes()), Some(true), "{text:?}");
        }
        for text in [
            "{",
            "[1]",
            "\n {\"a\": 1}",
            "<html>",
            "dates",
            "null",
            "\u{feff}{",
        ] {
            assert_eq!(begins_as_events(text.as_bytes()), Some(false), "{text:?}");
        }
        for text in ["", " ", "\n", "d", "dat", "ev", "\r\ni"] {
            assert_eq!(begins_as_events(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(begins_as_events(b"\xef"), None);
    }
}
