//! Host faults: what goes wrong on this side of the sandbox.
//!
//! What happens in the guest (an exception, a limit) is never an [`Error`] but
//! part of an [`Outcome`](crate::Outcome).

use std::io;
use std::path::PathBuf;

/// A fault of the host, of the cache or of the caller.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file operation of the host failed.
    #[error("{doing} {path}: {source}")]
    File {
        /// What was being done, as a verb.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of the cache is not what was written there.
    #[error("{path} is damaged: {reason}\nhint: remove it, or run `memex image build --force`")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// The cache can have no such entry.
    #[error("{key:?} names no entry of {kind:?} in the cache\nhint: `memex image list` names them")]
    NoEntry {
        /// The folder of the cache.
        kind: String,
        /// The name.
        key: String,
    },
    /// An entry of the cache is whole, but not of this version's form.
    #[error(
        "{path} was made by another version of memex\nhint: `memex image prune` removes what this version does not use"
    )]
    OtherVersion {
        /// The entry.
        path: PathBuf,
    },
    /// The cache could be written by others, so nothing in it can be trusted.
    #[error(
        "{path} {reason}, and code in it would run unchecked\nhint: `chmod -R go-rwx {path}` if the contents are yours, or choose another directory with --cache"
    )]
    NotPrivate {
        /// The file or directory.
        path: PathBuf,
        /// Who else has access.
        reason: String,
    },
    /// The guest's files could not be had.
    #[error(transparent)]
    Guest(#[from] memex_guest_python::Error),
    /// The packages of an image are not in the cache.
    #[error(
        "the packages {} are not in the cache\nhint: `memex image build{}` fetches them",
        .packages.join(", "),
        .packages.iter().map(|package| format!(" --package {package}")).collect::<String>()
    )]
    NoPackages {
        /// Each as `NAME==VERSION`.
        packages: Vec<String>,
    },
    /// The guest did not behave as its manifest says while the image was built.
    #[error("the guest does not meet its manifest: {0}")]
    Calibration(String),
    /// The engine refused a module, a configuration or an instance.
    #[error("the WebAssembly engine: {0}")]
    Engine(String),
    /// Address space, memory or threads could not be had.
    #[error("{doing}: {source}")]
    System {
        /// What was asked for.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A directory of the policy cannot be opened.
    #[error(
        "the granted directory {path} cannot be opened: {source}\nhint: create it, or remove the grant for {guest} from the policy"
    )]
    Grant {
        /// The directory on the host.
        path: PathBuf,
        /// Where the guest would see it.
        guest: String,
        /// What the system said.
        source: io::Error,
    },
    /// The files that a session would see contradict each other.
    #[error(transparent)]
    Files(#[from] memex_filesystem::Error),
    /// As many sessions live as the policy allows in one process.
    #[error(
        "{live} sessions are alive in this process, and the policy allows {limit}\nhint: drop or hibernate sessions, or raise live_sessions"
    )]
    TooManySessions {
        /// Sessions alive.
        live: u64,
        /// The policy's `live_sessions`.
        limit: u64,
    },
    /// The image alone is larger than the policy's memory.
    #[error(
        "the image has {image_bytes} bytes of memory, and the policy allows {limit}\nhint: raise memory_bytes, or build an image that imports less"
    )]
    ImageTooLarge {
        /// Bytes a session starts with.
        image_bytes: u64,
        /// The policy's `memory_bytes`.
        limit: u64,
    },
    /// The call does not fit the session's state.
    #[error("the session is {state}: {remedy}")]
    State {
        /// The session's state.
        state: &'static str,
        /// What to do instead.
        remedy: &'static str,
    },
    /// Code that was given to a session (a sink, tools, forks) panicked in a
    /// turn. The session is lost, since nothing is known of what was half done.
    #[error(
        "code of the host panicked in a turn: {0}\nhint: the session is lost; start another, or restore a snapshot"
    )]
    Panicked(String),
    /// A copy of a running guest did not come to rest.
    #[error(
        "a session forked in the middle of a turn did not come to rest: {0}\nhint: fork it between two turns, or at another place"
    )]
    Fork(String),
    /// A snapshot's bytes are not a snapshot of this format.
    #[error("not a usable snapshot: {0}")]
    Snapshot(String),
    /// A snapshot belongs to another image.
    #[error(
        "the snapshot was taken on image {wanted}, and this is image {found}\nhint: run with the image it was taken on (`memex image list`), built by the same memex version with the same preload"
    )]
    ForeignSnapshot {
        /// The image the snapshot names.
        wanted: String,
        /// The image in use.
        found: String,
    },
}

impl Error {
    pub(crate) fn file(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File {
            doing,
            path,
            source,
        }
    }

    pub(crate) fn system(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { doing, source }
    }

    pub(crate) fn engine(error: impl std::fmt::Display) -> Self {
        Self::Engine(error.to_string())
    }
}
