//! The trait through which a guest calls the host.

use crate::{Frame, Reply};
use std::task::Waker;
use std::time::Instant;

/// Names a call that was taken and is answered later.
pub type Ticket = u64;

/// Answers the calls that guest code makes.
///
/// The session's limits on count and size have been applied, and the frame has
/// been decoded. Nothing about the content can be trusted.
///
/// A *plain* call is answered by what [`HostCalls::call`] returns; the guest
/// waits inside of it. An *awaited* call is taken by returning a ticket; the
/// guest goes on, ends its part of the turn without leaving a frame behind, and
/// is resumed with [`HostCalls::take_answers`].
///
/// ```text
///  begin_turn ─► call* ─► (waiting: has_answers? ─► take_answers ─► call*)* ─► over
///                                                                   └─► roll_back
/// ```
pub trait HostCalls: Send {
    /// Answers one call. A refusal is a [`Reply::error`], which the guest sees
    /// as an exception; the session survives every reply.
    fn call(&mut self, frame: &Frame<'_>, turn: &dyn TurnHandle) -> Reply;

    /// A turn begins: what was handed out before can no longer be rolled back.
    fn begin_turn(&mut self) {}

    /// The turn was rolled back. Calls that it made are to be cancelled, and
    /// answers that it took are due again.
    fn roll_back(&mut self) {}

    /// Awaited calls that are under way or answered and not yet taken.
    fn pending(&self) -> usize {
        0
    }

    /// Whether an answer can be taken.
    fn has_answers(&self) -> bool {
        false
    }

    /// Takes the answers that have come.
    fn take_answers(&mut self) -> Vec<(Ticket, Reply)> {
        Vec::new()
    }

    /// Who is to be woken when an answer comes, from here on.
    fn wake_with(&mut self, _waker: Waker) {}
}

/// What a call that takes time may ask of the turn that made it.
pub trait TurnHandle {
    /// Wakes [`TurnHandle::wait`], and a session that waits, from any thread.
    fn waker(&self) -> Waker;

    /// Blocks until `ready` says so, `until` is there, or the turn is told to
    /// end. `ready` is asked first, and again after each wake.
    fn wait(&self, until: Option<Instant>, ready: &mut dyn FnMut() -> bool) -> Waited;
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// The event has occurred.
    Ready,
    /// The time is up.
    Due,
    /// The turn was interrupted: the call is to be given up at once.
    Interrupted,
}

/// Refuses every call: a session without tools.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHostCalls;

impl HostCalls for NoHostCalls {
    fn call(&mut self, _frame: &Frame<'_>, _turn: &dyn TurnHandle) -> Reply {
        Reply::error("PermissionError", "this session has no tools")
    }
}
