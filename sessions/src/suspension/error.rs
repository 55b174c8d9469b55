//! What can go wrong with a session that is suspended.

use memex_host_tools::AnswerError;

/// Why a suspendable session did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum SuspensionError {
    /// An answer was not taken. The session waits as before.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The session is not in the state for this. It is as before.
    #[error("the session is {state}; {remedy}")]
    State {
        /// Its state.
        state: &'static str,
        /// What to do first.
        remedy: &'static str,
    },
    /// The turn ran again with the recorded replies and made other calls than the first
    /// time. It is rolled back; the session is ready, in its state before the turn.
    #[error(
        "the block was stopped while a call waited, and made other calls when it ran again: it depends on time, randomness, or state outside of the session"
    )]
    Diverged,
    /// The toolbox has no client tools.
    #[error("the session has no client tools; start its turns with `run`")]
    NoClientTools,
    /// What was saved cannot be used.
    #[error("the saved turn cannot be used: {reason}")]
    Saved {
        /// What is wrong.
        reason: String,
    },
    /// The session's thread could not be started, or is gone; so is the session.
    #[error("the session's thread is gone: {reason}")]
    Thread {
        /// What the system says.
        reason: String,
    },
    /// A fault of the host.
    #[error(transparent)]
    Runtime(#[from] memex_runtime::Error),
}
