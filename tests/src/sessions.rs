//! Running code and holding what it comes to against a table.

use crate::{Expect, standard_sandbox, try_run};
use memex_runtime::{Outcome, Sandbox, Session, SessionOptions, SessionState};

/// A session of the default policy.
#[must_use]
pub fn session() -> Session {
    session_of(standard_sandbox())
}

/// A session of a sandbox, without tools and without a sink.
///
/// # Panics
/// When it cannot be started.
#[must_use]
pub fn session_of(sandbox: &Sandbox) -> Session {
    sandbox
        .session(SessionOptions::default())
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Runs a turn; a fault of the host fails the test.
///
/// # Panics
/// On a fault of the host, with the code that brought it about.
pub fn run(session: &mut Session, code: &str) -> Outcome {
    try_run(session, code).unwrap_or_else(|error| panic!("{error}\nin the turn:\n{code}"))
}

/// The shown value of an expression, which must have one.
///
/// # Panics
/// When the turn fails or has no value.
pub fn value_of(session: &mut Session, code: &str) -> String {
    let outcome = run(session, code);
    match outcome.value {
        Some(ref value) if outcome.is_ok() => value.clone(),
        _ => panic!("no value of:\n{code}\nbut {outcome:#?}"),
    }
}

/// One turn in a session of its own.
///
/// # Panics
/// When the outcome is not as expected.
pub fn check(code: &str, expect: Expect) {
    check_turns(&mut session(), &[(code, expect)]);
}

/// A table in which every case has a session of its own.
///
/// # Panics
/// When an outcome is not as expected; all cases run, and all failures are told.
pub fn check_all(cases: &[(&str, Expect)]) {
    let mut failures = Vec::new();
    for (code, expect) in cases {
        let outcome = run(&mut session(), code);
        if let Err(what) = expect.compare(&outcome) {
            failures.push(format!("{code}\n  → {what}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// A table of turns of one session.
///
/// # Panics
/// As [`check_all`].
pub fn check_turns(session: &mut Session, turns: &[(&str, Expect)]) {
    let mut failures = Vec::new();
    for (code, expect) in turns {
        let outcome = run(session, code);
        if let Err(what) = expect.compare(&outcome) {
            failures.push(format!("{code}\n  → {what}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// The session takes another turn, and the turn does what it says.
///
/// # Panics
/// When it does not.
pub fn still_works(session: &mut Session) {
    assert_eq!(session.state(), SessionState::Ready);
    let outcome = run(session, "print(1 + 1)");
    assert!(outcome.is_ok(), "{outcome:#?}");
    assert_eq!(outcome.stdout.text, "2\n");
}

/// Runs a check for every case and tells all that fail, not only the first.
///
/// # Panics
/// When any of them does.
pub fn each<T: std::fmt::Debug>(cases: impl IntoIterator<Item = T>, mut check: impl FnMut(&T)) {
    let mut failures = Vec::new();
    for case in cases {
        let attempt = std::panic::AssertUnwindSafe(|| check(&case));
        if let Err(payload) = std::panic::catch_unwind(attempt) {
            let message = payload
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| payload.downcast_ref::<&str>().copied())
                .unwrap_or("it panicked");
            failures.push(format!("{case:?}\n{message}"));
        }
    }
    assert!(
        failures.is_empty(),
        "{} failed:\n\n{}",
        failures.len(),
        failures.join("\n\n")
    );
}
