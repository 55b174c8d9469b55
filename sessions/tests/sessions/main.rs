//! Specs: what is read, what is refused, what they resolve to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod opening;
mod reading;
mod resolving;
