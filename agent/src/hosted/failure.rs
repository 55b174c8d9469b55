//! Why a server gives no answer.

use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;

use crate::Error;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The sandbox is gone, or the server knows none.
    Gone(String),
    /// The server could not be reached, or broke off.
    Broken(String),
    /// The server has no room now.
    Busy(String, Option<Duration>),
    /// The server refuses.
    Refused(String),
}

/// A problem, as the server words it.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Problem {
    code: String,
    detail: String,
    remedy: String,
}

/// What a problem is to a scope.
pub(super) fn failure(status: StatusCode, body: &[u8], after: Option<Duration>) -> Failure {
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    let what = match problem.detail.is_empty() {
        true => format!("the server answered {status}"),
        false => format!("{}\nhint: {}", problem.detail, problem.remedy),
    };
    match (status, problem.code.as_str()) {
        (StatusCode::NOT_FOUND | StatusCode::GONE, _) => Failure::Gone(what),
        (StatusCode::CONFLICT, "idempotency-forgotten") => Failure::Gone(what),
        (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, _) => {
            Failure::Busy(what, after)
        }
        (StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT, _) => Failure::Broken(what),
        _ => Failure::Refused(what),
    }
}

impl Failure {
    /// The words for it.
    pub(super) fn what(&self) -> &str {
        match self {
            Self::Gone(what) | Self::Broken(what) | Self::Busy(what, _) | Self::Refused(what) => {
                what
            }
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Worker {
            what: format!("of the server: {}", failure.what()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_whether_to_ask_again() {
        let body = br#"{"code": "x", "detail": "no", "remedy": "yes", "more": 1}"#;
        let of = |status, body: &[u8]| failure(status, body, None);
        assert!(
            matches!(of(StatusCode::GONE, body), Failure::Gone(what) if what == "no\nhint: yes")
        );
        assert!(matches!(of(StatusCode::NOT_FOUND, b""), Failure::Gone(_)));
        assert!(matches!(
            of(StatusCode::TOO_MANY_REQUESTS, b"x"),
            Failure::Busy(..)
        ));
        assert!(matches!(
            of(StatusCode::BAD_GATEWAY, b""),
            Failure::Broken(_)
        ));
        assert!(matches!(
            of(StatusCode::UNAUTHORIZED, body),
            Failure::Refused(_)
        ));
    }
}
