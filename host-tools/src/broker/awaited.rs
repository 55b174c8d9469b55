//! Awaited calls: they run as tasks while the guest goes on.
//!
//! ```text
//!  start ─► under way ──finish──► due ──take──► taken ──begin_turn──► gone
//!               │                  ▲ │             │
//!               │ roll_back        │ │ roll_back   │ roll_back (calls of
//!               ▼ (of this turn)   └─┼─────────────┘  earlier turns)
//!           cancelled            gone (of this turn)
//! ```

use super::budget::Budget;
use super::permission::Usage;
use super::running::{Ended, Running};
use super::settlement::{settle, size};
use crate::audit::Account;
use memex_channel::{Reply, Ticket};
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// The awaited calls of a session. Dropping it cancels them.
#[derive(Default)]
pub(super) struct Awaited {
    calls: Arc<Mutex<Calls>>,
}

#[derive(Default)]
struct Calls {
    turn: u64,
    last: Ticket,
    under_way: BTreeMap<Ticket, UnderWay>,
    due: VecDeque<Due>,
    /// Answers taken in this turn to calls of earlier ones: kept until it
    /// cannot be rolled back.
    taken: Vec<Due>,
    bytes: usize,
    waker: Option<Waker>,
}

struct UnderWay {
    turn: u64,
    bytes: usize,
    cancelled: CancellationToken,
}

struct Due {
    ticket: Ticket,
    turn: u64,
    reply: Reply,
}

/// A call as it becomes a task.
pub(super) struct Task {
    pub(super) running: Running,
    pub(super) cancelled: CancellationToken,
    pub(super) deadline: Instant,
    pub(super) time: Duration,
    pub(super) bytes: usize,
    pub(super) end: End,
}

/// What it takes to end a call.
pub(super) struct End {
    pub(super) tool: Arc<dyn crate::tool::Tool>,
    pub(super) account: Account,
    pub(super) budget: Budget,
}

impl Awaited {
    /// Takes a call, which its completion ends. `known` are the turn that made it and the
    /// ticket that the guest has of it already, in a session that was saved.
    pub(super) fn take_call(
        &self,
        known: Option<(u64, Ticket)>,
        bytes: usize,
        cancelled: CancellationToken,
        end: End,
    ) -> Completion {
        let mut calls = lock(&self.calls);
        let (turn, ticket) = known.unwrap_or_else(|| {
            calls.last += 1;
            (calls.turn, calls.last)
        });
        calls.bytes = calls.bytes.saturating_add(bytes);
        let under_way = UnderWay {
            turn,
            bytes,
            cancelled,
        };
        calls.under_way.insert(ticket, under_way);
        drop(calls);
        Completion {
            calls: Arc::clone(&self.calls),
            ticket,
            end: Some(end),
        }
    }

    /// Hands a call to the runtime.
    pub(super) fn start(&self, task: Task, runtime: &tokio::runtime::Handle) -> Ticket {
        let Task {
            mut running,
            cancelled,
            deadline,
            time,
            bytes,
            end,
        } = task;
        let completion = self.take_call(None, bytes, cancelled.clone(), end);
        let ticket = completion.ticket();
        runtime.spawn(async move {
            // Dropped with the task if the runtime ends.
            let completion = completion;
            let answered =
                tokio::time::timeout_at(deadline.into(), poll_fn(|context| running.poll(context)));
            let ended = match cancelled.run_until_cancelled(answered).await {
                Some(Ok(ended)) => ended,
                Some(Err(_)) => Ended::TimedOut(time),
                None => Ended::Cancelled,
            };
            cancelled.cancel();
            let ended = running.end(ended);
            completion.finish(ended);
        });
        ticket
    }

    pub(super) fn usage(&self) -> Usage {
        let calls = lock(&self.calls);
        Usage {
            calls: calls.under_way.len() + calls.due.len(),
            bytes: calls.bytes,
        }
    }

    pub(super) fn pending(&self) -> usize {
        self.usage().calls
    }

    pub(super) fn has_answers(&self) -> bool {
        !lock(&self.calls).due.is_empty()
    }

    pub(super) fn take(&self) -> Vec<(Ticket, Reply)> {
        let mut calls = lock(&self.calls);
        let calls = &mut *calls;
        let mut answers = Vec::with_capacity(calls.due.len());
        for due in calls.due.drain(..) {
            // Rolling back a turn forgets the calls that it made itself.
            if due.turn == calls.turn {
                calls.bytes = calls.bytes.saturating_sub(size(&due.reply));
                answers.push((due.ticket, due.reply));
            } else {
                answers.push((due.ticket, due.reply.clone()));
                calls.taken.push(due);
            }
        }
        answers
    }

    /// The replies that have come, without taking them.
    pub(super) fn look_at_due(&self, mut look: impl FnMut(Ticket, &Reply)) {
        for due in &lock(&self.calls).due {
            look(due.ticket, &due.reply);
        }
    }

    /// The last ticket, and the tickets whose replies the guest awaits.
    pub(super) fn tickets(&self) -> (Ticket, Vec<Ticket>) {
        let calls = lock(&self.calls);
        let due = calls.due.iter().map(|due| due.ticket);
        let tickets = calls.under_way.keys().copied().chain(due);
        (calls.last, tickets.collect())
    }

    /// Goes on after the ticket `last` of a session that was saved, in the turn `turn`, with
    /// replies to calls of the turn `before` that are due at once.
    pub(super) fn restore(
        &self,
        last: Ticket,
        (turn, before): (u64, u64),
        due: impl IntoIterator<Item = (Ticket, Reply)>,
    ) {
        let mut calls = lock(&self.calls);
        calls.last = calls.last.max(last);
        calls.turn = turn;
        for (ticket, reply) in due {
            calls.bytes = calls.bytes.saturating_add(size(&reply));
            // A rollback does not forget it: the task that awaits it may be of that turn.
            calls.due.push_back(Due {
                ticket,
                turn: before,
                reply,
            });
        }
    }

    pub(super) fn begin_turn(&self) {
        let mut calls = lock(&self.calls);
        calls.turn += 1;
        let taken = std::mem::take(&mut calls.taken);
        let bytes: usize = taken.iter().map(|due| size(&due.reply)).sum();
        calls.bytes = calls.bytes.saturating_sub(bytes);
    }

    pub(super) fn roll_back(&self) {
        let mut calls = lock(&self.calls);
        let turn = calls.turn;
        calls.cancel(|call| call.turn == turn);
        let taken = std::mem::take(&mut calls.taken);
        for due in taken.into_iter().rev() {
            calls.due.push_front(due);
        }
        let due = std::mem::take(&mut calls.due);
        let (forgotten, due): (VecDeque<Due>, _) =
            due.into_iter().partition(|due| due.turn == turn);
        calls.due = due;
        let bytes: usize = forgotten.iter().map(|due| size(&due.reply)).sum();
        calls.bytes = calls.bytes.saturating_sub(bytes);
    }

    pub(super) fn wake_with(&self, waker: Waker) {
        let mut calls = lock(&self.calls);
        let due = !calls.due.is_empty();
        calls.waker = Some(waker.clone());
        drop(calls);
        // The answer came while another waker stood there.
        if due {
            waker.wake();
        }
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        let mut calls = lock(&self.calls);
        calls.cancel(|_| true);
        calls.waker = None;
    }
}

impl Calls {
    fn cancel(&mut self, which: impl Fn(&UnderWay) -> bool) {
        let mut bytes = 0;
        self.under_way.retain(|_, call| {
            let given_up = which(call);
            if given_up {
                call.cancelled.cancel();
                bytes += call.bytes;
            }
            !given_up
        });
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

/// Ends a call once, also when its task is dropped by a runtime that ends.
pub(super) struct Completion {
    calls: Arc<Mutex<Calls>>,
    ticket: Ticket,
    end: Option<End>,
}

impl Completion {
    pub(super) fn ticket(&self) -> Ticket {
        self.ticket
    }

    pub(super) fn finish(mut self, ended: Ended) {
        self.end(ended);
    }

    fn end(&mut self, ended: Ended) {
        let Some(end) = self.end.take() else {
            return;
        };
        let name = end.tool.spec().name.as_str();
        let mut reply = settle(&end.budget, name, end.account, ended);
        let mut calls = lock(&self.calls);
        // A call that was rolled back is not waited for.
        let Some(call) = calls.under_way.remove(&self.ticket) else {
            return;
        };
        let held = calls.bytes.saturating_sub(call.bytes);
        if held.saturating_add(size(&reply)) > end.budget.held_bytes {
            let max = end.budget.held_bytes;
            let message = format!(
                "{name}: the answers that wait hold {max} bytes, the most allowed; await fewer calls at a time"
            );
            reply = Reply::error("PermissionError", &message);
        }
        calls.bytes = held.saturating_add(size(&reply));
        calls.due.push_back(Due {
            ticket: self.ticket,
            turn: call.turn,
            reply,
        });
        let waker = calls.waker.clone();
        drop(calls);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        self.end(Ended::Cancelled);
    }
}

/// A panic while the lock is held is impossible but for the allocator's; the
/// state is then still one that was meant.
fn lock(calls: &Mutex<Calls>) -> MutexGuard<'_, Calls> {
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}
