//! Work that a guest leaves to the host, for the fuzz target.

use super::memory::Bytes;
use super::offload::{HELD_BYTES_MAX, done};
use crate::interrupt::InterruptAddresses;
use memex_guest_python::Work;
use memex_natives::{Bounds, Refusal, Room};

/// The words of a guest's memory that another thread writes, which no work may touch.
pub const SHARED_WORDS: [u32; 3] = [16, 32, 48];

/// What became of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offloaded {
    /// It was done, with this answer.
    Done(i32),
    /// It was left to the guest.
    Left,
    /// The turn ends in the middle of it.
    Ended,
}

/// Does work on a guest's memory, as in a turn that has fuel for `work_max` units.
#[must_use]
pub fn offloaded(memory: &mut [u64], call: (Work, i32, i32), work_max: u64) -> Offloaded {
    let [flag, exception, events] = SHARED_WORDS;
    let words = InterruptAddresses {
        flag,
        exception,
        events,
        events_bit: 8,
        timeout_error: 64,
        keyboard_interrupt: 80,
    };
    let bounds = Bounds {
        bytes_max: u64::MAX,
        working_bytes_max: HELD_BYTES_MAX,
        work_max: Some(work_max),
    };
    let room = Room::new(bounds, &|| false);
    let mut bytes = Bytes::new(bytemuck::cast_slice_mut(memory), Some(words));
    let (work, pointer, count) = call;
    match done(&mut bytes, work, (pointer, count), &room) {
        Ok(Some(answer)) => Offloaded::Done(answer),
        Err(Refusal::Fuel | Refusal::Interrupted) => Offloaded::Ended,
        Ok(None) | Err(_) => Offloaded::Left,
    }
}
