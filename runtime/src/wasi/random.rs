//! Randomness.

use super::answer::{MODULE, answer};
use super::exits::HardInterrupt;
use crate::host::Host;
use wasmtime::{Caller, Linker};

/// Bytes drawn between two looks at the interrupt.
const CHUNK_BYTES: u32 = 1 << 20;

pub(super) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "random_get",
        |mut caller: Caller<'_, Host>, pointer: i32, length: i32| -> wasmtime::Result<i32> {
            let (mut at, mut left) = (pointer as u32, length as u32);
            while left > 0 {
                let chunk = left.min(CHUNK_BYTES);
                let code = answer(&mut caller, |bytes, host| {
                    let bytes = bytes.slice_mut(at as i32, chunk as i32)?;
                    Ok(host.random.fill(bytes)?)
                });
                if code != 0 {
                    return Ok(code);
                }
                if left > chunk && caller.data().interrupter.pulse.is_hard() {
                    return Err(HardInterrupt.into());
                }
                at = at.wrapping_add(chunk);
                left -= chunk;
            }
            Ok(0)
        },
    )?;
    Ok(())
}
