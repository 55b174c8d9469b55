//! The runtime: a CPython guest inside WebAssembly as a persistent scope for
//! untrusted code.
//!
//! ```text
//!   Cache ──► Image ──┐
//!   Policy ───────────┴─► Sandbox ──► Session ──► Outcome, Outcome, …
//!   Runtime ──────────────┘              ▲
//!                          HostCalls ────┘ answers the guest's calls
//! ```
//! - An [`Image`] is a guest that has started and warmed up, built once and
//!   mapped by every session.
//! - A [`Sandbox`] binds an image to a policy; a [`Session`] is one interpreter
//!   with its own scope, and runs turns. An event in the guest is an
//!   [`Outcome`]; a failure of the host is an [`Error`].
//! - Every bound of the policy is enforced here. A turn that ends in a hard
//!   limit leaves the session as it was before the turn.
//!
//! ```no_run
//! use memex_runtime::{Cache, Image, ImageSpec, NoProgress, Runtime, Sandbox, SessionOptions};
//! use std::sync::Arc;
//!
//! let cache = Cache::open("/home/me/.cache/memex")?;
//! let image = Image::load(&cache, &ImageSpec::standard()?, &Default::default(), &mut NoProgress)?;
//! let policy = Arc::new(memex_policies::Policy::default());
//! let sandbox = Sandbox::new(&Runtime::new()?, &image, policy, &mut NoProgress)?;
//! let mut session = sandbox.session(SessionOptions::default())?;
//! session.run("x = 20")?;
//! assert_eq!(session.run("x + 22")?.value.as_deref(), Some("42"));
//! # Ok::<(), memex_runtime::Error>(())
//! ```

mod channel;
mod cpu;
mod engine;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod host;
mod image;
mod interrupt;
mod memory;
mod platform;
mod runtime;
mod session;
mod snapshot;
mod stacks;
mod state;
mod survey;
mod wasi;

pub use channel::{AtMost, Display, DisplayData};
pub use cpu::Cpu;
pub use engine::Metering;
pub use error::Error;
pub use host::{Captured, LimitHit, OutputSink, Stream};
pub use image::{
    Cache, CachedImage, CodeSource, Image, ImagePlaces, ImageSecret, ImageSpec, ImageStore,
    NoProgress, Progress, PullOptions, Pulled, PushOptions, Pushed, PushedCode, RemovedImage,
    Stage, StaleEntry, StoreError, TrustCode,
};
pub use interrupt::{Cause, Interrupter};
pub use memex_channel::{
    Frame, FrameError, HostCalls, MAX_HEAD_BYTES, MAX_PARTS, NoHostCalls, OP_FORK, Reply, Ticket,
    TurnHandle, Waited,
};
pub use memex_filesystem::{DirEntry, Errno, FileStat, FileType, LostFile};
pub use memex_guest_python::{
    FetchOptions, Manifest, Package, Requirement, Wheel, is_for_package_client,
};
pub use platform::{DirtyTracking, PAGE_BYTES};
pub use runtime::Runtime;
pub use session::{
    Forks, GuestError, Hibernated, MidTurnFork, Outcome, Sandbox, SavedHibernated, Session,
    SessionFiles, SessionOptions, SessionState, Status, Step, StillAsleep, StillAwake, Suspended,
    TURN_FORMAT_VERSION,
};
pub use snapshot::{
    Chunk, Encoded, FORMAT_VERSION, Generators, Snapshot, SnapshotInfo, info as snapshot_info,
    without_generators,
};
pub use survey::Survey;
