//! The channel out of the guest: the frames that cross it, and the trait that
//! answers them.
//!
//! ```text
//!  guest ── frame ──► runtime ── decoded, counted, bounded ──► HostCalls
//!        ◄── reply ──────────────────────────────────────────────┘
//!        ◄── answers, when it resumes ── tickets of awaited calls ┘
//! ```
//! This crate decides the *shape* of a guest's call. Whether a call is
//! permitted is decided by the [`HostCalls`] implementation that a session is
//! made with. It knows neither the engine nor any tool, so that tools build
//! and test without an engine.

mod answers;
mod calls;
mod frame;
pub mod tree;

pub use answers::{LOST_ANSWERS, encode_answers};
pub use calls::{HostCalls, NoHostCalls, Ticket, TurnHandle, Waited};
pub use frame::{Frame, FrameError, MAX_HEAD_BYTES, MAX_PARTS, Reply};
pub use tree::TreeSize;

/// The operation of a display frame, which the runtime answers itself.
pub const OP_DISPLAY: u8 = 1;
/// The operation of a tool call.
pub const OP_CALL: u8 = 2;
/// The operation of a question about the toolbox.
pub const OP_TOOLBOX: u8 = 3;
/// The operation of a request to fork the session where it stands, in the
/// middle of its turn.
pub const OP_FORK: u8 = 4;
/// The operation of a wait for answers inside a turn that cannot return to the
/// host: the runtime answers it itself, with one part of
/// [encoded answers](encode_answers).
pub const OP_WAIT: u8 = 5;
/// The operation of an agent's harness: answers, spawned agents' boards, inputs.
pub const OP_AGENT: u8 = 6;
/// The operation of a native: the runtime computes the answer, in the guest's place.
pub const OP_NATIVE: u8 = 8;
/// The operation of what the interface for files lacks: a second descriptor of an open
/// file, and how much room there is. The runtime answers it itself.
pub const OP_FILES: u8 = 10;
