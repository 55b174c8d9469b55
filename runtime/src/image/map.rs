//! Where things are in a guest's memory, as calibration found them.

use crate::interrupt::InterruptAddresses;
use serde::{Deserialize, Serialize};

/// Addresses and layouts that the host relies on. Data, not code: another
/// guest has other numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GuestMap {
    /// The stack pointer of a guest at rest.
    pub(crate) stack_pointer: i32,
    /// The class `bytes`.
    pub(crate) bytes_type: u32,
    /// Offset of the length in a `bytes` object.
    pub(crate) bytes_size: u32,
    /// Offset of the first byte in a `bytes` object.
    pub(crate) bytes_data: u32,
    /// Sixteen bytes for the arguments of a call.
    pub(crate) arguments: u32,
    /// The dispatcher's functions.
    pub(crate) entries: Entries,
    /// Where interrupts are stored.
    pub(crate) interrupt: InterruptAddresses,
    /// The random generators that every session must start differently.
    pub(crate) random: Vec<RandomState>,
    /// What a copy of a running guest has to put back.
    pub(crate) running: RunningWords,
    /// Words that hold hooks which nothing in the guest can take off: they are
    /// as in the image where there are none.
    pub(crate) hooks: Vec<u32>,
}

/// Words in which a guest that runs differs from one at rest, as far as a copy
/// that will not return into the running frames must not keep them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunningWords {
    /// These are as in the image again: the current frame, exceptions being
    /// handled, the context, the running loop, whether garbage is collected.
    pub(crate) restored: Vec<u32>,
    /// Not zero while a trace function runs; none is called then.
    pub(crate) tracing: u32,
    /// How many more Python frames may be entered.
    pub(crate) depth_left: u32,
    /// How many may be entered in all.
    pub(crate) depth_limit: u32,
    /// Bounds of the stack of C code, which begin where the copy's stack does.
    pub(crate) stack_bounds: Vec<u32>,
}

/// Object addresses of the Python functions through which turns are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entries {
    pub(crate) run: u32,
    pub(crate) resume: u32,
    pub(crate) cancel: u32,
    pub(crate) inspect: u32,
    pub(crate) configure: u32,
    pub(crate) after_fork: u32,
    pub(crate) check: u32,
    pub(crate) disarm: u32,
}

/// The state of one Mersenne Twister in guest memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RandomState {
    /// 624 words.
    pub(crate) words: u32,
    /// The word that counts how many of them are used.
    pub(crate) position: u32,
}

impl RandomState {
    /// Words of a Mersenne Twister's state.
    pub(crate) const WORDS: usize = 624;
    /// The position that makes the generator mix its words before the next
    /// draw.
    pub(crate) const SPENT: u32 = 624;
}

impl GuestMap {
    /// Whether every address lies in an image of `bytes` bytes and is aligned:
    /// what the watchdog's writes rely on.
    pub(crate) fn fits(&self, bytes: usize) -> bool {
        let interrupt = &self.interrupt;
        let words = [
            interrupt.flag,
            interrupt.exception,
            interrupt.events,
            self.arguments,
            self.entries.run,
            self.entries.resume,
            self.entries.cancel,
            self.entries.inspect,
            self.entries.configure,
            self.entries.after_fork,
            self.entries.check,
            self.entries.disarm,
            self.running.tracing,
            self.running.depth_left,
            self.running.depth_limit,
        ];
        let running = self.running.restored.iter();
        let running = running.chain(&self.running.stack_bounds);
        let running = running.chain(&self.hooks).copied();
        let states = self
            .random
            .iter()
            .flat_map(|state| [state.words, state.position]);
        let room = RandomState::WORDS * 4;
        words
            .into_iter()
            .chain(states)
            .chain(running)
            .all(|address| address % 4 == 0 && (address as usize) < bytes.saturating_sub(room))
    }
}
