//! Suites as their users see them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod bulletins;
mod grading;
mod officeqa;
mod passages;
mod reading;
mod tasks;
mod warehouse;

/// The text between two others.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = text
        .split_once(before)
        .unwrap_or_else(|| panic!("{before:?} in {text:?}"))
        .1;
    rest.split_once(after)
        .unwrap_or_else(|| panic!("{after:?} in {text:?}"))
        .0
}
