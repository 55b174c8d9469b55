//! The open calls of a session, as a store keeps them beside its state.

use super::answer::ClientAnswer;
use super::journal::{Entry, Key};
use crate::tool::{Answer, Arguments};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memex_channel::{Reply, Ticket};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Version of [`SavedCalls`]' form.
pub const SAVED_CALLS_VERSION: u32 = 2;

/// What another process needs to go on with the open calls of a session: as JSON, the
/// part of a waiting session that its snapshot does not hold.
///
/// Holds arguments and replies of tools, which are as secret as the session's heap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedCalls {
    pub(super) version: u32,
    /// Whether the turn was rolled back and is to run again.
    pub(super) stopped: bool,
    /// Whether the turn runs again, and waits meanwhile.
    #[serde(default)]
    pub(super) again: bool,
    /// The number of the last call.
    pub(super) last: u64,
    /// The last ticket of an awaited call.
    pub(super) last_ticket: Ticket,
    pub(super) open: Vec<SavedCall>,
    /// Tickets of calls that the host was running: those stay behind.
    pub(super) lost: Vec<Ticket>,
    pub(super) journal: Vec<SavedEntry>,
}

/// An open call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedCall {
    pub(super) number: u64,
    pub(super) tool: String,
    pub(super) arguments: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) parts: Vec<Base64>,
    /// The guest's ticket, if it awaits the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ticket: Option<Ticket>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) answer: Option<SavedAnswer>,
    /// Whether a turn before the one at hand made it.
    #[serde(default)]
    pub(super) earlier: bool,
}

/// The answer to a call whose turn has not run again yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum SavedAnswer {
    Value { json: Value, parts: Vec<Base64> },
    Error { class: String, message: String },
}

/// A call of the turn that is to run again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedEntry {
    pub(super) key: Base64,
    pub(super) tool: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reply: Option<Base64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) call: Option<u64>,
    #[serde(default)]
    pub(super) awaited: bool,
    /// Whether the turn that waits has made it.
    #[serde(default)]
    pub(super) made: bool,
}

/// Bytes, in Base64.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Base64(pub(super) Vec<u8>);

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text.as_bytes());
        bytes.map(Self).map_err(serde::de::Error::custom)
    }
}

impl SavedCalls {
    /// Whether the turn was rolled back and is to run again.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Whether the turn was rolled back before, and waits in its second run.
    #[must_use]
    pub fn is_again(&self) -> bool {
        self.again
    }

    /// Whether this form can be read, and everything in it is of use.
    pub(in crate::broker) fn check(&self) -> Result<(), String> {
        if self.version != SAVED_CALLS_VERSION {
            return Err(format!(
                "the open calls were saved in version {}, and this program reads version {SAVED_CALLS_VERSION}",
                self.version
            ));
        }
        let known = |number: u64| number != 0 && number <= self.last;
        let mut numbers: Vec<u64> = self.open.iter().map(|call| call.number).collect();
        let mut tickets: Vec<Ticket> = self.open.iter().filter_map(|call| call.ticket).collect();
        tickets.extend(&self.lost);
        let count = (numbers.len(), tickets.len());
        numbers.sort_unstable();
        numbers.dedup();
        tickets.sort_unstable();
        tickets.dedup();
        if (numbers.len(), tickets.len()) != count
            || !numbers.iter().all(|number| known(*number))
            || tickets.iter().any(|ticket| *ticket > self.last_ticket)
            || self
                .open
                .iter()
                .any(|call| call.ticket.is_some() && call.answer.is_some())
            || (self.stopped && self.again)
            || self.last == u64::MAX
            || self.last_ticket == Ticket::MAX
        {
            return Err("the saved calls contradict each other".to_owned());
        }
        self.check_journal(&numbers)
    }

    /// Whether the journal's calls are open ones, each once. `open` ascends.
    fn check_journal(&self, open: &[u64]) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        for call in self.journal.iter().filter_map(|entry| entry.call) {
            if open.binary_search(&call).is_err() {
                return Err(format!(
                    "the saved turn waits for the call {call}, which is not open"
                ));
            }
            if !seen.insert(call) {
                return Err(format!("the saved turn names the call {call} twice"));
            }
        }
        Ok(())
    }

    pub(in crate::broker) fn lost(&self) -> &[Ticket] {
        &self.lost
    }

    /// The number of the last call of a client tool: so many have been made.
    pub(in crate::broker) fn last(&self) -> u64 {
        self.last
    }

    pub(in crate::broker) fn last_ticket(&self) -> Ticket {
        self.last_ticket
    }

    /// The open calls, taken apart.
    pub(in crate::broker) fn open(&self) -> impl Iterator<Item = RestoredCall> + '_ {
        self.open.iter().map(|call| RestoredCall {
            number: call.number,
            tool: call.tool.clone(),
            arguments: Arguments {
                json: call.arguments.clone(),
                parts: call.parts.iter().map(|part| part.0.clone()).collect(),
            },
            ticket: call.ticket,
            answer: call.answer.as_ref().map(restored_answer),
            earlier: call.earlier,
        })
    }

    /// The journal's entries, of which a turn that was stopped has made none.
    pub(in crate::broker) fn journal(&self) -> Result<Vec<Entry>, String> {
        let entries = self.journal.iter().map(|saved| {
            let key = <[u8; 32]>::try_from(saved.key.0.as_slice());
            let key = Key(key.map_err(|_| "a key of a saved call is not 32 bytes".to_owned())?);
            let reply = saved.reply.as_ref().map(|bytes| Reply::decode(&bytes.0));
            let reply = reply
                .transpose()
                .map_err(|error| format!("a saved reply cannot be read: {error}"))?;
            Ok(Entry {
                key,
                tool: saved.tool.clone(),
                reply,
                call: saved.call,
                awaited: saved.awaited,
                made: saved.made && !self.stopped,
            })
        });
        entries.collect()
    }
}

/// An open call of a session that was saved.
pub(in crate::broker) struct RestoredCall {
    pub(in crate::broker) number: u64,
    pub(in crate::broker) tool: String,
    pub(in crate::broker) arguments: Arguments,
    pub(in crate::broker) ticket: Option<Ticket>,
    pub(in crate::broker) answer: Option<ClientAnswer>,
    pub(in crate::broker) earlier: bool,
}

fn restored_answer(saved: &SavedAnswer) -> ClientAnswer {
    match saved {
        SavedAnswer::Value { json, parts } => ClientAnswer::Value(Answer {
            json: json.clone(),
            parts: parts.iter().map(|part| part.0.clone()).collect(),
        }),
        SavedAnswer::Error { class, message } => ClientAnswer::Error {
            class: class.clone(),
            message: message.clone(),
        },
    }
}
