//! What the tools warn of, kept until a block is over.

use std::collections::HashMap;

use parking_lot::Mutex;

/// Warnings kept for one block.
const WARNINGS_MAX: usize = 100;

/// Warnings of the tools by session.
#[derive(Default)]
pub(super) struct Warnings(Mutex<HashMap<String, Vec<String>>>);

impl Warnings {
    pub(super) fn add(&self, session: &str, warning: &str) {
        let mut all = self.0.lock();
        let of_session = all.entry(session.to_owned()).or_default();
        if of_session.len() < WARNINGS_MAX {
            of_session.push(warning.to_owned());
        }
    }

    pub(super) fn take(&self, session: &str) -> Vec<String> {
        self.0.lock().remove(session).unwrap_or_default()
    }
}
