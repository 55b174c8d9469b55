//! Errors on the host's side.

use std::io;

/// Why a namespace could not be built or a saved state not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The guest path of a mount is malformed.
    #[error(
        "mount path {path:?} is not usable: {reason}; write an absolute path such as \"/data\""
    )]
    MountPath {
        /// The path as given.
        path: String,
        /// The problem.
        reason: &'static str,
    },
    /// Two mounts have the same guest path.
    #[error("{path} is mounted twice; give each mount a path of its own")]
    DuplicateMount {
        /// The path both have.
        path: String,
    },
    /// A mount lies in a writable host directory or under a mounted file.
    #[error(
        "mount {inner} lies in {outer}, which the guest could rename from under it; mount it elsewhere or make {outer} read-only"
    )]
    NestedMount {
        /// The mount inside.
        inner: String,
        /// The mount around it.
        outer: String,
    },
    /// A handle was given that is not of the kind the mount needs.
    #[error("what was given for {path} is not a {expected}; grant a {expected} there")]
    MountKind {
        /// The guest path.
        path: String,
        /// "regular file" or "directory".
        expected: &'static str,
    },
    /// The host would not describe a handle.
    #[error("cannot inspect what was given for {path}: {source}")]
    MountHandle {
        /// The guest path.
        path: String,
        /// The host's error.
        source: io::Error,
    },
    /// A saved state is of a version this build does not read.
    #[error(
        "file state has version {found}, this build reads {supported}; use the build that saved it"
    )]
    StateVersion {
        /// The version in the bytes.
        found: u8,
        /// The version this build reads.
        supported: u8,
    },
    /// A saved state is damaged.
    #[error("file state is damaged at byte {offset}: {what}; restore an earlier snapshot")]
    StateDamaged {
        /// The problem.
        what: &'static str,
        /// The offset at which reading stopped.
        offset: usize,
    },
    /// A saved state holds more than its reader may.
    #[error(
        "the saved files take {actual} of {name}, and the policy allows {limit}\nhint: raise {name}"
    )]
    StateTooLarge {
        /// The field of [`Quota`](crate::Quota).
        name: &'static str,
        /// Its value.
        limit: u64,
        /// What the state holds, as far as it was read.
        actual: u64,
    },
}
