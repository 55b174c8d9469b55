//! Arguments, environment and the end of the interpreter.
//!
//! The guest reads the first two once, while the image is built; a session's
//! own environment is set from inside.

use super::answer::{MODULE, answer};
use super::exits::GuestExit;
use super::failure::Failure;
use super::memory::Bytes;
use crate::host::Host;
use wasmtime::{Caller, Linker};

pub(super) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "args_sizes_get",
        |mut caller: Caller<'_, Host>, count: i32, size: i32| {
            answer(&mut caller, |bytes, host| {
                sizes(bytes, &host.arguments, count, size)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "args_get",
        |mut caller: Caller<'_, Host>, pointers: i32, buffer: i32| {
            answer(&mut caller, |bytes, host| {
                fill(bytes, &host.arguments, pointers, buffer)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "environ_sizes_get",
        |mut caller: Caller<'_, Host>, count: i32, size: i32| {
            answer(&mut caller, |bytes, host| {
                sizes(bytes, &host.environment, count, size)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "environ_get",
        |mut caller: Caller<'_, Host>, pointers: i32, buffer: i32| {
            answer(&mut caller, |bytes, host| {
                fill(bytes, &host.environment, pointers, buffer)
            })
        },
    )?;
    linker.func_wrap(MODULE, "proc_exit", |status: i32| -> wasmtime::Result<()> {
        Err(GuestExit(status).into())
    })?;
    Ok(())
}

fn sizes(bytes: &mut Bytes<'_>, values: &[String], count: i32, size: i32) -> Result<(), Failure> {
    let total: usize = values.iter().map(|value| value.len() + 1).sum();
    bytes.write_u32(count, values.len() as u32)?;
    bytes.write_u32(size, total as u32)
}

fn fill(
    bytes: &mut Bytes<'_>,
    values: &[String],
    pointers: i32,
    buffer: i32,
) -> Result<(), Failure> {
    let (mut pointer, mut at) = (pointers, buffer);
    for value in values {
        bytes.write_u32(pointer, at as u32)?;
        bytes.write(at, value.as_bytes())?;
        at = at.wrapping_add(value.len() as i32);
        bytes.write(at, &[0])?;
        at = at.wrapping_add(1);
        pointer = pointer.wrapping_add(4);
    }
    Ok(())
}
