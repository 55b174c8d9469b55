//! Why a session could not be made, continued or saved.

use std::fmt;
use std::path::PathBuf;

/// Why a spec was refused, or a session could not be had.
///
/// What the code of a session does wrong is none of these: it is its
/// [`Outcome`](crate::Outcome).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is no spec.
    #[error("the session spec cannot be used: {what}")]
    Spec {
        /// What is wrong, with the field.
        what: String,
    },
    /// The spec is of a version that this build does not read.
    #[error(
        "the session spec {}; this build reads version {known}",
        match found { None => "has no `version`".to_owned(), Some(found) => format!("is of version {found}") }
    )]
    SpecVersion {
        /// What stands in `version`.
        found: Option<String>,
        /// The version that is read.
        known: u64,
    },
    /// A part of the spec that its policy forbids, or that is not valid.
    #[error("{part}: {error}")]
    Refused {
        /// The part.
        part: SpecPart,
        /// Why.
        error: memex_policies::Error,
    },
    /// A policy file that cannot be read.
    #[error("cannot read the policy {}: {what}", path.display())]
    PolicyFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        what: String,
    },
    /// The text of a policy is refused.
    #[error("{place}: {error}")]
    Policy {
        /// The file, or the field of the spec.
        place: String,
        /// Why.
        error: memex_policies::Error,
    },
    /// A preset stands where a policy is to be narrowed.
    #[error("the preset `{preset}` cannot narrow another policy")]
    PresetNarrows {
        /// The preset.
        preset: String,
    },
    /// A granted directory that cannot be used.
    #[error("the directory {}, granted at {guest}, cannot be used: {what}", host.display())]
    Directory {
        /// The directory.
        host: PathBuf,
        /// Where the guest was to see it.
        guest: String,
        /// What is wrong with it.
        what: String,
    },
    /// What cannot be the name of a module.
    #[error("`{name}` is not the name of a module")]
    Module {
        /// The text.
        name: String,
    },
    /// Two versions of one package.
    #[error("{first} and {second} are asked for")]
    Packages {
        /// The version that comes first.
        first: String,
        /// The other.
        second: String,
    },
    /// An image's name together with what would change the image.
    #[error("an image is named, and packages or modules are to be added to it")]
    NameAndMore,
    /// The image that a saved session goes on with is not there.
    #[error("the session was saved on the image {image}, which is not in {place}")]
    SavedImage {
        /// Its name.
        image: String,
        /// The cache that was searched.
        place: String,
    },
    /// The file of an image's secret cannot be read.
    #[error("cannot read the secret {}: {what}", path.display())]
    SecretFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        what: String,
    },
    /// An image cannot boot at this time.
    #[error("images cannot boot at {unix_s} seconds since 1970, which is too late")]
    BootTime {
        /// The time, in seconds since 1970.
        unix_s: u64,
    },
    /// The host has no directory of images.
    #[error("there is no cache directory")]
    NoCacheDirectory,
    /// The host has no data directory, and the spec names no store.
    #[error("there is no data directory to keep sessions in")]
    NoStoreDirectory,
    /// The host has no data directory for shared scratches.
    #[error("there is no data directory to keep a shared scratch in")]
    NoScratchDirectory,
    /// The threads of the tokio runtime cannot be started.
    #[error("the threads of the tools cannot be started: {0}")]
    Threads(#[source] std::io::Error),
    /// The spec lets the code ask the user, and the host has nobody.
    #[error("the code may ask the user, and nobody here can be asked")]
    NobodyToAsk,
    /// A tool file, or what it declares, cannot be used.
    #[error(transparent)]
    ToolFile(#[from] memex_external::OutsideError),
    /// A secret that a tool file names cannot be used.
    #[error(transparent)]
    Credential(memex_external::OutsideError),
    /// The databases cannot be opened.
    #[error(transparent)]
    Databases(#[from] memex_sql::DatabasesError),
    /// The memory cannot be opened.
    #[error(transparent)]
    Memory(#[from] memex_memory::Error),
    /// The gate to the network cannot be made.
    #[error(transparent)]
    Egress(#[from] memex_external::egress::HttpError),
    /// The tools do not go together.
    #[error(transparent)]
    Tools(memex_host_tools::Error),
    /// Calls cannot be recorded.
    #[error(transparent)]
    Audit(memex_host_tools::Error),
    /// The shared scratch cannot be opened.
    #[error("the shared scratch {}: {what}", path.display())]
    SharedScratch {
        /// Its file.
        path: PathBuf,
        /// Why not.
        what: String,
    },
    /// The directory of shared scratches is not the user's own.
    #[error("{} is not a directory that only you may write", path.display())]
    ScratchDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// A directory cannot be made.
    #[error("cannot make {}: {source}", path.display())]
    MakeDirectory {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// An input that cannot be put into the scope.
    #[error("the input `{name}` {what}")]
    Input {
        /// Its name.
        name: String,
        /// What is wrong with it, after the name.
        what: String,
    },
    /// There is no saved session of this name.
    #[error("there is no session {name}")]
    NoSession {
        /// The name.
        name: String,
    },
    /// There is a saved session of this name already.
    #[error("there is a session {name} already")]
    SessionExists {
        /// The name.
        name: String,
    },
    /// A saved session has no such turn.
    #[error("the session {name} has no saved turn {turn}; its newest is {newest}")]
    NoTurn {
        /// The session.
        name: String,
        /// The turn asked for.
        turn: u64,
        /// The newest that is there.
        newest: u64,
    },
    /// A saved session cannot be continued.
    #[error("cannot continue the session {name}: {source}")]
    Continue {
        /// The session.
        name: String,
        /// Why not.
        source: Box<Error>,
    },
    /// A session cannot be saved.
    #[error("cannot save the session {name}: {source}")]
    Save {
        /// The session.
        name: String,
        /// Why not.
        source: Box<Error>,
    },
    /// The URL of a store, or an option of its service, cannot be used.
    #[error(transparent)]
    StorePlace(memex_snapshots::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] memex_snapshots::Error),
    /// The engine, an image or a session failed.
    #[error(transparent)]
    Runtime(#[from] memex_runtime::Error),
}

/// The parts of a spec that its policy bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpecPart {
    /// `mounts`.
    Mounts,
    /// `limits`.
    Limits,
    /// `environment`.
    Environment,
    /// `tools`.
    Tools,
    /// `tools.ask_user`.
    AskUser,
    /// `tools.shared_scratch`.
    SharedScratch,
}

impl fmt::Display for SpecPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mounts => "mounts",
            Self::Limits => "limits",
            Self::Environment => "environment",
            Self::Tools => "tools",
            Self::AskUser => "tools.ask_user",
            Self::SharedScratch => "tools.shared_scratch",
        })
    }
}

impl Error {
    pub(crate) fn spec(what: impl fmt::Display) -> Self {
        Self::Spec {
            what: what.to_string(),
        }
    }

    pub(crate) fn refused(part: SpecPart) -> impl FnOnce(memex_policies::Error) -> Self {
        move |error| Self::Refused { part, error }
    }
}
