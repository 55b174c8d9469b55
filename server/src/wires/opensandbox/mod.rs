//! OpenSandbox: its control plane, and the daemon that runs code and keeps files.
//!
//! ```text
//! /v1/…                                   control/   OPEN-SANDBOX-API-KEY
//! /opensandbox/v1/…                       the same, for clients that are told so
//! /opensandbox/{sandbox}/44772/…          execd/     X-EXECD-ACCESS-TOKEN, or the key
//! /opensandbox/{sandbox}/18080/policy     what the network policy is: there is no network
//! ```
//! Clients learn the addresses of the daemon, and the token, from the control plane.

mod body;
mod control;
mod error;
mod execd;
#[cfg(feature = "fuzzing")]
pub(super) mod fuzzing;
mod routing;
mod state;
mod target;

pub(crate) use routing::{router, wants};
