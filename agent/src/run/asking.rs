//! Asking the model, and the record of what it says.

use std::time::{Duration, Instant};

use memex_host_tools::LargeInteger;
use memex_models::{Delta, DeltaSink, Message, Reply, StopReason};
use memex_trajectories::{Budget, Status, Step, StepKind, Timing, ToolCall, Usage};
use serde_json::Value;

use super::dialect::Dialect;
use super::state::Loop;
use super::watcher::Watcher;
use crate::Error;
use crate::reading::Action;
use crate::recorder::{fenced, millis};

/// A wait that no clock can overflow.
const LONGEST_WAIT: Duration = Duration::from_secs(1 << 30);
/// How often a conversation is made shorter for one reply. Each time leaves three fifths at
/// most: from 128,000 tokens to 4,000.
const SHORTER_MAX: u32 = 7;
/// Room of a reply that is longer than any sensible one: of all of it, also what is only kept
/// for the way back, since all of it stays in the conversation.
const REPLY_BYTES_MAX: usize = 4 << 20;

impl<D: Dialect> Loop<D> {
    /// Asks the model, and again with a shorter conversation as long as it is too long and
    /// becomes shorter. The inner error is an end by something other than the model.
    pub(super) async fn ask(
        &mut self,
        watcher: &mut dyn Watcher,
    ) -> Result<Result<(Reply, Timing), Status>, Error> {
        let mut asked = self.request(watcher).await;
        for _ in 0..SHORTER_MAX {
            match &asked {
                Err(Error::Model(error))
                    if error.is_context_overflow()
                        && self.dialect.shorten(&self.scope_names, true) => {}
                _ => break,
            }
            asked = self.request(watcher).await;
        }
        asked
    }

    async fn request(
        &mut self,
        watcher: &mut dyn Watcher,
    ) -> Result<Result<(Reply, Timing), Status>, Error> {
        let began = Instant::now();
        let deadline = self.ledger.deadline();
        let mut sink = Sink {
            watcher,
            began,
            first: None,
        };
        let request = self.dialect.request();
        let replied = tokio::select! {
            // In this order: a model that the watcher was told of is asked, and a reply
            // that is there is taken.
            biased;
            reply = self.model.complete(&request, &mut sink) => reply,
            () = self.cancellation.cancelled() => return Ok(Err(Status::Cancelled)),
            () = passed(deadline) => return Ok(Err(Status::Exhausted { budget: Budget::WallTime })),
        };
        let first_token_ms = sink.first.map(millis);
        let reply = replied?;
        let timing = Timing {
            model_ms: Some(millis(began.elapsed())),
            first_token_ms,
            run_ms: None,
        };
        Ok(Ok((reply, timing)))
    }

    pub(super) fn record_reply(
        &mut self,
        reply: &Reply,
        action: &Action,
        timing: Timing,
        watcher: &mut dyn Watcher,
    ) -> Result<(), Error> {
        let priced = self.prices.cost(&reply.model, &reply.usage);
        let cost = priced.or_else(|| self.prices.cost(self.model.name(), &reply.usage));
        self.ledger.reply(&reply.usage, cost);
        self.spent.add(&reply.usage, cost);
        let mut step = Step {
            kind: StepKind::Model,
            text: reply.message.text(),
            reasoning: Some(reply.message.reasoning()).filter(|text| !text.is_empty()),
            finish_reason: Some(stop_word(&reply.stop)),
            usage: Some(Usage {
                input_tokens: reply.usage.input,
                cached_tokens: reply.usage.cached_input,
                output_tokens: reply.usage.output,
                cost_usd: cost.map(memex_models::Cost::usd),
            }),
            timing: Some(timing),
            ..Step::default()
        };
        let bytes = size_of(&reply.message);
        if bytes > REPLY_BYTES_MAX {
            return Err(Error::LongReply {
                bytes,
                limit: REPLY_BYTES_MAX,
            });
        }
        match action {
            Action::Code { code, call_id, .. } => {
                if let Some(id) = call_id {
                    step.text.push_str(&fenced(code));
                    step.metadata.insert("call_id".into(), id.as_str().into());
                }
                step.code = Some(code.clone());
            }
            Action::Result { unrun, .. } => step.code.clone_from(unrun),
            _ => step.tool_calls = reply.message.tool_calls().map(recorded).collect(),
        }
        self.record(step, watcher)
    }
}

/// The bytes of a message, in JSON.
fn size_of(message: &Message) -> usize {
    struct Counted(usize);
    impl std::io::Write for Counted {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.saturating_add(bytes.len());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut counted = Counted(0);
    match serde_json::to_writer(&mut counted, message) {
        Ok(()) => counted.0,
        Err(_) => usize::MAX,
    }
}

fn recorded(call: &memex_models::ToolCall) -> ToolCall {
    ToolCall {
        id: call.id.clone(),
        name: call.name.clone(),
        arguments: match LargeInteger::find(call.arguments.as_bytes(), 1) {
            None => call.parsed_arguments().ok(),
            // The record has what was said.
            Some(_) => None,
        }
        .unwrap_or_else(|| Value::String(call.arguments.clone())),
    }
}

/// Done when the time is up; never, if there is no such time.
async fn passed(deadline: Option<Instant>) {
    let Some(deadline) = deadline else {
        return std::future::pending().await;
    };
    let left = deadline.saturating_duration_since(Instant::now());
    tokio::time::sleep(left.min(LONGEST_WAIT)).await;
}

/// Passes a reply on while it is written, and notes when it begins.
struct Sink<'a> {
    watcher: &'a mut dyn Watcher,
    began: Instant,
    first: Option<Duration>,
}

impl DeltaSink for Sink<'_> {
    fn delta(&mut self, delta: Delta) {
        let elapsed = self.began.elapsed();
        self.first.get_or_insert(elapsed);
        self.watcher.delta(&delta);
    }
}

fn stop_word(stop: &StopReason) -> String {
    match serde_json::to_value(stop) {
        Ok(Value::String(word)) => word,
        Ok(Value::Object(map)) => map.values().filter_map(Value::as_str).collect(),
        _ => String::new(),
    }
}
