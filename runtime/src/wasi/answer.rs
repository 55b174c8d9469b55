//! Answering a function of WASI.

use super::failure::{Answer, FAULT, Failure};
use super::memory::Bytes;
use crate::host::Host;
use wasmtime::Caller;

/// The module that they are imported from.
pub(super) const MODULE: &str = "wasi_snapshot_preview1";

/// Runs `work` with the guest's memory and the session's host state.
pub(super) fn answer(
    caller: &mut Caller<'_, Host>,
    work: impl FnOnce(&mut Bytes<'_>, &mut Host) -> Answer,
) -> i32 {
    let Some(memory) = caller.data().memory else {
        return FAULT;
    };
    let (bytes, host) = memory.data_and_store_mut(caller);
    let shared = host.interrupter.pulse.writes();
    match work(&mut Bytes::new(bytes, shared), host) {
        Ok(()) => 0,
        Err(Failure::Errno(errno)) => i32::from(errno as u16),
        Err(Failure::Fault) => FAULT,
    }
}
