//! One object per turn: the contract of `--json`.

use crate::console::print_line;
use memex_runtime::{LimitHit, Outcome, Status};
use serde::Serialize;

#[derive(Serialize)]
struct Turn<'a> {
    turn: u64,
    status: Status,
    stdout: &'a str,
    stderr: &'a str,
    value: Option<&'a str>,
    error: Option<Exception<'a>>,
    limit: Option<&'a LimitHit>,
    rolled_back: bool,
    fuel: Option<u64>,
    wall_us: u64,
    guest_us: u64,
    host_calls: u64,
    memory_bytes: u64,
    dirty_pages: u64,
    /// Paths of what was written; only with `--out`.
    #[serde(skip_serializing_if = "Option::is_none")]
    displays: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Exception<'a> {
    #[serde(rename = "type")]
    class: &'a str,
    message: &'a str,
    traceback: &'a str,
}

pub(super) fn print(outcome: &Outcome, dirty_pages: u64, displays: Option<Vec<String>>) {
    // An exit with a number has no text of its own, and is told all the same.
    let exit_code = outcome.exit_code.map(|code| code.to_string());
    let exit = exit_code.as_deref().map(|code| Exception {
        class: "SystemExit",
        message: code,
        traceback: "",
    });
    let error = outcome.error.as_ref().map(|error| Exception {
        class: &error.class,
        message: &error.message,
        traceback: &error.traceback,
    });
    let micros = |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    print_object(&Turn {
        turn: outcome.turn,
        status: outcome.status,
        stdout: &outcome.stdout.text,
        stderr: &outcome.stderr.text,
        value: outcome.value.as_deref(),
        error: error.or(exit),
        limit: outcome.limit.as_ref(),
        rolled_back: outcome.rolled_back,
        fuel: outcome.fuel,
        wall_us: micros(outcome.wall_time),
        guest_us: micros(outcome.guest_time),
        host_calls: outcome.host_calls,
        memory_bytes: outcome.memory_bytes,
        dirty_pages,
        displays,
    });
}

/// A turn that the host could not finish.
pub(super) fn print_fault(turn: u64, error: &str) {
    print_object(&Turn {
        turn,
        status: Status::Fault,
        stdout: "",
        stderr: "",
        value: None,
        error: Some(Exception {
            class: "HostFault",
            message: error,
            traceback: "",
        }),
        limit: None,
        rolled_back: false,
        fuel: None,
        wall_us: 0,
        guest_us: 0,
        host_calls: 0,
        memory_bytes: 0,
        dirty_pages: 0,
        displays: None,
    });
}

fn print_object(turn: &Turn<'_>) {
    // Texts and numbers only: nothing here can fail to serialise.
    print_line(&serde_json::to_string(turn).unwrap_or_default());
}
