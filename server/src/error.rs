//! Why the service did not do what it was asked.

use std::time::Duration;

/// The kinds of refusals and failures, as every wire tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// There is no key, or not a valid one.
    Unauthenticated,
    /// The key is valid and does not permit this.
    Forbidden,
    /// There is no such thing, or it is another tenant's.
    NotFound,
    /// The sandbox has ended. The reason is known for a day.
    Gone,
    /// It is not in the state for this, or somebody else does it now.
    Conflict,
    /// The request makes no sense.
    Invalid,
    /// The request, or what it would make, is larger than permitted.
    TooLarge,
    /// A quota of the tenant is used up for the moment.
    Exhausted,
    /// There is no room for it in the sandbox or in the store.
    NoSpace,
    /// The server takes no work now.
    Unavailable,
    /// It is something that this server does not do.
    Unsupported,
    /// A fault of the server.
    Internal,
}

/// A refusal or a failure: what it is, why, and what to do about it. The sandbox is as
/// it was unless the message says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}\nhint: {remedy}")]
pub struct ServiceError {
    /// What kind of failure it is.
    pub kind: ErrorKind,
    /// The name of the case, which programs compare: lower-case words with hyphens.
    pub code: &'static str,
    /// What is wrong, on one line.
    pub message: String,
    /// What to do about it, on one line.
    pub remedy: String,
    /// When it is worth another try.
    pub retry_after: Option<Duration>,
}

impl ServiceError {
    /// An error of a kind.
    #[must_use]
    pub fn new(
        kind: ErrorKind,
        code: &'static str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            code,
            message: one_line(message.into()),
            remedy: one_line(remedy.into()),
            retry_after: None,
        }
    }

    /// A request that makes no sense.
    #[must_use]
    pub fn invalid(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, "invalid-request", message, remedy)
    }

    /// Something that is not there, or another tenant's.
    #[must_use]
    pub fn not_found(what: &str, name: &str) -> Self {
        let name: String = name.chars().take(100).collect();
        Self::new(
            ErrorKind::NotFound,
            "not-found",
            format!("there is no {what} {name:?}"),
            format!("list those that are there, or make a new {what}"),
        )
    }

    /// A fault of the server.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(
            ErrorKind::Internal,
            "internal",
            message,
            "try again; if it happens again, the server's log has more",
        )
    }

    /// The same, worth another try after this time.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }
}

/// Splits the hints off that errors of the libraries carry.
pub(crate) fn cause_and_hint(error: &dyn std::error::Error) -> (String, Option<String>) {
    let text = error.to_string();
    match text.split_once("hint: ") {
        Some((cause, hint)) => (
            cause.trim_end_matches([' ', '\n', ';']).to_owned(),
            Some(one_line(hint.to_owned())),
        ),
        None => (text, None),
    }
}

fn one_line(text: String) -> String {
    match text.contains('\n') {
        true => text.trim_end().replace('\n', "; "),
        false => text,
    }
}
