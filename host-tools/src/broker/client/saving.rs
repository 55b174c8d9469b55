//! Saving the open calls of a session.

use super::super::awaited::Awaited;
use super::super::running::Ended;
use super::desk::{Desk, Run, State};
use super::saved::{Base64, SAVED_CALLS_VERSION, SavedAnswer, SavedCall, SavedCalls, SavedEntry};
use memex_channel::Ticket;
use std::collections::BTreeSet;

impl Desk {
    /// What another process needs to go on with the calls.
    pub(super) fn save(&self, awaited: &Awaited) -> SavedCalls {
        let (last_ticket, mut lost) = awaited.tickets();
        let open = self.open.iter().map(|(number, open)| {
            let (ticket, answer) = match &open.state {
                State::Awaited(completion) => (Some(completion.ticket()), None),
                State::Held { answer, .. } | State::Stopped { answer } => {
                    (None, answer.as_ref().and_then(saved_answer))
                }
            };
            SavedCall {
                number: *number,
                tool: open.tool.spec().name.clone(),
                arguments: open.arguments.json.clone(),
                parts: open.arguments.parts.iter().cloned().map(Base64).collect(),
                ticket,
                answer,
                earlier: open.turn != self.turn,
            }
        });
        let open: Vec<SavedCall> = open.collect();
        let kept: BTreeSet<Ticket> = open.iter().filter_map(|call| call.ticket).collect();
        lost.retain(|ticket| !kept.contains(ticket));
        let journal = self.journal.entries.iter().map(|entry| SavedEntry {
            key: Base64(entry.key.0.to_vec()),
            tool: entry.tool.clone(),
            reply: entry.reply.as_ref().map(|reply| Base64(reply.encode())),
            // One that is closed and has no reply is made anew.
            call: entry.call.filter(|call| self.open.contains_key(call)),
            awaited: entry.awaited,
            made: entry.made,
        });
        SavedCalls {
            version: SAVED_CALLS_VERSION,
            stopped: self.run == Run::Stopped,
            again: self.run == Run::Again,
            last: self.last,
            last_ticket,
            open,
            lost,
            journal: journal.collect(),
        }
    }
}

fn saved_answer(ended: &Ended) -> Option<SavedAnswer> {
    match ended {
        Ended::Answered(Ok(answer)) => Some(SavedAnswer::Value {
            json: answer.json.clone(),
            parts: answer.parts.iter().cloned().map(Base64).collect(),
        }),
        Ended::Answered(Err(error)) => Some(SavedAnswer::Error {
            class: error.class.to_owned(),
            message: error.message.clone(),
        }),
        // What ended otherwise was no answer: the call is open again.
        Ended::TimedOut(_) | Ended::Cancelled | Ended::Panicked(_) => None,
    }
}
