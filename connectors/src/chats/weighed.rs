//! What a text takes as values: a short one can hold very many.

use std::cell::Cell;
use std::io::{Error, Read, Result};
use std::rc::Rc;

use memex_channel::tree::TreeSize;
use serde_json::Value;

/// What one conversation, or one document, may take as values.
const VALUES_MAX_BYTES: usize = 256 << 20;

/// A text that ends where one of its conversations would take too much as values.
pub(super) struct Weighed<R> {
    content: R,
    size: TreeSize,
    taken: Taken,
}

/// What was read since the last conversation.
#[derive(Clone, Default)]
pub(super) struct Taken(Rc<Cell<usize>>);

impl Taken {
    /// The next conversation may take as much again.
    pub(super) fn clear(&self) {
        self.0.set(0);
    }
}

impl<R: Read> Weighed<R> {
    pub(super) fn new(content: R, taken: Taken) -> Self {
        Self {
            content,
            size: TreeSize::default(),
            taken,
        }
    }
}

impl<R: Read> Read for Weighed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = self.content.read(buffer)?;
        let before = self.size.bytes();
        self.size.push(buffer.get(..count).unwrap_or_default());
        let taken = self.size.bytes().saturating_sub(before);
        let taken = taken.saturating_add(self.taken.0.get());
        self.taken.0.set(taken);
        match taken > VALUES_MAX_BYTES {
            true => Err(Error::other(format!(
                "a conversation takes more than {VALUES_MAX_BYTES} bytes as values"
            ))),
            false => Ok(count),
        }
    }
}

/// A document in JSON.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn document(bytes: &[u8]) -> std::result::Result<Value, String> {
    TreeSize::check(bytes, VALUES_MAX_BYTES).map_err(|what| format!("it {what}"))?;
    serde_json::from_slice(bytes).map_err(|error| format!("is no JSON: {error}"))
}
