//! Machine code that is loaded while the rest of its image is looked at.

use super::code::LoadedCode;
use super::details::{CODE_FILE, CodeDetails};
use super::entry::Entry;
use crate::cpu::Cpu;
use crate::engine::{Metering, STACK_BYTES};
use crate::error::Error;
use std::thread::{Builder, JoinHandle};

/// Code under way on a thread of its own. The engine reads its tables of ninety thousand
/// functions, which takes a third of the time in which a process starts and needs nothing of
/// what the other thread does meanwhile. Dropped, it goes on unheard.
pub(super) struct Loading(JoinHandle<Result<LoadedCode, Error>>);

impl Loading {
    /// The code that is loaded ahead: that of policies with the default stack.
    const KEY: (Metering, usize) = (Metering::Deadline, STACK_BYTES);

    /// Begins to load the code of an entry, which was found intact; `None` where there is no
    /// thread to be had.
    pub(super) fn begin(code: &Entry<CodeDetails>, cpu: Cpu) -> Option<Self> {
        let path = code.directory.join(CODE_FILE);
        let (metering, stack_bytes) = Self::KEY;
        let work = move || LoadedCode::load(&path, metering, stack_bytes, cpu);
        let thread = Builder::new().name("memex-code".into()).spawn(work);
        thread.ok().map(Self)
    }

    /// The code, if it is the one that was asked for and could be loaded.
    pub(super) fn end(self, key: (Metering, usize)) -> Option<LoadedCode> {
        match key == Self::KEY {
            true => self.0.join().ok()?.ok(),
            false => None,
        }
    }
}
