//! One object per turn: the contract of `--json`.

use crate::console::print_line;
use memex_runtime::Session;
use memex_sessions::{Display, Outcome};

/// Prints a turn; `displays` are the paths of what was written, with `--out`.
pub(super) fn print(
    outcome: &memex_runtime::Outcome,
    session: &mut Session,
    displays: Option<Vec<String>>,
) {
    let outcome = Outcome::of(outcome, session);
    print_object(&match displays {
        None => outcome,
        Some(paths) => outcome.with_displays(paths.into_iter().map(Display::Written).collect()),
    });
}

/// A turn that the host could not finish.
pub(super) fn print_fault(turn: u64, error: &str) {
    print_object(&Outcome::fault(turn, error.to_owned()));
}

fn print_object(outcome: &Outcome) {
    // Texts and numbers only: nothing here can fail to serialise.
    print_line(&serde_json::to_string(outcome).unwrap_or_default());
}
