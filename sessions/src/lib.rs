//! Sessions from data: the one place that assembles.
//!
//! ```text
//!  SessionSpec ──resolve──► Resolved ──open(Host, Secrets)──► Opened
//!   (data, from a           (policy with                       session, tools,
//!    file or a client)       every grant)                      saved session
//! ```
//! A [`SessionSpec`] says everything that makes a session: what its code may
//! do, which image it starts from, which tools it gets, where it is saved. It
//! is plain data with a version, so that it travels: from a configuration file,
//! over HTTP, in the first frame to a worker process. [`SessionSpec::resolve`]
//! reads the policy files it names and checks that its grants are permitted;
//! [`Resolved::open`] makes the session. What depends on the process and not on
//! the session (directories, the tokio runtime, who answers questions) is a
//! [`Host`], which a front end makes once.
//!
//! ```
//! use memex_sessions::SessionSpec;
//!
//! let spec = SessionSpec::builder()
//!     .policy("workspace")
//!     .limit("guest_time_ms", "2s")
//!     .build();
//! let resolved = spec.resolve()?;
//! assert_eq!(resolved.policy().limits.guest_time_ms, 2_000);
//!
//! let text = spec.to_json()?;
//! assert_eq!(SessionSpec::from_json(text.as_bytes())?, spec);
//! # Ok::<(), memex_sessions::Error>(())
//! ```
//!
//! Invariant: nothing here reads the environment, prints, or keeps state of the
//! process. Errors say what is wrong; which option puts it right is for the
//! front end to say.

mod error;
pub mod files;
mod host;
mod image_defaults;
mod images;
mod inputs;
mod open;
mod outcome;
mod policy_files;
mod pool;
mod resolved;
mod saved;
mod spec;
mod suspension;
mod tools;

pub use error::{Error, SpecPart};
pub use host::Host;
pub use image_defaults::ImageDefaults;
pub use images::Images;
pub use inputs::{check_inputs, put_inputs};
pub use open::{Opened, open, options};
pub use outcome::{Content, Display, Exception, Outcome};
pub use policy_files::{load_policy, resolve_policies};
pub use pool::{Pool, PoolError, PoolKey, PoolOptions, PoolPlace, PoolStats};
pub use resolved::Resolved;
pub use saved::{
    SavedSession, at_turn, commit, commit_noting, for_store, fork, from_store, head_of, load,
    open_store, status_word,
};
pub use spec::{
    AuditFile, Database, ImageSource, LimitValue, Mount, PolicySource, SPEC_MAX_BYTES,
    SPEC_VERSION, SessionSpec, SessionSpecBuilder, SharedScratch, StoreSource, ToolSources,
};
pub use suspension::{
    RepeatableSink, SAVED_SESSION_VERSION, SavedTurn, Suspendable, SuspendedStep, Suspension,
    SuspensionError,
};
pub use tools::{NoSecrets, Tools};
