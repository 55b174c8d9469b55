//! What a turn came to.

use crate::channel::Display;
use crate::host::{Captured, LimitHit};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// To its end.
    Ok,
    /// By an exception that the code did not catch.
    Exception,
    /// By a limit of the policy; [`Outcome::limit`] says which.
    Limit,
    /// Before it began: the policy does not admit it.
    Refused,
    /// By a fault of the host. The session is lost.
    Fault,
}

/// The result of one turn. Everything that the guest says in it (output, value,
/// error) is as trustworthy as the code that ran.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Number of the turn in its session, from 1.
    pub turn: u64,
    /// How it ended.
    pub status: Status,
    /// What was written to `sys.stdout`.
    pub stdout: Captured,
    /// What was written to `sys.stderr`.
    pub stderr: Captured,
    /// A bounded preview of the last expression's value.
    pub value: Option<String>,
    /// Figures and displayed objects, in order.
    pub displays: Vec<Display>,
    /// The exception that ended the turn.
    pub error: Option<GuestError>,
    /// The status that `exit()` or `SystemExit` named.
    pub exit_code: Option<i64>,
    /// The limit that ended the turn, or that cut its output.
    pub limit: Option<LimitHit>,
    /// Whether the session is back in its state before the turn.
    pub rolled_back: bool,
    /// Instructions counted, on an image with fuel.
    pub fuel: Option<u64>,
    /// From call to return, waits included.
    pub wall_time: Duration,
    /// Time in the guest, waits for the host excluded.
    pub guest_time: Duration,
    /// Calls of the guest to tools and displays.
    pub host_calls: u64,
    /// Size of the guest's linear memory after the turn, in bytes.
    pub memory_bytes: u64,
}

/// An exception as the guest reports it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestError {
    /// Name of the exception's class.
    #[serde(rename = "type")]
    pub class: String,
    /// `str()` of the exception.
    pub message: String,
    /// Frames of the user's code, as Python prints them.
    pub traceback: String,
    /// Line of a syntax error, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Column of a syntax error, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

impl Outcome {
    /// Whether the turn ran to its end.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.status == Status::Ok
    }
}
