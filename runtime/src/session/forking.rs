//! Forking a session from inside of its turn: the host's side of the call.
//!
//! ```text
//!  guest ── host.call(fork) ──► frozen, copied ──► Forks::fork ── reply ──► guest
//!                                                      │
//!                                      MidTurnFork ────┘──► sessions, at any time
//! ```
//! While a guest is inside of a call it does not run, so what is copied is
//! consistent. The parent keeps its frames, its state to roll back to and its
//! clocks; all that changes for it is that memory it grew by is mapped anew.

use super::heap::HeapState;
use super::host::Host;
use super::lifecycle::RestState;
use super::mid_turn::MidTurnFork;
use super::sandbox::Sandbox;
use super::streak::Streak;
use crate::image::GuestMap;
use crate::memory::{MemoryImage, Slot};
use crate::platform::{PAGE_BYTES, private_pages};
use crate::snapshot::Snapshot;
use memex_channel::{Frame, Reply, TurnHandle};
use std::sync::Arc;
use wasmtime::{Caller, Global, Memory};

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

/// What a session needs to be forked from inside.
pub(crate) struct Forking {
    forks: Box<dyn Forks>,
    /// The guest that runs.
    origin: Option<Origin>,
    /// The last state that is known of it: pages that did not change since are
    /// shared.
    heap: HeapState,
    turn: u64,
    streak: Streak,
}

/// A guest, as far as copying it goes.
pub(crate) struct Origin {
    pub(crate) sandbox: Sandbox,
    pub(crate) slot: Arc<Slot>,
    pub(crate) stack_pointer: Global,
}

/// Shadow stack that has to be left below the bounds of a copy's C code.
const STACK_RESERVE_BYTES: u32 = 64 << 10;

impl Forking {
    pub(crate) fn new(forks: Box<dyn Forks>) -> Self {
        Self {
            forks,
            origin: None,
            heap: HeapState::default(),
            turn: 0,
            streak: Streak::default(),
        }
    }

    pub(crate) fn into_forks(self) -> Box<dyn Forks> {
        self.forks
    }

    pub(super) fn attach(&mut self, origin: Origin) {
        self.origin = Some(origin);
    }

    /// Lets go of the guest, which gives its slot back.
    pub(super) fn detach(&mut self) {
        self.origin = None;
    }

    /// The guest is entered; `rest` is its state before that.
    pub(super) fn begin(&mut self, rest: &HeapState, turn: u64, streak: Streak) {
        self.heap = rest.clone();
        self.turn = turn;
        self.streak = streak;
    }

    /// The guest was left.
    pub(super) fn end(&mut self) {
        self.heap = HeapState::default();
    }

    /// Answers a request of the guest, which has been counted and decoded.
    pub(crate) fn answer(
        &mut self,
        caller: &mut Caller<'_, Host>,
        memory: Memory,
        frame: &[u8],
    ) -> Reply {
        let fork = match self.capture(caller, memory) {
            Ok(fork) => fork,
            Err(reply) => return reply,
        };
        let turn = &caller.data().interrupter;
        match Frame::decode(frame) {
            Ok(frame) => turn.host_time(|| self.forks.fork(&frame, fork, turn)),
            Err(error) => Reply::error("ValueError", &error.to_string()),
        }
    }

    /// Copies the guest as it stands.
    fn capture(
        &mut self,
        caller: &mut Caller<'_, Host>,
        memory: Memory,
    ) -> Result<MidTurnFork, Reply> {
        let refused = |class: &str, message: &str| Reply::error(class, message);
        let Some(origin) = &self.origin else {
            return Err(refused("RuntimeError", "this session cannot be forked now"));
        };
        let (sandbox, slot) = (&origin.sandbox, &origin.slot);
        let map = sandbox.image().map();
        let stack_pointer = origin.stack_pointer.get(&mut *caller).i32();
        let image = sandbox.memory_image();
        let stack_pointer = stack_pointer
            .filter(|&at| has_room(map, image, at))
            .ok_or_else(|| {
                refused(
                    "RecursionError",
                    "the stack has no room left for a fork of this fork",
                )
            })?;
        // No reference into the guest's memory lives across this: the frame is
        // a copy, and `caller` is borrowed by nobody else.
        self.heap.layers = slot.freeze().map_err(|error| {
            refused(
                "OSError",
                &format!("the session's memory could not be frozen: {error}"),
            )
        })?;
        self.heap.stack_pointer = stack_pointer;
        let bytes = memory.data(&*caller);
        let mut dirty = Vec::new();
        let tracking = sandbox.dirty_tracking();
        if private_pages(tracking, slot.base(), bytes.len(), &mut dirty).is_none() {
            dirty.clear();
            dirty.extend(0..(bytes.len() / PAGE_BYTES) as u32);
        }
        self.heap.take(&dirty, bytes, image);
        let host = caller.data();
        let captured = Snapshot {
            image: sandbox.image().name_bytes(),
            turn: self.turn,
            monotonic_ns: host.clock.reading_ns(),
            random_position: host.random.position(),
            awaits_calls: host.calls.pending() > 0,
            streak: self.streak,
            state: RestState {
                heap: self.heap.clone(),
                files: host.files_ref().checkpoint(),
                seeded: true,
                current: true,
            },
        };
        Ok(MidTurnFork::new(sandbox.clone(), captured))
    }
}

/// Whether a copy whose stack begins at `stack_pointer` has the room that
/// every session has for C code.
fn has_room(map: &GuestMap, image: &MemoryImage, stack_pointer: i32) -> bool {
    let Some(used) = map.stack_pointer.checked_sub(stack_pointer) else {
        return false;
    };
    let Ok(used) = u32::try_from(used) else {
        return false;
    };
    let bounds = map.running.stack_bounds.iter();
    bounds
        .map(|&at| image.word(at).unwrap_or(0))
        .all(|bound| bound >= used.saturating_add(STACK_RESERVE_BYTES))
}
