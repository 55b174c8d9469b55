//! Forking a session from inside of its turn: what the call does.
//!
//! ```text
//!  guest ── host.call(fork) ──► frozen, copied ─► Captures::take ─ reply ──► guest
//!                                                      │
//!                                         Snapshot ────┘──► sessions, at any time
//! ```
//! While a guest is inside of a call it does not run, so what is copied is
//! consistent. The parent keeps its frames, its state to roll back to and its
//! clocks; all that changes for it is that memory it grew by is mapped anew.

use crate::host::{Forking, Host};
use crate::image::GuestMap;
use crate::memory::MemoryImage;
use crate::platform::{PAGE_BYTES, private_pages};
use crate::snapshot::Snapshot;
use crate::state::RestState;
use memex_channel::{Frame, Reply};
use wasmtime::{Caller, Memory};

/// Shadow stack that has to be left below the bounds of a copy's C code.
const STACK_RESERVE_BYTES: u32 = 64 << 10;

impl Forking {
    /// Answers a request of the guest, which has been counted and decoded.
    pub(super) fn answer(
        &mut self,
        caller: &mut Caller<'_, Host>,
        memory: Memory,
        frame: &[u8],
    ) -> Reply {
        let captured = match self.capture(caller, memory) {
            Ok(captured) => captured,
            Err(reply) => return reply,
        };
        let turn = &caller.data().interrupter;
        match Frame::decode(frame) {
            Ok(frame) => turn.host_time(|| self.captures.take(&frame, captured, turn)),
            Err(error) => Reply::error("ValueError", &error.to_string()),
        }
    }

    /// Copies the guest as it stands.
    fn capture(
        &mut self,
        caller: &mut Caller<'_, Host>,
        memory: Memory,
    ) -> Result<Snapshot, Reply> {
        let refused = |class: &str, message: &str| Reply::error(class, message);
        let Some(origin) = &self.origin else {
            return Err(refused("RuntimeError", "this session cannot be forked now"));
        };
        let (map, image, slot) = (&origin.map, &origin.memory, &origin.slot);
        let stack_pointer = origin.stack_pointer.get(&mut *caller).i32();
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
        if private_pages(origin.tracking, slot.base(), bytes.len(), &mut dirty).is_none() {
            dirty.clear();
            dirty.extend(0..(bytes.len() / PAGE_BYTES) as u32);
        }
        self.heap.take(&dirty, bytes, image, &mut Vec::new());
        let host = caller.data();
        Ok(Snapshot {
            image: origin.image,
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
        })
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
