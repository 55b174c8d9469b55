//! `host.call`: the only way out of the guest besides WASI.

use super::exits::HardInterrupt;
use super::failure::FAULT;
use super::file_calls;
use super::memory::Bytes;
use super::offload;
use crate::channel::decode_display;
use crate::host::{Apart, Host, LimitHit};
use crate::interrupt::WaitEnd;
use memex_channel::{
    Frame, LOST_ANSWERS, MAX_HEAD_BYTES, MAX_PARTS, OP_DISPLAY, OP_FILES, OP_FORK, OP_NATIVE,
    OP_TOOLBOX, OP_WAIT, Reply, encode_answers,
};
use memex_guest_python::Work;
use std::time::{Duration, Instant};
use wasmtime::{Caller, Linker, Memory};

pub(super) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "host",
        "call",
        |mut caller: Caller<'_, Host>,
         pointer: i32,
         length: i32,
         out_pointer: i32,
         out_length: i32|
         -> wasmtime::Result<i32> {
            let Some(memory) = caller.data().memory else {
                return Ok(FAULT);
            };
            if let Some(work) = Work::of_call(length) {
                return offload::answer(&mut caller, memory, work, pointer, out_pointer);
            }
            let reply = reply(&mut caller, memory, pointer, length)?;
            if caller.data().interrupter.pulse.is_hard() {
                return Err(HardInterrupt.into());
            }
            deliver(&mut caller, memory, &reply, out_pointer, out_length)
        },
    )?;
    Ok(())
}

fn reply(
    caller: &mut Caller<'_, Host>,
    memory: Memory,
    pointer: i32,
    length: i32,
) -> wasmtime::Result<Reply> {
    let start = pointer as u32 as usize;
    let is_native = memory.data(&*caller).get(start) == Some(&OP_NATIVE);
    // Only natives work in the guest's place.
    let fuel = is_native.then(|| caller.get_fuel().ok()).flatten();
    let (bytes, host) = memory.data_and_store_mut(&mut *caller);
    let guest_bytes = bytes.len() as u64;
    let length = length as u32 as usize;
    if let Some(watch) = &mut host.watch {
        watch.look(bytes.get(start).copied().unwrap_or(0), bytes);
    }
    let part = start..start.saturating_add(length);
    let shared = host.interrupter.pulse.writes();
    let is_shared = shared.is_some_and(|words| words.is_in(&part));
    let reply = match bytes.get(part).filter(|_| !is_shared) {
        None => Reply::error("ValueError", "the frame lies outside of memory"),
        Some(frame) => match host.admit(frame) {
            Err(refusal) => refusal,
            Ok(frame) if frame.op == OP_FORK => {
                // What follows may map the guest's memory anew.
                let frame = frame.encode();
                fork(caller, memory, &frame)
            }
            Ok(frame) if frame.op == OP_NATIVE => {
                return host.compute(&frame, guest_bytes, fuel).paid(caller, fuel);
            }
            Ok(frame) => host.answer_call(&frame),
        },
    };
    let bytes = reply.encoded_len() as u64;
    let host = caller.data_mut();
    let limit = host.limits.host_call_bytes;
    if bytes <= limit {
        return Ok(reply);
    }
    let message =
        format!("the answer has {bytes} bytes, more than host_call_bytes allows ({limit})");
    host.turn.hit("host_call_bytes", limit, bytes, &message);
    Ok(Reply::error("MemoryError", &message))
}

/// Answers a request to fork the session where it stands.
fn fork(caller: &mut Caller<'_, Host>, memory: Memory, frame: &[u8]) -> Reply {
    // Taken out, since answering needs the guest and the host's state.
    let Some(mut forking) = caller.data_mut().forking.take() else {
        return Reply::error(
            "PermissionError",
            "this session cannot be forked by its own code",
        );
    };
    let reply = forking.answer(caller, memory, frame);
    caller.data_mut().forking = Some(forking);
    reply
}

/// Copies a reply into memory that the guest allocates for it.
fn deliver(
    caller: &mut Caller<'_, Host>,
    memory: Memory,
    reply: &Reply,
    out_pointer: i32,
    out_length: i32,
) -> wasmtime::Result<i32> {
    let Some(allocate) = caller.data().allocate.clone() else {
        return Ok(FAULT);
    };
    let length = reply.encoded_len();
    let size = i32::try_from(length)?;
    let address = allocate.call(&mut *caller, size.max(1))?;
    // The guest out of memory, or lying: the writes below are bounds-checked
    // either way, and an error number makes the call fail there.
    let (bytes, host) = memory.data_and_store_mut(&mut *caller);
    let mut bytes = Bytes::new(bytes, host.interrupter.pulse.writes());
    let delivered = address != 0
        && bytes
            .slice_mut(address, size)
            .is_ok_and(|place| reply.encode_into(place).is_ok())
        && bytes
            .write_u32(out_pointer, address.cast_unsigned())
            .is_ok()
        && bytes.write_u32(out_length, size.cast_unsigned()).is_ok();
    Ok(if delivered { 0 } else { FAULT })
}

/// Most bytes of a call of a native whose parts have at most this many.
fn native_frame_bytes(parts_bytes: u64) -> u64 {
    let around = 5 + MAX_HEAD_BYTES + 4 * MAX_PARTS;
    parts_bytes.saturating_add(around as u64)
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct WaitHead {
    timeout_s: Option<f64>,
}

impl Host {
    /// Counts a call, and decodes it if it is within the limits.
    fn admit<'a>(&mut self, bytes: &'a [u8]) -> Result<Frame<'a>, Reply> {
        match (self.apart(), bytes.first()) {
            (None, _) | (Some(Apart::Question), Some(&OP_NATIVE)) => {}
            _ => return Err(Reply::error("PermissionError", "no turn runs")),
        }
        // Questions about the toolbox are no calls of the code's own, and neither are
        // calls for files that need this way.
        match bytes.first() {
            Some(&(OP_TOOLBOX | OP_WAIT | OP_FILES)) => self.turn.questions += 1,
            _ => self.turn.host_calls += 1,
        }
        let calls = self.turn.host_calls + self.turn.questions;
        let limit = self.limits.host_calls;
        if calls > limit {
            let message = format!("more than {limit} host calls in one turn");
            self.turn.hit("host_calls", limit, calls, &message);
            return Err(Reply::error("PermissionError", &message));
        }
        let (name, limit) = match bytes.first() {
            // The bytes of its parts are bounded by what it is asked for.
            Some(&OP_NATIVE) => ("native_bytes", native_frame_bytes(self.limits.native_bytes)),
            _ => ("host_call_bytes", self.limits.host_call_bytes),
        };
        if bytes.len() as u64 > limit {
            let message = format!("a call of {} bytes, of {limit} allowed", bytes.len());
            self.turn.hit(name, limit, bytes.len() as u64, &message);
            return Err(Reply::error("ValueError", &message));
        }
        Frame::decode(bytes).map_err(|error| Reply::error("ValueError", &error.to_string()))
    }

    fn answer_call(&mut self, frame: &Frame<'_>) -> Reply {
        if frame.op == OP_DISPLAY {
            return self.show(frame);
        }
        if frame.op == OP_WAIT {
            return self.wait_for_answers(frame);
        }
        if frame.op == OP_FILES {
            return file_calls::answer(self, frame);
        }
        let (calls, turn) = (&mut self.calls, &self.interrupter);
        turn.host_time(|| calls.call(frame, turn))
    }

    /// Waits for answers to awaited calls while the guest's frames stand: in a
    /// loop that `asyncio.run` made. The head is `{"timeout_s": n}` or null.
    fn wait_for_answers(&mut self, frame: &Frame<'_>) -> Reply {
        let timeout = match serde_json::from_slice::<WaitHead>(frame.head) {
            Ok(head) => head.timeout_s.map(|seconds| seconds.max(0.0)),
            Err(error) => return Reply::error("ValueError", &format!("wait head: {error}")),
        };
        let timeout = timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let (calls, turn, clock) = (&mut self.calls, &self.interrupter, &mut self.clock);
        let is_alone = calls.pending() == 0;
        let answers = if until.is_none() && is_alone {
            LOST_ANSWERS.to_vec()
        } else {
            // A fixed clock waits for nothing but answers, and jumps.
            let until = match clock.is_real() || !is_alone {
                true => until,
                false => Some(Instant::now()),
            };
            calls.wake_with(turn.waker());
            if turn.wait(until, || calls.has_answers()) == WaitEnd::Due
                && let Some(timeout) = timeout.filter(|_| !clock.is_real())
            {
                clock.jump(timeout);
            }
            encode_answers(&calls.take_answers())
        };
        Reply {
            parts: vec![answers],
            ..Reply::answer(b"null".to_vec())
        }
    }

    fn show(&mut self, frame: &Frame<'_>) -> Reply {
        let display = match decode_display(frame) {
            Ok(display) => display,
            Err(message) => return Reply::error("ValueError", &message),
        };
        let (count, bytes) = (self.limits.displays, self.limits.display_bytes);
        let shown = self.turn.displays.len() as u64 + 1;
        let total = self.turn.display_bytes.saturating_add(display.len() as u64);
        let over = if shown > count {
            Some(LimitHit::new("displays", count, shown))
        } else if total > bytes {
            Some(LimitHit::new("display_bytes", bytes, total))
        } else {
            None
        };
        if let Some(over) = over {
            let message = format!(
                "{} is {}, of {} allowed",
                over.name, over.actual, over.limit
            );
            self.turn.hit(&over.name, over.limit, over.actual, &message);
            return Reply::error("RuntimeError", &message);
        }
        self.turn.display_bytes = total;
        self.turn.displays.push(display.into_display());
        Reply::answer(b"null".to_vec())
    }
}
