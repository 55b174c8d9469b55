//! Clocks and waiting.

use super::answer::{MODULE, answer};
use super::exits::HardInterrupt;
use super::failure::{FAULT, Failure};
use super::memory::Bytes;
use crate::host::Host;
use crate::interrupt::WaitEnd;
use memex_filesystem::Errno;
use std::time::{Duration, Instant};
use wasmtime::{Caller, Linker};

/// Most events one `poll_oneoff` may subscribe to.
const SUBSCRIPTIONS_MAX: u32 = 1024;
const REALTIME: i32 = 0;

pub(super) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "clock_time_get",
        |mut caller: Caller<'_, Host>, id: i32, _precision: i64, out: i32| {
            answer(&mut caller, |bytes, host| {
                let now = read(host, id)?;
                bytes.write_u64(out, now)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "clock_res_get",
        |mut caller: Caller<'_, Host>, id: i32, out: i32| {
            answer(&mut caller, |bytes, _| match id {
                0..=3 => bytes.write_u64(out, 1),
                _ => Err(Errno::Inval.into()),
            })
        },
    )?;
    linker.func_wrap(MODULE, "sched_yield", || 0)?;
    linker.func_wrap(
        MODULE,
        "poll_oneoff",
        |mut caller: Caller<'_, Host>,
         subscriptions: i32,
         events: i32,
         count: i32,
         out: i32|
         -> wasmtime::Result<i32> { poll(&mut caller, subscriptions, events, count, out) },
    )?;
    Ok(())
}

fn read(host: &mut Host, id: i32) -> Result<u64, Failure> {
    match id {
        REALTIME => Ok(host.clock.realtime_ns()),
        1..=3 => Ok(host.clock.monotonic_ns()),
        _ => Err(Errno::Inval.into()),
    }
}

/// One subscription, decoded.
#[derive(Debug, Clone, Copy)]
struct Subscription {
    userdata: u64,
    tag: u8,
    /// For a clock: how long from now.
    wait_ns: u64,
}

fn poll(
    caller: &mut Caller<'_, Host>,
    subscriptions: i32,
    events: i32,
    count: i32,
    out: i32,
) -> wasmtime::Result<i32> {
    let count = count as u32;
    if count == 0 || count > SUBSCRIPTIONS_MAX {
        return Ok(i32::from(Errno::Inval as u16));
    }
    let mut wanted = Vec::new();
    let code = answer(caller, |bytes, host| {
        for index in 0..count {
            wanted.push(decode(bytes, host, subscriptions, index)?);
        }
        Ok(())
    });
    if code != 0 {
        return Ok(code);
    }
    // Files and streams are always ready; only clocks make a guest wait.
    let ready = wanted.iter().any(|subscription| subscription.tag != 0);
    let shortest = wanted
        .iter()
        .map(|subscription| subscription.wait_ns)
        .min()
        .unwrap_or(0);
    if !ready && shortest > 0 && caller.data_mut().wait(shortest) == WaitEnd::Hard {
        return Err(HardInterrupt.into());
    }
    let elapsed = if ready { 0 } else { shortest };
    Ok(answer(caller, |bytes, _| {
        let mut fired = 0_u32;
        for subscription in &wanted {
            if subscription.tag == 0 && subscription.wait_ns > elapsed {
                continue;
            }
            let at = (events as u32)
                .checked_add(fired * 32)
                .ok_or(Failure::Fault)? as i32;
            bytes.slice_mut(at, 32)?.fill(0);
            bytes.write_u64(at, subscription.userdata)?;
            bytes.write(at.wrapping_add(10), &[subscription.tag])?;
            fired += 1;
        }
        bytes.write_u32(out, fired)
    }))
}

fn decode(
    bytes: &Bytes<'_>,
    host: &mut Host,
    subscriptions: i32,
    index: u32,
) -> Result<Subscription, Failure> {
    let at = (subscriptions as u32)
        .checked_add(index * 48)
        .ok_or(Failure::Fault)? as i32;
    bytes.slice(at, 48)?;
    let userdata = bytes.read_u64(at)?;
    let tag = *bytes
        .slice(at.wrapping_add(8), 1)?
        .first()
        .ok_or(Failure::Fault)?;
    let mut wait_ns = 0;
    match tag {
        0 => {
            let id = bytes.read_u32(at.wrapping_add(16))? as i32;
            let timeout = bytes.read_u64(at.wrapping_add(24))?;
            let absolute = bytes.read_u32(at.wrapping_add(40))? & 1 == 1;
            wait_ns = if absolute {
                timeout.saturating_sub(read(host, id)?)
            } else {
                timeout
            };
        }
        1 | 2 => {}
        _ => return Err(Errno::Inval.into()),
    }
    Ok(Subscription {
        userdata,
        tag,
        wait_ns,
    })
}

impl Host {
    /// Waits on behalf of the guest, not longer than the turn may take.
    fn wait(&mut self, ns: u64) -> WaitEnd {
        if self.clock.is_real() {
            let until = Instant::now().checked_add(Duration::from_nanos(ns));
            self.interrupter.wait(until, || false)
        } else {
            self.clock.advance(ns);
            WaitEnd::Due
        }
    }
}

const _: () = assert!(FAULT == 21);
