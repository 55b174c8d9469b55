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
    #[error("{doing} {path}: {source}{}", room(source))]
    File {
        /// The operation, as a verb.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
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
    /// No image has a name that begins so.
    #[error(
        "no image in {place} has a name that begins with `{key}`\nhint: `memex image list` shows the names in the cache; `memex image pull URL NAME` gets an image from a store"
    )]
    NoImage {
        /// The requested name.
        key: String,
        /// The cache or store that was searched.
        place: String,
    },
    /// Several images have names that begin so.
    #[error(
        "{} images have names that begin with `{key}`: {}\nhint: write more of the name",
        .names.len(),
        shortened(.names)
    )]
    ManyImages {
        /// The requested name.
        key: String,
        /// The names that fit.
        names: Vec<String>,
    },
    /// An image of another version, guest or build.
    #[error(
        "the image {name} cannot be used: {why}\nhint: use that version of memex, or build the image again: `memex image build`, with the same --preload, --package and --secret-file"
    )]
    OtherImage {
        /// Its name.
        name: String,
        /// What it differs in.
        why: String,
    },
    /// The cache's secret can be read by others.
    #[error(
        "{path} can be read by others, and is the secret of the images that are built here\nhint: `chmod 600 {path}`, then `memex image build --new-secret` if others may have read it"
    )]
    ReadableSecret {
        /// The file.
        path: PathBuf,
    },
    /// What was given as a secret cannot be one.
    #[error(
        "the secret is {reason}: it must have 32 to 4096 bytes that are hard to guess\nhint: `head -c 32 /dev/urandom > FILE` makes one"
    )]
    Secret {
        /// The problem.
        reason: &'static str,
    },
    /// No processor has this name.
    #[error("there is no processor `{name}`\nhint: write one of {known}")]
    UnknownCpu {
        /// The requested name.
        name: String,
        /// The names there are.
        known: String,
    },
    /// This machine cannot run code for the processor that was asked for.
    #[error(
        "this machine cannot run code for {wanted}: {lacking}\nhint: choose a lower level with --cpu, or `native`"
    )]
    Cpu {
        /// The processor.
        wanted: &'static str,
        /// What this machine has not, in words.
        lacking: String,
    },
    /// A store of images failed.
    #[error("cannot {action} images in {place}: {cause}")]
    ImageStore {
        /// The operation.
        action: &'static str,
        /// The store.
        place: String,
        /// The store's own error.
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Something of an image in a store is not what it should be.
    #[error(
        "{what} in {place} is damaged: {reason}\nhint: push the image again from a machine that has it; nothing of it was used here"
    )]
    DamagedInStore {
        /// What it is.
        what: String,
        /// The store.
        place: String,
        /// The problem.
        reason: String,
    },
    /// The store has no image that this version can start from.
    #[error(
        "{place} has no image for this memex: {}\nhint: `memex image push` puts one there; `memex image pull URL NAME` gets one with other modules or packages",
        if .found.is_empty() { "it holds none at all".to_owned() } else { .found.join("; ") }
    )]
    NoFittingImage {
        /// The store.
        place: String,
        /// What is there, and why each does not fit.
        found: Vec<String>,
    },
    /// Machine code in a store is not the code that was vouched for.
    #[error(
        "the machine code in {place} has the digest {found}, not {expected}\nhint: pin the digest that `memex image push` printed, or omit --trust-code: the code is then compiled here"
    )]
    OtherCode {
        /// The store.
        place: String,
        /// The digest that was pinned.
        expected: String,
        /// The digest of what is there.
        found: String,
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
        /// The operation.
        doing: &'static str,
        /// The system's error.
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
        /// The system's error.
        source: io::Error,
    },
    /// The files that a session would see contradict each other.
    #[error(transparent)]
    Files(#[from] memex_filesystem::Error),
    /// As many sessions of a policy live as it allows in one process.
    #[error(
        "{live} sessions of this policy are alive in this process, of {limit} allowed\nhint: drop or hibernate sessions, or raise live_sessions"
    )]
    TooManySessions {
        /// Sessions of the policy that are alive.
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
        "the snapshot was taken on image {wanted}, and this is image {found}\nhint: `--image {wanted}` runs with it if `memex image list` shows it; else `memex image pull URL {wanted}` gets it, or a build with the same --preload, --package and --secret-file makes it again"
    )]
    ForeignSnapshot {
        /// The image the snapshot names.
        wanted: String,
        /// The image in use.
        found: String,
    },
}

/// The beginnings of names, as far as a message has room.
fn shortened(names: &[String]) -> String {
    let short = |name: &String| name.chars().take(16).collect::<String>();
    names
        .iter()
        .take(8)
        .map(short)
        .collect::<Vec<_>>()
        .join(", ")
}

/// What to do about a disk that takes no more.
fn room(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "\nhint: the disk takes no more: make room there, or choose another directory"
        }
        _ => "",
    }
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
