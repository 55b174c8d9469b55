//! The Connect protocol, as far as E2B's clients speak it: JSON, without
//! compression, unary calls and streams from the server.
//!
//! ```text
//! unary   request   application/json            one object
//!         answer    application/json            one object, or a status and {"code", "message"}
//! stream  request   application/connect+json    one frame with one object
//!         answer    application/connect+json    frames; the last one has flag 2 and holds
//!                                               {} or {"error": {"code", "message"}}
//! frame   flags u8 │ length u32, big-endian │ JSON
//! ```

mod call;
mod code;
mod frame;
#[cfg(feature = "fuzzing")]
pub(super) mod fuzzing;
mod streaming;

pub(crate) use call::{Call, stream_request, unary_request};
pub(crate) use code::{Code, ConnectError};
pub(crate) use streaming::{Sender, stream};
