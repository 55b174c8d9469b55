//! Policies: what a session may do and use.
//!
//! A policy file is TOML. It extends a [`Preset`], which bounds what the file
//! may grant, and resolves into a [`Policy`]: a plain value that is cheap to
//! share. An overlay is a second TOML text that may only narrow a policy.
//!
//! ```
//! use memex_policies::Policy;
//!
//! let policy = Policy::parse(
//!     r#"
//!     version = 1
//!     extends = "read-files"
//!
//!     [limits]
//!     guest_time_ms = "2s"
//!
//!     [[directories]]
//!     host = "measurements"
//!     guest = "/data"
//!     "#,
//! )?;
//! assert_eq!(policy.limits.guest_time_ms, 2_000);
//!
//! let narrowed = policy.narrow("version = 1\nlimits.guest_time_ms = '500ms'")?;
//! assert_eq!(narrowed.limits.guest_time_ms, 500);
//!
//! let refused = policy.narrow("version = 1\nlimits.guest_time_ms = '1h'");
//! assert!(refused.is_err());
//! # Ok::<(), memex_policies::Error>(())
//! ```
//!
//! Invariant: this crate does no I/O. Paths on the host are kept as written;
//! the code that opens them decides what a relative path is relative to.

mod clock;
mod directories;
mod document;
mod environment;
mod error;
mod explanation;
mod limits;
mod lists;
mod names;
mod natives;
mod network;
mod overlay;
mod policy;
mod presets;
mod quantities;
mod resolution;
mod sections;
mod shared;
mod suggestions;
mod tools;
mod unit;
mod writing;

pub use clock::{Clock, Randomness};
pub use directories::{Access, DirectoryGrant, Scratch};
pub use document::POLICY_MAX_BYTES;
pub use error::Error;
pub use limits::{LimitField, Limits};
pub use names::{NameError, PLAIN_NAME_BYTES_MAX, check_plain_name, check_plain_path};
pub use natives::{NATIVE_FAMILIES, NativeGrants};
pub use network::HostGrant;
pub use policy::Policy;
pub use presets::Preset;
pub use shared::SharedScratchGrant;
pub use suggestions::nearest;
pub use tools::ToolGrants;
pub use unit::Unit;
