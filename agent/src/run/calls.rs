//! Carrying out calls of tools in tools space: those of one reply side by side.
//!
//! ```text
//!  calls ──► at most 16 under way ──► answers, as they come ──► results, in the calls' order
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use memex_channel::{Frame, HostCalls as _, OP_CALL, Reply, Ticket, TurnHandle as _, Waited};
use memex_host_tools::{Broker, result_of};
use memex_trajectories::{Display, Observation, Step, StepKind, Timing, ToolResult};
use serde_json::{Value, json};
use tokio::task::block_in_place;

use super::dialect::Dialect;
use super::hands::Hands;
use super::state::Loop;
use super::watcher::Watcher;
use crate::Error;
use crate::harness::SubmissionSlot;
use crate::observation::{cut, pictures_in, result_text};
use crate::reading::RequestedCall;
use crate::recorder::millis;
use crate::scope::{Bell, Waiting};

/// Calls of a reply that are under way at once.
const PARALLEL_MAX: usize = 16;
/// Calls of a reply that are made at all.
const CALLS_MAX: usize = 128;

/// The outcome of a call.
struct Made {
    text: String,
    /// The pictures in it.
    pictures: Vec<Display>,
    is_error: bool,
    took: Duration,
}

impl<D: Dialect> Loop<D> {
    /// Makes the calls of a reply and reports each result to the model.
    pub(super) fn make_calls(
        &mut self,
        calls: Vec<RequestedCall>,
        watcher: &mut dyn Watcher,
    ) -> Result<(), Error> {
        let began = Instant::now();
        let made = match &mut self.hands {
            Hands::Tools(broker) => {
                let bell = Arc::<Bell>::default();
                self.cancellation.watch(Arc::clone(&bell) as _);
                broker.begin_turn();
                let under_way = Calls::new(broker, &self.slot, &bell);
                let made = block_in_place(|| under_way.make(&calls));
                self.cancellation.unwatch();
                made
            }
            Hands::Code(_) | Hands::Lent(_) => {
                calls.iter().map(|call| Some(not_a_tool(call))).collect()
            }
        };
        let max_chars = self.dialect.result_max_chars();
        // After an accepted answer nothing further was called.
        let results = calls.into_iter().zip(made).filter_map(|(call, made)| {
            let made = made?;
            let result = ToolResult {
                call_id: call.id,
                name: call.name,
                content: cut(&made.text, max_chars, "; ask for less").into_owned(),
                value: None,
                is_error: made.is_error,
                duration_ms: Some(millis(made.took)),
            };
            Some((result, made.pictures))
        });
        let (mut results, pictures): (Vec<ToolResult>, Vec<Vec<Display>>) = results.unzip();
        // Of each call they are known by itself.
        drop(self.results.take_pictures());
        let mut notes = self.results.take_notes();
        notes.extend(self.last_turn_note().map(|note| format!("\n{note}")));
        if let Some(last) = results.last_mut() {
            for note in notes {
                last.content.push('\n');
                last.content.push_str(&note);
            }
        }
        for (result, pictures) in results.iter().zip(&pictures) {
            self.dialect
                .result(&result.call_id, &result.content, result.is_error);
            self.dialect.show(pictures);
        }
        let displays = recorded(&results, pictures);
        let step = Step {
            kind: StepKind::Tool,
            observation: (!displays.is_empty()).then(|| Observation {
                displays,
                ..Observation::default()
            }),
            results,
            timing: Some(Timing {
                run_ms: Some(millis(began.elapsed())),
                ..Timing::default()
            }),
            ..Step::default()
        };
        self.record(step, watcher)
    }
}

/// The pictures of calls, each under the id of its call.
fn recorded(results: &[ToolResult], pictures: Vec<Vec<Display>>) -> Vec<Display> {
    let each = results.iter().zip(pictures);
    let titled = each.flat_map(|(result, pictures)| {
        pictures.into_iter().map(|picture| Display {
            title: Some(result.call_id.clone()),
            ..picture
        })
    });
    titled.collect()
}

/// The same gate that guest code passes: what a call may do does not depend on
/// the space.
struct Calls<'a> {
    broker: &'a mut Broker,
    slot: &'a SubmissionSlot,
    waiting: Waiting,
    /// The places of calls under way, and when they began.
    under_way: BTreeMap<Ticket, (usize, Instant)>,
    made: Vec<Option<Made>>,
}

impl<'a> Calls<'a> {
    fn new(broker: &'a mut Broker, slot: &'a SubmissionSlot, bell: &Arc<Bell>) -> Self {
        Self {
            broker,
            slot,
            waiting: Waiting::on(bell),
            under_way: BTreeMap::new(),
            made: Vec::new(),
        }
    }

    fn make(mut self, calls: &[RequestedCall]) -> Vec<Option<Made>> {
        self.made.resize_with(calls.len(), || None);
        let mut queue: VecDeque<(usize, &RequestedCall)> = calls.iter().enumerate().collect();
        self.broker.wake_with(self.waiting.waker());
        loop {
            while self.under_way.len() < PARALLEL_MAX
                && !self.slot.is_filled()
                && let Some((place, call)) = queue.pop_front()
            {
                self.begin(place, call);
            }
            if self.under_way.is_empty() {
                return self.made;
            }
            let broker = &*self.broker;
            let waited = self.waiting.wait(None, &mut || broker.has_answers());
            for (ticket, reply) in self.broker.take_answers() {
                if let Some((place, began)) = self.under_way.remove(&ticket) {
                    self.settle(place, told(&reply, began));
                }
            }
            if waited == Waited::Interrupted {
                self.broker.roll_back();
                let given_up = std::mem::take(&mut self.under_way).into_values();
                for (place, began) in given_up {
                    self.settle(
                        place,
                        failed("InterruptedError: the call was given up", began),
                    );
                }
                return self.made;
            }
        }
    }

    fn begin(&mut self, place: usize, call: &RequestedCall) {
        let began = Instant::now();
        let arguments = match &call.arguments {
            Ok(arguments) if place < CALLS_MAX => arguments,
            Ok(_) => {
                let text = format!("error: not made: a reply may hold {CALLS_MAX} calls");
                return self.settle(place, failed(text, began));
            }
            Err(what) => return self.settle(place, failed(format!("error: {what}"), began)),
        };
        let head = json!({ "tool": call.name, "arguments": arguments, "await": true }).to_string();
        let frame = Frame {
            op: OP_CALL,
            head: head.as_bytes(),
            parts: Vec::new(),
        };
        let reply = self.broker.call(&frame, &self.waiting);
        match ticket(&reply) {
            Some(ticket) => _ = self.under_way.insert(ticket, (place, began)),
            None => self.settle(place, told(&reply, began)),
        }
    }

    fn settle(&mut self, place: usize, made: Made) {
        if let Some(slot) = self.made.get_mut(place) {
            *slot = Some(made);
        }
    }
}

/// The ticket of a call that is answered later. A tool's own result is never at
/// this place.
fn ticket(reply: &Reply) -> Option<Ticket> {
    let head: Value = serde_json::from_slice(&reply.head).ok()?;
    head.get("ticket")?.as_u64().filter(|_| reply.ok)
}

fn told(reply: &Reply, began: Instant) -> Made {
    if !reply.ok {
        let head: Value = serde_json::from_slice(&reply.head).unwrap_or_default();
        let word = |key: &str| head.get(key).and_then(Value::as_str).unwrap_or_default();
        return failed(format!("{}: {}", word("type"), word("message")), began);
    }
    let result = match result_of(reply) {
        Ok(result) => result,
        Err(what) => return failed(format!("error: the answer cannot be read: {what}"), began),
    };
    let text = result_text(&result, &reply.parts);
    Made {
        pictures: pictures_in(&result, &reply.parts),
        text: match text.is_empty() {
            true => "(no output)".to_owned(),
            false => text,
        },
        is_error: false,
        took: began.elapsed(),
    }
}

fn failed(text: impl Into<String>, began: Instant) -> Made {
    Made {
        text: text.into(),
        pictures: Vec::new(),
        is_error: true,
        took: began.elapsed(),
    }
}

fn not_a_tool(call: &RequestedCall) -> Made {
    let text = match &call.arguments {
        Err(what) => format!("error: {what}"),
        Ok(_) => format!(
            "error: there is no tool {:?} here; call `python` with a block of code",
            call.name
        ),
    };
    failed(text, Instant::now())
}
