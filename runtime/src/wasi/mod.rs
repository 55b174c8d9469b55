//! WASI preview 1 and `host.call`, as the guest imports them.
//!
//! Each function here checks pointers against the guest's memory, calls the
//! session's file system, clock or output, and encodes the answer. Every
//! pointer, length and number comes from hostile code: a bad one is an error
//! number, never a panic.

#[cfg(feature = "fuzzing")]
mod bare;
mod clock;
mod environment;
mod files;
mod host_call;
mod memory;
mod paths;
mod random;
mod stdio;

#[cfg(feature = "fuzzing")]
pub use bare::{Caller as ImportCaller, Imports};
pub(crate) use clock::Clock;
pub(crate) use random::Random;

use crate::error::Error;
use crate::session::Host;
use memex_filesystem::Errno;
use wasmtime::{Caller, Engine, Linker};

const MODULE: &str = "wasi_snapshot_preview1";

/// The guest called `proc_exit`: `os._exit()`, `abort()` and the like.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the guest's interpreter exited with status {0}")]
pub(crate) struct GuestExit(pub(crate) i32);

/// A hard interrupt found by a host function.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct HardInterrupt;

/// Everything that the guest may import.
pub(crate) fn linker(engine: &Engine) -> Result<Linker<Host>, Error> {
    let mut linker = Linker::new(engine);
    stdio::link(&mut linker)
        .and_then(|()| files::link(&mut linker))
        .and_then(|()| paths::link(&mut linker))
        .and_then(|()| clock::link(&mut linker))
        .and_then(|()| random::link(&mut linker))
        .and_then(|()| environment::link(&mut linker))
        .and_then(|()| host_call::link(&mut linker))
        .map_err(Error::engine)?;
    Ok(linker)
}

/// `EFAULT`: a pointer outside of the guest's memory. The file system has no
/// use for it, so it is not among its error numbers.
const FAULT: i32 = 21;

/// What a function answers: nothing, or an error number.
type Answer = Result<(), Failure>;

/// An error number for the guest.
#[derive(Debug, Clone, Copy)]
enum Failure {
    Errno(Errno),
    Fault,
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

/// Runs `work` with the guest's memory and the session's host state.
fn answer(
    caller: &mut Caller<'_, Host>,
    work: impl FnOnce(&mut memory::Bytes<'_>, &mut Host) -> Answer,
) -> i32 {
    let Some(memory) = caller.data().memory else {
        return FAULT;
    };
    let (bytes, host) = memory.data_and_store_mut(caller);
    match work(&mut memory::Bytes::new(bytes), host) {
        Ok(()) => 0,
        Err(Failure::Errno(errno)) => i32::from(errno as u16),
        Err(Failure::Fault) => FAULT,
    }
}
