//! Asking the model, and the record of what it says.

use std::time::{Duration, Instant};

use memex_models::{Delta, DeltaSink, ModelError, Reply, StopReason};
use memex_trajectories::{Budget, Status, Step, StepKind, Timing, ToolCall, Usage};
use serde_json::Value;

use super::driver::{fenced, millis};
use super::{Driver, Watcher};
use crate::Error;
use crate::reading::{Action, read};

/// A wait that no clock can overflow.
const LONGEST_WAIT: Duration = Duration::from_secs(1 << 30);

impl Driver {
    /// Asks the model, and once more with a shorter conversation if it was too
    /// long.
    pub(super) fn ask(&mut self) -> Result<Reply, Status> {
        let failed = |error: &ModelError| Status::Failed {
            reason: error.to_string(),
        };
        let first = self.request()?;
        let reply = match first {
            Err(error) if error.is_context_overflow() => {
                if self.conversation.compact(&self.scope_names) == 0 {
                    return Err(failed(&error));
                }
                self.request()?
            }
            other => other,
        };
        reply.map_err(|error| failed(&error))
    }

    /// One request, with its record; the outer error is an end by something
    /// other than the model.
    fn request(&mut self) -> Result<Result<Reply, ModelError>, Status> {
        let began = Instant::now();
        let left = self.ledger.deadline();
        let left = left.map_or(Duration::MAX, |at| at.saturating_duration_since(began));
        let mut sink = Sink {
            watcher: &mut *self.watcher,
            began,
            first: None,
        };
        let (model, request) = (&self.model, self.conversation.request());
        let cancellation = &self.cancellation;
        let replied = self.reactor.block_on(async {
            tokio::select! {
                reply = model.complete(request, &mut sink) => Ok(reply),
                () = cancellation.cancelled() => Err(Status::Cancelled),
                () = tokio::time::sleep(left.min(LONGEST_WAIT)) => Err(Status::Exhausted {
                    budget: Budget::WallTime,
                }),
            }
        });
        let first_token_ms = sink.first.map(millis);
        let reply = match replied? {
            Ok(reply) => reply,
            Err(error) => return Ok(Err(error)),
        };
        let timing = Timing {
            model_ms: Some(millis(began.elapsed())),
            first_token_ms,
            run_ms: None,
        };
        match self.record_reply(&reply, timing) {
            Ok(()) => Ok(Ok(reply)),
            Err(error) => Err(Status::Failed {
                reason: error.to_string(),
            }),
        }
    }

    fn record_reply(&mut self, reply: &Reply, timing: Timing) -> Result<(), Error> {
        let prices = &self.agent.inner.prices;
        let priced = prices.cost(&reply.model, &reply.usage);
        let cost = priced.or_else(|| prices.cost(self.model.name(), &reply.usage));
        self.ledger.reply(&reply.usage, cost);
        let form = self.config.code_form;
        let action = read(reply, self.config.action_space, form, self.submits);
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
        let calls = reply.message.tool_calls();
        match action {
            Action::Code { code, call_id, .. } => {
                step.code = Some(code);
                if let (Some(id), Some(code)) = (call_id, &step.code) {
                    step.text.push_str(&fenced(code));
                    step.metadata.insert("call_id".into(), id.into());
                }
            }
            _ => {
                let read = |call: &memex_models::ToolCall| ToolCall {
                    id: call.id.clone(),
                    name: call.name.clone(),
                    arguments: call
                        .parsed_arguments()
                        .unwrap_or_else(|_| Value::String(call.arguments.clone())),
                };
                step.tool_calls = calls.map(read).collect();
            }
        }
        self.record(step)
    }
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
