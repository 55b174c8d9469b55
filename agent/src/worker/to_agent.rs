//! The calls of a guest in a worker, on their way to the agent.

use std::sync::Arc;
use std::task::Waker;

use memex_channel::{Frame, HostCalls, OP_CALL, Reply, Ticket, TurnHandle, Waited};
use memex_runtime::{Forks, MidTurnFork};
use serde::Deserialize;

use super::answers::Answers;
use super::frames::Kind;
use super::output::Output;

/// Passes calls on, and waits for what the agent says.
#[derive(Clone)]
pub(super) struct ToAgent {
    pub(super) session: u32,
    pub(super) output: Arc<Output>,
    pub(super) answers: Arc<Answers>,
}

/// Of the head of a call, and of an answer to it.
#[derive(Deserialize)]
struct Asked {
    #[serde(default, rename = "await")]
    awaited: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Taken {
    ticket: Ticket,
}

impl ToAgent {
    fn ask(&self, kind: Kind, payload: &[u8], turn: &dyn TurnHandle) -> Reply {
        if !self.output.send(self.session, kind, payload) {
            return Reply::error("ConnectionError", "the agent has gone away");
        }
        let waker = turn.waker();
        let waited = turn.wait(None, &mut || self.answers.is_answered(&waker));
        if let Some(reply) = self.answers.take_plain() {
            return reply;
        }
        if waited == Waited::Interrupted {
            self.output.send(self.session, Kind::GiveUp, b"");
        }
        self.answers.take_given_up()
    }
}

impl HostCalls for ToAgent {
    fn call(&mut self, frame: &Frame<'_>, turn: &dyn TurnHandle) -> Reply {
        let reply = self.ask(Kind::Call, &frame.encode(), turn);
        let is_awaited = || {
            let asked = serde_json::from_slice::<Asked>(frame.head);
            frame.op == OP_CALL && asked.is_ok_and(|asked| asked.awaited)
        };
        if reply.ok
            && reply.parts.is_empty()
            && let Ok(taken) = serde_json::from_slice::<Taken>(&reply.head)
            && is_awaited()
        {
            self.answers.expect(taken.ticket);
        }
        reply
    }

    fn begin_turn(&mut self) {
        self.answers.begin_turn();
    }

    fn roll_back(&mut self) {
        self.answers.roll_back();
        self.output.send(self.session, Kind::RollBack, b"");
    }

    fn pending(&self) -> usize {
        self.answers.pending()
    }

    fn has_answers(&self) -> bool {
        self.answers.has_due()
    }

    fn take_answers(&mut self) -> Vec<(Ticket, Reply)> {
        self.answers.take_due()
    }

    fn wake_with(&mut self, waker: Waker) {
        self.answers.wake_with(waker);
    }
}

impl Forks for ToAgent {
    /// Keeps the fork here, and asks the agent whether it may be and what for.
    fn fork(&mut self, frame: &Frame<'_>, fork: MidTurnFork, turn: &dyn TurnHandle) -> Reply {
        let Some(session) = self.output.keep(fork) else {
            return Reply::error("PermissionError", "the worker holds too many forks");
        };
        let mut payload = session.to_le_bytes().to_vec();
        payload.extend_from_slice(&frame.encode());
        self.ask(Kind::Fork, &payload, turn)
    }
}
