//! Why a session did not do what it was asked, for the client that asked.

/// Each message ends with what helps. The session is as it was, unless a variant says
/// otherwise.
#[derive(Debug, thiserror::Error)]
pub enum ScopeError {
    /// No session can have the name.
    #[error("{0}")]
    Name(String),
    /// The name is taken.
    #[error("there is a session {name:?} already\nhint: give another name")]
    Exists {
        /// The name.
        name: String,
    },
    /// As many sessions as there may be.
    #[error("there are {count} sessions, and no more are made\nhint: go on in one of them")]
    Full {
        /// How many.
        count: usize,
    },
    /// As many calls wait for the session as may.
    #[error(
        "{waiting} calls wait for the session {name:?}\nhint: wait for their answers, or use another session_id"
    )]
    Busy {
        /// The session.
        name: String,
        /// How many wait.
        waiting: usize,
    },
    /// The call was given up before its code ran.
    #[error("the call was cancelled before it began")]
    Cancelled,
    /// The session is gone: a fault of the host ended it.
    #[error(
        "the session was lost by a fault of the host: {0}\nhint: the next call begins with its last saved state, or with an empty one"
    )]
    Lost(String),
    /// The turn ran, and could not be saved.
    #[error("the turn ran and is not saved: {0}")]
    Unsaved(memex_sessions::Error),
    /// The session cannot be made.
    #[error("the session cannot be started: {0}")]
    Start(#[from] memex_sessions::Error),
    /// The pool of sessions refused.
    #[error(transparent)]
    Pool(#[from] memex_sessions::PoolError),
    /// The store of sessions refused.
    #[error("the store of sessions: {0}")]
    Store(#[from] memex_snapshots::Error),
}
