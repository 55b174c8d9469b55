//! What can go wrong with a pool.

use std::time::Duration;

/// Why a pool did not do what it was asked. Unless a variant says otherwise, the session is
/// where it was, as it was.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// No session of the pool has this key.
    #[error(
        "the session is not in this pool: it was removed, or its work panicked; create another one"
    )]
    Unknown,
    /// Another thread has had the session for too long.
    #[error("another thread has used the session for {waited:?}; interrupt its turn, or try again")]
    Busy {
        /// How long it was waited for.
        waited: Duration,
    },
    /// The pool takes no more sessions.
    #[error("the pool is full: {reason}; remove sessions, or give it more room")]
    Full {
        /// Which bound is reached.
        reason: String,
    },
    /// A store could not be used.
    #[error("the pool's store: {0}")]
    Store(#[from] memex_snapshots::Error),
    /// The session could not be started or woken, or failed at its work; in the second case
    /// the session's own state says whether it is lost.
    #[error(transparent)]
    Runtime(#[from] memex_runtime::Error),
}
