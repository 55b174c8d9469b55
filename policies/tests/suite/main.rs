//! The behaviour of policies, through the public API.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod explanations;
mod grants;
mod limits;
mod names;
mod overlays;
mod parsing;
mod properties;
