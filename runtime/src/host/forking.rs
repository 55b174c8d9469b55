//! What the host keeps so that a session can be forked from inside of its turn.

use crate::image::GuestMap;
use crate::memory::{MemoryImage, Slot};
use crate::platform::DirtyTracking;
use crate::snapshot::Snapshot;
use crate::state::{HeapState, Streak};
use memex_channel::{Frame, Reply, TurnHandle};
use std::any::Any;
use std::sync::Arc;
use wasmtime::Global;

/// Takes the states that are captured in the middle of turns.
pub(crate) trait Captures: Any + Send {
    /// Answers a request of the guest; `captured` is the session as it stands.
    fn take(&mut self, frame: &Frame<'_>, captured: Snapshot, turn: &dyn TurnHandle) -> Reply;
}

/// What a session needs to be forked from inside.
pub(crate) struct Forking {
    pub(crate) captures: Box<dyn Captures>,
    /// The guest that runs.
    pub(crate) origin: Option<Origin>,
    /// The last state that is known of it: pages that did not change since are
    /// shared.
    pub(crate) heap: HeapState,
    pub(crate) turn: u64,
    pub(crate) streak: Streak,
}

/// A guest, as far as copying it goes.
pub(crate) struct Origin {
    /// The name of its image.
    pub(crate) image: [u8; 32],
    pub(crate) map: Arc<GuestMap>,
    pub(crate) memory: Arc<MemoryImage>,
    pub(crate) tracking: DirtyTracking,
    pub(crate) slot: Arc<Slot>,
    pub(crate) stack_pointer: Global,
}

impl Forking {
    pub(crate) fn new(captures: Box<dyn Captures>) -> Self {
        Self {
            captures,
            origin: None,
            heap: HeapState::default(),
            turn: 0,
            streak: Streak::default(),
        }
    }

    pub(crate) fn into_captures(self) -> Box<dyn Captures> {
        self.captures
    }

    pub(crate) fn attach(&mut self, origin: Origin) {
        self.origin = Some(origin);
    }

    /// Lets go of the guest, which gives its slot back.
    pub(crate) fn detach(&mut self) {
        self.origin = None;
    }

    /// The guest is entered; `rest` is its state before that.
    pub(crate) fn begin(&mut self, rest: &HeapState, turn: u64, streak: Streak) {
        self.heap = rest.clone();
        self.turn = turn;
        self.streak = streak;
    }

    /// The guest was left.
    pub(crate) fn end(&mut self) {
        self.heap = HeapState::default();
    }
}
