//! What natives answer, and what they refuse, of bytes that anybody may have made.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod bounds;
mod columns;
mod described;
mod frames;
mod hostile;
mod images;
mod keys;
mod matrices;
mod sorting;

use memex_natives::{Answer, Bounds, Refusal, Room, answer};
use serde_json::Value;

/// Bounds that no small input reaches.
const WIDE: Bounds = Bounds {
    bytes_max: 64 << 20,
    working_bytes_max: 1 << 30,
    work_max: None,
};

/// A call within wide bounds, which nothing interrupts.
fn call(request: &Value, parts: &[&[u8]]) -> Result<Answer, Refusal> {
    call_within(WIDE, request, parts)
}

fn call_within(bounds: Bounds, request: &Value, parts: &[&[u8]]) -> Result<Answer, Refusal> {
    let room = Room::new(bounds, &|| false);
    answer(request.to_string().as_bytes(), parts, |_| true, &room)
}

/// A call whose turn is told to end after a number of looks.
fn call_until(looks: u64, request: &Value, parts: &[&[u8]]) -> (Result<Answer, Refusal>, u64) {
    let seen = std::cell::Cell::new(0);
    let interrupt = || {
        seen.set(seen.get() + 1);
        seen.get() > looks
    };
    let room = Room::new(WIDE, &interrupt);
    let answer = answer(request.to_string().as_bytes(), parts, |_| true, &room);
    (answer, seen.get())
}

/// The only part of an answer.
fn part(answer: Answer) -> Vec<u8> {
    let [part] = <[Vec<u8>; 1]>::try_from(answer.parts).unwrap();
    part
}
