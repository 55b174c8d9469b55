//! The events of a streamed answer.

use std::collections::BTreeMap;

use memex_channel::TreeSize;
use serde_json::{Map, Value};

use super::decode::{is_call, keep, put_block, put_usage, stop_reason};
use crate::bounded::{VALUES_BYTES_MAX, size_of};
use crate::protocols::body::{count, text};
use crate::protocols::events::{Events, Progress};
use crate::protocols::parts::Parts;
use crate::protocols::protocol::Protocol;
use crate::{Delta, DeltaSink, ModelError, Reply, Usage};

const NAME: &str = Protocol::Messages.name();

/// How many blocks may be open at once.
const OPEN_BLOCKS_MAX: usize = 64;
/// What blocks may take together as they begin: some are kept as they are.
const BLOCKS_BYTES_MAX: usize = 64 << 20;

/// An answer being put together.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    parts: Parts,
    /// Blocks begun and not yet ended, as they will be kept.
    open: BTreeMap<u64, Map<String, Value>>,
    /// What all blocks took as they began.
    bytes: usize,
    model: String,
    id: String,
    reason: String,
    usage: Usage,
}

impl Events for Blocks {
    fn event(&mut self, event: &Value, sink: &mut dyn DeltaSink) -> Result<Progress, ModelError> {
        let place = count(event, "/index");
        let nothing = Value::Null;
        match text(event, "type") {
            "message_start" => {
                let message = event.get("message").unwrap_or(&nothing);
                text(message, "model").clone_into(&mut self.model);
                text(message, "id").clone_into(&mut self.id);
                self.figures(message, sink);
            }
            "content_block_start" => {
                let block = event.get("content_block").unwrap_or(&nothing);
                self.begin(place, block, sink)?;
            }
            "content_block_delta" => {
                let delta = event.get("delta").unwrap_or(&nothing);
                self.extend(place, delta, sink)?;
            }
            "content_block_stop" => {
                if let Some(mut block) = self.open.remove(&place) {
                    settle_input(&mut block);
                    keep(&mut self.parts, place, &Value::Object(block))?;
                }
            }
            "message_delta" => {
                let reason = event.pointer("/delta/stop_reason");
                if let Some(reason) = reason.and_then(Value::as_str) {
                    reason.clone_into(&mut self.reason);
                }
                self.figures(event, sink);
            }
            "message_stop" => return Ok(Progress::Whole),
            _ => {}
        }
        Ok(Progress::Open)
    }

    fn into_reply(self: Box<Self>) -> Result<Reply, ModelError> {
        Ok(Reply {
            stop: stop_reason(&self.reason, self.parts.has_calls()),
            message: self.parts.into_message(),
            usage: self.usage,
            model: self.model,
            id: self.id,
        })
    }
}

impl Blocks {
    fn figures(&mut self, body: &Value, sink: &mut dyn DeltaSink) {
        if put_usage(&mut self.usage, body) {
            sink.delta(Delta::Usage(self.usage));
        }
    }

    fn begin(
        &mut self,
        place: u64,
        block: &Value,
        sink: &mut dyn DeltaSink,
    ) -> Result<(), ModelError> {
        let Value::Object(members) = block else {
            let what = "a block without content";
            return Err(ModelError::malformed(NAME, what, &block.to_string()));
        };
        if self.open.len() >= OPEN_BLOCKS_MAX {
            return Err(ModelError::TooLarge {
                what: "the list of open blocks",
                limit: OPEN_BLOCKS_MAX as u64,
            });
        }
        self.bytes = self.bytes.saturating_add(size_of(block));
        if self.bytes > BLOCKS_BYTES_MAX {
            return Err(ModelError::TooLarge {
                what: "the blocks of the answer",
                limit: BLOCKS_BYTES_MAX as u64,
            });
        }
        put_block(&mut self.parts, place, block, sink)?;
        // Arguments may stand here whole, where there is nothing to stream.
        let input = block.get("input").filter(|_| is_call(block));
        let input = input.and_then(Value::as_object);
        if let Some(input) = input.filter(|input| !input.is_empty()) {
            let input = Value::Object(input.clone()).to_string();
            self.parts.arguments(place, &input, sink)?;
        }
        self.open.insert(place, members.clone());
        Ok(())
    }

    fn extend(
        &mut self,
        place: u64,
        delta: &Value,
        sink: &mut dyn DeltaSink,
    ) -> Result<(), ModelError> {
        let Some(block) = self.open.get_mut(&place) else {
            let what = "a piece of a block that was not begun";
            return Err(ModelError::malformed(NAME, what, &delta.to_string()));
        };
        match text(delta, "type") {
            "text_delta" => self.parts.text(place, text(delta, "text"), sink),
            "input_json_delta" if self.parts.has(place) => {
                let piece = text(delta, "partial_json");
                self.parts.arguments(place, piece, sink)
            }
            // A tool that the provider runs itself: its block goes back whole.
            "input_json_delta" => {
                append(block, PIECES, text(delta, "partial_json"));
                Ok(())
            }
            "thinking_delta" => {
                let piece = text(delta, "thinking");
                append(block, "thinking", piece);
                self.parts.reasoning(place, piece, sink)
            }
            "signature_delta" => {
                append(block, "signature", text(delta, "signature"));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Where the pieces of an input gather until it is whole.
const PIECES: &str = "partial_json";

fn settle_input(block: &mut Map<String, Value>) {
    let pieces = block.remove(PIECES);
    let input = pieces.as_ref().and_then(Value::as_str);
    let input = input.filter(|text| TreeSize::of(text.as_bytes()) <= VALUES_BYTES_MAX);
    if let Some(Ok(input)) = input.map(serde_json::from_str::<Value>) {
        block.insert("input".to_owned(), input);
    }
}

/// Thoughts go back as they came, with the signature over them.
fn append(block: &mut Map<String, Value>, name: &str, piece: &str) {
    match block.get_mut(name) {
        Some(Value::String(held)) => held.push_str(piece),
        _ => {
            block.insert(name.to_owned(), piece.into());
        }
    }
}
