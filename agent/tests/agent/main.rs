//! The parts of an agent that need no guest.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod conversations;
mod dialogues;
mod evaluation;
mod observations;
mod prompts;
mod replies;
mod settings;
