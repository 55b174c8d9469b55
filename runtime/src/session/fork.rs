//! A session as it stood in the middle of a turn, and the trait that takes it.

use super::sandbox::Sandbox;
use crate::host::Captures;
use crate::snapshot::Snapshot;
use memex_channel::{Frame, Reply, TurnHandle};
use parking_lot::Mutex;
use std::any::Any;
use std::sync::Arc;

/// Takes the forks that a session's code asks for in the middle of its turn.
///
/// How many there may be, and what becomes of them, is the implementation's
/// business; the runtime counts each request as a host call.
pub trait Forks: Send {
    /// Answers a request. `fork` is the session as it stands; `frame` says
    /// what it is for, and nothing in it can be trusted.
    ///
    /// The parent waits inside of this call. A child can be made here, on
    /// another thread, or later.
    fn fork(&mut self, frame: &Frame<'_>, fork: MidTurnFork, turn: &dyn TurnHandle) -> Reply;
}

/// A session as it stood when its code asked for a fork in the middle of a
/// turn. Cheap to clone; outlives the session.
///
/// ```text
///   captured ──(first use)──► a guest comes to rest ──► Snapshot ──► sessions
/// ```
/// A session made of it has every object that the parent had at that point,
/// and nothing that its turn was still doing: no frame, no `except` or
/// `finally` in progress, no import half done, no task of the event loop, and no
/// call to await. Its next turn has the number after the parent's.
///
/// What the running frames hold stays as they left it, since nothing will
/// finish it: a generator that was running can never go on, a list that was
/// being sorted looks empty, a lock that was held stays held, and what a `with`
/// block changed for its duration (the precision of `decimal`, for instance)
/// stays changed.
#[derive(Clone)]
pub struct MidTurnFork {
    pub(super) sandbox: Sandbox,
    turn: u64,
    pub(super) state: Arc<Mutex<State>>,
}

#[derive(Clone)]
pub(super) enum State {
    /// Frames of the parent are on the stack.
    Captured(Snapshot),
    /// A session at rest.
    Ready(Snapshot),
}

impl MidTurnFork {
    fn new(sandbox: Sandbox, captured: Snapshot) -> Self {
        Self {
            sandbox,
            turn: captured.turn,
            state: Arc::new(Mutex::new(State::Captured(captured))),
        }
    }

    /// The turn that asked for it.
    #[must_use]
    pub fn turn(&self) -> u64 {
        self.turn
    }

    /// The sandbox of the parent.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }
}

/// Gives what is captured to the taker of forks, as a session of the sandbox. The
/// host, which knows neither of them, holds it as [`Captures`].
struct Taker {
    forks: Box<dyn Forks>,
    sandbox: Sandbox,
}

impl Captures for Taker {
    fn take(&mut self, frame: &Frame<'_>, captured: Snapshot, turn: &dyn TurnHandle) -> Reply {
        let fork = MidTurnFork::new(self.sandbox.clone(), captured);
        self.forks.fork(frame, fork, turn)
    }
}

/// The taker of forks, as the host holds it.
pub(super) fn captures(forks: Box<dyn Forks>, sandbox: &Sandbox) -> Box<dyn Captures> {
    Box::new(Taker {
        forks,
        sandbox: sandbox.clone(),
    })
}

/// The taker of forks that [`captures`] was made of, which makes all there are.
pub(super) fn forks_of(captures: Box<dyn Captures>) -> Option<Box<dyn Forks>> {
    let taker: Box<dyn Any> = captures;
    let taker = taker.downcast::<Taker>().ok()?;
    Some(taker.forks)
}

/// Compile-time proof that forks go to other threads.
const _: () = {
    const fn is_shared<T: Send + Sync>() {}
    is_shared::<MidTurnFork>();
};
