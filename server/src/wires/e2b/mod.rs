//! E2B: its control plane, its files and processes, its code interpreter.
//!
//! ```text
//! request ─► address.rs ─┬─ no sandbox ──► control/   X-API-KEY
//!                        ├─ port 49983 ──► envd/      X-Access-Token, or a signed URL
//!                        ├─ port 49999 ──► code/      X-Access-Token or E2B-Traffic-Access-Token
//!                        └─ another ─────► nothing listens there
//! ```
//! `docs/serve-e2b.md` says what works, and how the rest is refused.

mod address;
mod code;
mod connect;
mod control;
mod envd;
mod error;
#[cfg(feature = "fuzzing")]
pub(super) mod fuzzing;
mod recent;
mod routing;
mod signature;
mod state;
mod target;

pub(crate) use routing::{router, wants};
