//! WASI preview 1 and `host.call`, as the guest imports them.
//!
//! Each function here checks pointers against the guest's memory, calls the
//! session's file system, clock or output, and encodes the answer. Every
//! pointer, length and number comes from hostile code: a bad one is an error
//! number, never a panic.

mod answer;
#[cfg(feature = "fuzzing")]
mod bare;
mod clock;
mod environment;
mod exits;
mod failure;
mod file_calls;
mod files;
mod forking;
#[cfg(feature = "fuzzing")]
mod fuzzing;
mod host_call;
mod linker;
mod memory;
mod native;
mod offload;
mod paths;
mod random;
mod stdio;

#[cfg(feature = "fuzzing")]
pub use bare::{Caller as ImportCaller, Imports};
pub(crate) use exits::{GuestExit, HardInterrupt};
#[cfg(feature = "fuzzing")]
pub use fuzzing::{Offloaded, SHARED_WORDS, offloaded};
pub(crate) use linker::linker;
