//! Single variables of the scope, taken out and put in between turns.
//!
//! They cross in the form of values between sessions (`docs/dispatcher.md`),
//! which this side passes on unread.

use super::lifecycle::Session;
use super::outcome::GuestError;
use super::reply::{CLASS_BYTES_MAX, MESSAGE_BYTES_MAX};
use crate::error::Error;
use memex_channel::Frame;
use serde::Deserialize;

/// The first bytes of requests; `memex_guest/exchange.py` has the same.
const GET: u8 = 1;
const SET: u8 = 2;
/// The first byte of a packed value.
const PACKED: u8 = 1;
/// The first byte of a refusal. Packed values begin with another.
const REFUSED: u8 = 0;

#[derive(Deserialize)]
struct Refusal {
    r#type: String,
    message: String,
}

impl Session {
    /// The value of a variable of the scope, packed; or why the guest does not
    /// hand it over: there is no such variable, or its value is more than data.
    ///
    /// Runs guest code, so the policy's limits apply; at most `host_call_bytes`
    /// are taken. Nothing in the bytes can be trusted.
    ///
    /// # Errors
    /// When the session is not ready or the host fails.
    pub fn get(&mut self, name: &str) -> Result<Result<Vec<u8>, GuestError>, Error> {
        let answer = self.exchange(&[&request(GET, name)])?;
        Ok(answer.and_then(|answer| match answer.is_empty() {
            true => Err(unusable()),
            false => Ok(answer),
        }))
    }

    /// Binds a variable of the scope to a packed value, or says why the guest
    /// does not take it. The scope is as before then.
    ///
    /// # Errors
    /// As [`Session::get`].
    pub fn set(&mut self, name: &str, value: &[u8]) -> Result<Result<(), GuestError>, Error> {
        let limit = self.sandbox.policy().limits.host_call_bytes;
        if value.len() as u64 > limit {
            return Ok(Err(GuestError {
                class: "ValueError".to_owned(),
                message: format!(
                    "the value has {} bytes, of {limit} that host_call_bytes allows",
                    value.len()
                ),
                ..GuestError::default()
            }));
        }
        // The value goes into the guest from where it lies.
        let length = (value.len() as u32).to_le_bytes();
        let answer = self.exchange(&[&request(SET, name), &length, value])?;
        Ok(answer.and_then(|answer| match answer.is_empty() {
            true => Ok(()),
            false => Err(unusable()),
        }))
    }

    /// Binds a variable of the scope to a text, or says why the guest does not take it.
    ///
    /// # Errors
    /// As [`Session::get`].
    pub fn set_text(&mut self, name: &str, text: &str) -> Result<Result<(), GuestError>, Error> {
        // A packed value is a list of what it is made of, and the value.
        let packed = serde_json::json!([[], text]).to_string();
        let frame = Frame {
            op: PACKED,
            head: &[],
            parts: vec![packed.as_bytes()],
        };
        self.set(name, &frame.encode())
    }

    fn exchange(&mut self, request: &[&[u8]]) -> Result<Result<Vec<u8>, GuestError>, Error> {
        let entry = self.sandbox.image().map().entries.inspect;
        let limit = self.sandbox.policy().limits.host_call_bytes;
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let Some(answer) = self.ask(entry, request, most)? else {
            return Ok(Err(GuestError {
                class: "ValueError".to_owned(),
                message: format!(
                    "the value does not fit the limits: it is larger than host_call_bytes ({limit}), or takes too long or too much memory"
                ),
                ..GuestError::default()
            }));
        };
        if answer.first() != Some(&REFUSED) {
            return Ok(Ok(answer));
        }
        let frame = Frame::decode(&answer);
        Ok(Err(
            frame.map_or_else(|_| unusable(), |frame| refusal(frame.head))
        ))
    }
}

/// The beginning of a request, before its part if it has one.
fn request(op: u8, name: &str) -> Vec<u8> {
    Frame {
        op,
        head: name.as_bytes(),
        parts: Vec::new(),
    }
    .encode()
}

fn refusal(head: &[u8]) -> GuestError {
    let Ok(Refusal { r#type, message }) = serde_json::from_slice(head) else {
        return unusable();
    };
    GuestError {
        class: clipped(r#type, CLASS_BYTES_MAX),
        message: clipped(message, MESSAGE_BYTES_MAX),
        ..GuestError::default()
    }
}

fn clipped(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
    }
    text
}

/// What code has made of the dispatcher that answers with something else.
fn unusable() -> GuestError {
    GuestError {
        class: "RuntimeError".to_owned(),
        message: "the session's code has changed what hands variables over".to_owned(),
        ..GuestError::default()
    }
}
