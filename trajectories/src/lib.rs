//! The records of agent runs.
//!
//! A [`Trajectory`] records a run: its [`Step`]s, their usage, the end, and the
//! runs that it spawned. A [`TrajectoryWriter`] saves it incrementally: if the
//! process is killed at any point, the file is still a trajectory. [`load`] and
//! [`TrajectoryReader`] read it.
//!
//! [`formats`] exchanges trajectories with other programs, [`views`] is their
//! form for guests, [`spans`] renders them for tracing, [`report`] for people,
//! and [`statistics`] compares many.
//!
//! ```
//! use memex_trajectories::{Agent, End, Header, Status, Step, Timestamp, TrajectoryWriter, load};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("run.jsonl");
//! let header = Header {
//!     id: "run-1".into(),
//!     task: "How many rows are there?".into(),
//!     agent: Agent { name: "analyst".into(), version: "1".into(), ..Agent::default() },
//!     started: Timestamp::now(),
//!     ..Header::default()
//! };
//! let mut writer = TrajectoryWriter::create(&path, &header)?;
//! writer.step(&Step { text: header.task.clone(), ..Step::default() })?;
//! writer.end(&End { status: Status::Answered, ..End::default() })?;
//!
//! let loaded = load(&path)?;
//! assert_eq!(loaded.trajectory.steps.len(), 1);
//! assert!(loaded.notes.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Everything in a trajectory may come from a model or a guest. Nothing here
//! runs it, opens a path or an address it names, or trusts its size: each
//! reader has a named bound.

mod absent;
mod depth;
mod error;
pub mod formats;
mod observation;
mod reader;
mod record;
pub mod report;
pub mod spans;
pub mod statistics;
mod status;
mod step;
mod time;
mod trajectory;
pub mod views;
mod writer;

pub use error::{Error, Malformed};
pub use observation::{
    Change, Display, Encoding, GuestError, LimitReached, NameChange, Observation,
};
pub use reader::{LINE_MAX_BYTES, Loaded, Note, TrajectoryReader, load};
pub use record::{End, Header, Record, VERSION};
pub use status::{Budget, Status};
pub use step::{GuestCost, Metadata, Step, StepKind, Timing, ToolCall, ToolResult, Usage};
pub use time::Timestamp;
pub use trajectory::{ActionSpace, Agent, Child, Parent, Totals, Trajectory};
pub use writer::{Durability, TrajectoryWriter};
