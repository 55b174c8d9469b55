//! An answer that comes piece by piece, whatever its protocol.

use serde_json::Value;

use super::body::{failed, reported};
use super::events::{Events, Progress};
use super::protocol::Protocol;
use super::{chat_completions, messages, responses};
use crate::bounded::check_values;
use crate::sse::{SseEvent, SseReader};
use crate::{DeltaSink, ModelError, Reply};

/// Reads one answer from its bytes, in pieces of any size.
pub struct ReplyStream {
    protocol: Protocol,
    reader: SseReader,
    events: Box<dyn Events>,
    progress: Progress,
    bytes: u64,
}

impl ReplyStream {
    pub(super) fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            reader: SseReader::default(),
            events: match protocol {
                Protocol::ChatCompletions => Box::<chat_completions::Chunks>::default(),
                Protocol::Responses => Box::<responses::Items>::default(),
                Protocol::Messages => Box::<messages::Blocks>::default(),
            },
            progress: Progress::Open,
            bytes: 0,
        }
    }

    /// Takes the next bytes. True if the answer is whole: what still comes
    /// need not be read.
    ///
    /// # Errors
    /// [`ModelError::Malformed`], [`ModelError::TooLarge`], and
    /// [`ModelError::Reported`] if the provider says that it failed.
    pub fn push(&mut self, bytes: &[u8], sink: &mut dyn DeltaSink) -> Result<bool, ModelError> {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        for event in self.reader.push(bytes)? {
            if self.progress == Progress::Whole {
                break;
            }
            self.event(&event, sink)?;
        }
        Ok(self.progress == Progress::Whole)
    }

    /// The reply, when no more bytes come.
    ///
    /// # Errors
    /// [`ModelError::Cut`] if the answer is not whole.
    pub fn finish(mut self, sink: &mut dyn DeltaSink) -> Result<Reply, ModelError> {
        let cut = ModelError::Cut {
            protocol: self.protocol.name(),
            bytes: self.bytes,
        };
        if self.progress != Progress::Whole
            && let Some(event) = std::mem::take(&mut self.reader).finish()
        {
            match self.event(&event, sink) {
                // The last event itself is cut.
                Err(ModelError::Malformed { .. }) => return Err(cut),
                other => other?,
            }
        }
        if self.progress == Progress::Open {
            return Err(cut);
        }
        self.events.into_reply()
    }

    fn event(&mut self, event: &SseEvent, sink: &mut dyn DeltaSink) -> Result<(), ModelError> {
        let data = event.data.trim();
        if data.is_empty() {
            return Ok(());
        }
        if data == "[DONE]" {
            // Only chat completions end by it; others may send it after theirs.
            if self.protocol == Protocol::ChatCompletions {
                self.progress = Progress::Whole;
            }
            return Ok(());
        }
        let name = self.protocol.name();
        check_values(
            data.as_bytes(),
            "what an event of the answer takes as values",
        )?;
        if event.name == "error" {
            return Err(failed(name, data));
        }
        let value: Value = serde_json::from_str(data).map_err(|error| {
            ModelError::malformed(name, format!("an event is not JSON ({error})"), data)
        })?;
        if let Some(error) = reported(name, &value) {
            return Err(error);
        }
        self.progress = match (self.events.event(&value, sink)?, self.progress) {
            (Progress::Open, Progress::MayEnd) => Progress::MayEnd,
            (progress, _) => progress,
        };
        Ok(())
    }
}

impl std::fmt::Debug for ReplyStream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut output = formatter.debug_struct("ReplyStream");
        output.field("protocol", &self.protocol);
        output.field("bytes", &self.bytes);
        output.finish_non_exhaustive()
    }
}
