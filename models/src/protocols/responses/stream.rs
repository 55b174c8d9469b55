//! The events of a streamed answer.
//!
//! Deltas are passed on as they come; the reply is built from the finished items,
//! which repeat all of it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::decode::{reply, usage};
use crate::bounded::size_of;
use crate::protocols::body::{count, list, reported, text};
use crate::protocols::events::{Events, Progress};
use crate::protocols::protocol::Protocol;
use crate::{Delta, DeltaSink, ModelError, Reply};

const NAME: &str = Protocol::Responses.name();

/// How many items an answer may have.
const ITEMS_MAX: usize = 4_096;
/// How large they may be together.
const ITEMS_BYTES_MAX: usize = 64 << 20;

/// An answer being put together.
#[derive(Debug, Default)]
pub(crate) struct Items {
    done: BTreeMap<u64, Value>,
    bytes: usize,
    /// The output index of each call begun, in their order.
    calls: Vec<u64>,
    response: Value,
}

impl Events for Items {
    fn event(&mut self, event: &Value, sink: &mut dyn DeltaSink) -> Result<Progress, ModelError> {
        let index = count(event, "/output_index");
        let piece = text(event, "delta");
        match text(event, "type") {
            "response.output_text.delta" | "response.refusal.delta" => {
                sink.delta(Delta::Text(piece.to_owned()));
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                sink.delta(Delta::Reasoning(piece.to_owned()));
            }
            "response.output_item.added" => self.begin(index, event, sink)?,
            "response.function_call_arguments.delta" => {
                if let Some(index) = self.calls.iter().position(|call| *call == index) {
                    let text = piece.to_owned();
                    sink.delta(Delta::ToolArguments { index, text });
                }
            }
            "response.output_item.done" => self.end(index, event)?,
            "response.completed" | "response.incomplete" => {
                self.response = event.get("response").cloned().unwrap_or_default();
                if let Some(usage) = usage(&self.response) {
                    sink.delta(Delta::Usage(usage));
                }
                return Ok(Progress::Whole);
            }
            "response.failed" => return Err(failure(event.get("response"), event)),
            "error" => return Err(failure(None, event)),
            _ => {}
        }
        Ok(Progress::Open)
    }

    fn into_reply(self: Box<Self>) -> Result<Reply, ModelError> {
        let told = list(&self.response, "output");
        if told.is_empty() {
            // Some servers leave the list empty at the end.
            let done: Vec<Value> = self.done.into_values().collect();
            return reply(&self.response, &done);
        }
        reply(&self.response, told)
    }
}

impl Items {
    fn begin(
        &mut self,
        index: u64,
        event: &Value,
        sink: &mut dyn DeltaSink,
    ) -> Result<(), ModelError> {
        let Some(item) = event.get("item") else {
            return Ok(());
        };
        if text(item, "type") == "function_call" && !self.calls.contains(&index) {
            check(self.calls.len(), ITEMS_MAX, "the list of calls")?;
            self.calls.push(index);
            sink.delta(Delta::ToolCall {
                index: self.calls.len() - 1,
                id: text(item, "call_id").to_owned(),
                name: text(item, "name").to_owned(),
            });
        }
        Ok(())
    }

    fn end(&mut self, index: u64, event: &Value) -> Result<(), ModelError> {
        let Some(item) = event.get("item") else {
            return Ok(());
        };
        self.bytes = self.bytes.saturating_add(size_of(item));
        check(self.done.len(), ITEMS_MAX, "the list of items")?;
        check(self.bytes, ITEMS_BYTES_MAX, "the answer")?;
        self.done.insert(index, item.clone());
        Ok(())
    }
}

fn check(held: usize, limit: usize, what: &'static str) -> Result<(), ModelError> {
    if held < limit {
        return Ok(());
    }
    let limit = limit as u64;
    Err(ModelError::TooLarge { what, limit })
}

/// The failure of a response, or the one that an `error` event is.
fn failure(response: Option<&Value>, event: &Value) -> ModelError {
    let named = response.and_then(|response| reported(NAME, response));
    let event = serde_json::json!({ "error": event });
    named
        .or_else(|| reported(NAME, &event))
        .unwrap_or_else(|| ModelError::malformed(NAME, "a failure without reason", ""))
}
