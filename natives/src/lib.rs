//! Natives: what the guest lacks, as pure functions of the host.
//!
//! ```text
//!  guest ── head (JSON), parts (bytes) ──► answer ── permitted, bounded ──► a function
//!        ◄── head, parts ────────────────────┘
//! ```
//! A native is bytes in, bytes out. It has no authority: no file, no network, no
//! clock, no random number, and nothing that outlives the call. The same input
//! gives the same output on every machine, so a session that uses natives can be
//! saved, forked and replayed like any other.
//!
//! The input is hostile. What bounds a native is its [`Room`]: how large its input
//! and its output may be, what it may hold while it works, and the work that it may
//! do; and it looks at the interrupt of its turn as it goes. A size that the input
//! states is checked against the room before anything is allocated. The codecs are
//! other people's code: a panic of one is taken for damage of its input. It is counted
//! ([`codec_panics`]) and not reported: the hook of panics that the process has when the
//! first codec runs is asked about all others.
//!
//! This crate knows neither the engine nor the channel. Whether a session may use a
//! family of natives is its policy's decision, which the caller passes in.

mod answer;
mod answering;
mod columns;
mod guarding;
mod jpeg;
mod kdf;
pub mod matrices;
mod options;
mod refusal;
mod room;
mod sink;
pub mod sorting;
mod source;
mod webp;
mod zstandard;

pub use answer::Answer;
pub use answering::{FAMILIES, answer};
pub use guarding::codec_panics;
pub use refusal::Refusal;
pub use room::{Bounds, Room};
